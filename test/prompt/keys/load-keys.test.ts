/** `load` at the client prompt: what is typed, and what it tells while a cluster answers, is silent, and answers again. */
import { expect, test } from "vitest";
import { KvError } from "../../../src/base/errors.ts";
import { clientTable, type ClientAction } from "../../../src/prompt/commands/client-commands.ts";
import { loadKeys } from "../../../src/prompt/keys/load-keys.ts";
import { parseCommand } from "../../../src/prompt/terminal/command-table.ts";
import type { Outcome } from "../../../src/prompt/terminal/outcome.ts";
import type { LiveScreen, Screen } from "../../../src/prompt/terminal/screen.ts";
import { plainStyle } from "../../../src/prompt/terminal/style.ts";
import { tokenize } from "../../../src/prompt/terminal/tokenize.ts";
import { HandClock } from "../../client/hand-clock.ts";

function actionOf(line: string): ClientAction {
  const parsed = parseCommand(clientTable([1, 2, 3]), tokenize(line)[0] ?? []);
  if (parsed.kind !== "command") throw new Error(parsed.kind);
  return parsed.action;
}

/** Answers after 5 ms while it is up. */
function world(live: LiveScreen | null = null) {
  const clock = new HandClock();
  const shown: Outcome[] = [];
  const screen: Screen = { live, show: (outcome) => shown.push(outcome) };
  const state = { isUp: true };
  const waiting: (() => void)[] = [];
  const abort = new AbortController();
  const client = {
    request: () =>
      new Promise<never>((resolve, reject) => {
        const answer = (): void => void clock.after(5, () => resolve({ revision: 1 } as never));
        if (state.isUp) answer();
        else waiting.push(() => reject(new KvError("NO_QUORUM", "no majority")));
      }),
  };
  const request = { signal: abort.signal };
  const run = { client, clock, request, style: plainStyle, screen };
  return { clock, shown, state, waiting, abort, run };
}

const RATE = { family: "load", op: "load", perSecond: 20, forMs: null } as const;

test("the rate is a number of writes a second", () => {
  expect(actionOf("load 20/s")).toEqual(RATE);
  expect(actionOf("any load 5 --for 10s")).toEqual({
    family: "load",
    op: "load",
    perSecond: 5,
    forMs: 10_000,
  });
  for (const wrong of ["0", "20/min", "1001/s", "-1", "x"]) {
    expect(() => actionOf(`load "${wrong}"`)).toThrow("like 20/s");
  }
});

test("a line a second says what came of it, and the end for how long nothing did", async () => {
  const { clock, shown, state, waiting, abort, run } = world();
  const ended = loadKeys(run, RATE);
  await clock.run(2100);
  expect(shown.map(({ json }) => json["answered"])).toEqual([19, 20]);
  expect(shown[0]?.text).toContain("median 5.0 ms, slowest 5.0 ms, 0 waiting");
  state.isUp = false;
  await clock.run(2000);
  expect(shown.at(-1)?.text).toContain("no answer, ");
  state.isUp = true;
  for (const fail of waiting) fail();
  await clock.run(1000);
  expect(shown.at(-1)?.json).toMatchObject({ failed: waiting.length });
  expect(shown.at(-1)?.text).toContain("17 answered");
  abort.abort();
  const { json, status } = await ended;
  expect(json).toMatchObject({ event: "end", failed: waiting.length, longestGapMs: 2050 });
  expect(status).toBe(0);
});

test("nothing is said before the first second is over, also by a clock that goes on meanwhile", async () => {
  const { clock, shown, abort, run } = world();
  let reads = 0;
  const going = { now: () => clock.now() + 0.001 * reads++, after: clock.after.bind(clock) };
  const ended = loadKeys({ ...run, clock: going }, RATE);
  await clock.run(1100);
  expect(shown.map(({ text }) => text)).toEqual([
    expect.stringMatching(/^ *\+1\.0 s {2}19 answered/),
  ]);
  abort.abort();
  await ended;
});

test("it ends after its time, and counts nothing that was under way", async () => {
  const { clock, shown, run } = world();
  const ended = loadKeys(run, { ...RATE, forMs: 500 });
  await clock.run(500);
  expect((await ended).json).toMatchObject({ answered: 9, failed: 0 });
  expect(shown).toHaveLength(1);
});

test("at a terminal it is redrawn in place until q is pressed", async () => {
  let quit = (): void => {};
  const drawn: string[] = [];
  const { clock, shown, run } = world({
    open: (onQuit) => (quit = onQuit),
    draw: (lines) => drawn.push(lines.join("\n")),
    close: () => drawn.push("closed"),
  });
  const ended = loadKeys(run, RATE);
  await clock.run(1000);
  expect(drawn.at(-1)).toContain("20 writes a second to load/0 … load/49, for 1 s");
  quit();
  await ended;
  expect(drawn.at(-1)).toBe("closed");
  expect(shown).toEqual([]);
});

test("many writes that wait are no leak to warn of, on any version of Node.js", async () => {
  const { abort, run } = world();
  const warned: string[] = [];
  const warn = ({ name }: Error): void => void warned.push(name);
  process.on("warning", warn);
  const ended = loadKeys(run, RATE);
  for (let i = 0; i < 20; i++) abort.signal.addEventListener("abort", () => {});
  await new Promise(setImmediate);
  process.off("warning", warn);
  expect(warned).toEqual([]);
  abort.abort();
  await ended;
});
