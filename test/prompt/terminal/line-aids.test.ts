/** What helps at the line editor: the rest of lines typed before, the search in the history, quotes over lines, pages. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createClientPrompt } from "../../../src/prompt/client-prompt.ts";
import {
  type HistorySearch,
  SEARCH_BEGIN,
  searchStep,
} from "../../../src/prompt/terminal/history-search.ts";
import { ghostOf } from "../../../src/prompt/terminal/line-aids.ts";
import { linesFor, showPaged } from "../../../src/prompt/terminal/pager.ts";
import { runPrompt } from "../../../src/prompt/terminal/run-prompt.ts";
import type { ClientAction } from "../../../src/prompt/commands/index.ts";
import type { Outcome } from "../../../src/prompt/terminal/outcome.ts";
import type { Prompt } from "../../../src/prompt/terminal/prompt.ts";
import { createStyle, plainStyle } from "../../../src/prompt/terminal/style.ts";
import { fakeClient } from "../fake-client.ts";

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "omnikv-aids-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const RIGHT = "\u001b[C";
const CTRL_C = "\u0003";
const CTRL_R = "\u0012";

/** @param history oldest first */
function terminal(history: readonly string[] = [], rows = 24, style = createStyle(1)) {
  const historyPath = join(directory, "history");
  writeFileSync(historyPath, history.map((line) => `${line}\n`).join(""));
  const input = new PassThrough();
  const output = Object.assign(new PassThrough(), { columns: 60, rows });
  let seen = "";
  output.on("data", (chunk: Buffer) => (seen += chunk.toString()));
  const client = fakeClient();
  const prompt = createClientPrompt({
    client,
    nodes: [1, 2, 3].map((id) => ({ id, host: "127.0.0.1", port: 4100 + id })),
    timeoutMs: 5000,
    style,
    startCommand: (node) => `sh run${node}.sh`,
    now: () => 0,
  });
  let tell = (_outcome: Outcome): void => {};
  const news: Prompt<ClientAction>["news"] = (listener) => {
    tell = listener;
    return () => {};
  };
  const status = runPrompt(
    { ...prompt, news },
    {
      ...{
        input,
        output,
        errors: output,
        isTerminal: true,
        command: null,
        json: false,
        bail: false,
      },
      ...{ promptText: "> ", greeting: "welcome", historyPath },
      signal: new AbortController().signal,
    },
  );
  const until = (text: string): Promise<void> =>
    vi.waitFor(() => expect(`${seen}${stripVTControlCharacters(seen)}`).toContain(text), {
      interval: 5,
    });
  const leave = async (): Promise<void> => {
    input.write("\u0015exit\r");
    await status;
  };
  const happens = (text: string): void => tell({ text, json: {}, status: 0 });
  return { input, output, until, leave, client, happens, seen: () => seen };
}

const dim = (text: string): string => createStyle(1).dim(text);

describe("hints", () => {
  test("are how the newest line goes on that begins so", () => {
    const history = ["read a2", "read a1", "write a1 x"];
    expect(ghostOf("read a", history)).toBe("2");
    expect(ghostOf("w", history)).toBe("rite a1 x");
    expect(ghostOf("read a2", history)).toBe("");
    // What is no text would do something else to the terminal than it will do as a command.
    expect(ghostOf("read ", ["read \u001b[2J"])).toBe("");
  });

  test("stand dimmed behind the cursor, and Right takes them", async () => {
    const { input, until, leave, client, seen } = terminal(["write greeting hello"]);
    await until("> ");
    input.write("wr");
    await until(dim("ite greeting hello"));
    input.write(`${RIGHT}\r`);
    await until("ok, revision 1");
    expect(client.calls).toEqual(["any write greeting"]);
    // Every one is wiped away before anything else is drawn.
    const drawn = seen().split(dim("ite greeting hello")).length - 1;
    expect(seen().split("\u001b8\u001b[K").length - 1).toBeGreaterThanOrEqual(drawn);
    await leave();
  });

  test("come back behind what was typed while a command ran, where the cursor still is", async () => {
    const { input, until, leave, client } = terminal(["2 read abc"]);
    await until("> ");
    input.write("read k\r2 read a");
    await until(dim("bc"));
    input.write("b\r");
    await vi.waitFor(() => expect(client.calls).toHaveLength(2));
    expect(client.calls).toEqual(["any read k linearizable", "2 read ab linearizable"]);
    await leave();
  });

  test("are not carried out unless they are taken, and need a terminal that can dim", async () => {
    const first = terminal(["read ab"]);
    await first.until("> ");
    first.input.write("read a\r");
    await first.until("(not found)");
    expect(first.client.calls).toEqual(["any read a linearizable"]);
    await first.leave();
    const plain = terminal(["write a b"], 24, plainStyle);
    await plain.until("> ");
    plain.input.write("wri");
    await plain.until("wri");
    expect(plain.seen()).not.toContain("te a b");
    await plain.leave();
  });
});

describe("news", () => {
  test("stand above the line that is typed, and leave it as it is", async () => {
    const { input, until, leave, client, happens, seen } = terminal();
    await until("> ");
    input.write("write a");
    await until("> write a");
    happens("node 2 was ended");
    expect(stripVTControlCharacters(seen())).toMatch(/> write a\rnode 2 was ended\n> write a$/);
    input.write(" b\r");
    await until("ok, revision 1");
    expect(client.calls).toEqual(["any write a"]);
    await leave();
  });

  test("wait until a search is over", async () => {
    const { input, until, leave, happens, seen } = terminal(["read a"]);
    await until("> ");
    input.write(CTRL_R);
    await until("search ''");
    happens("node 2 was ended");
    expect(seen()).not.toContain("node 2");
    input.write(`${CTRL_C}read b\r`);
    await until("(not found)");
    await until("node 2 was ended");
    await leave();
  });
});

describe("search", () => {
  const history = ["read b", "write b 1", "read a", "write a 1"];
  function type(...keys: readonly string[]): HistorySearch {
    let search = SEARCH_BEGIN;
    for (const key of keys) {
      const isName = key.length > 1;
      const [, ctrl, name = key] = /^(ctrl-)?(.+)$/.exec(key) ?? [];
      const step = searchStep(
        search,
        isName ? undefined : key,
        { name, ctrl: ctrl !== undefined },
        history,
      );
      if (step.kind !== "searching") throw new Error(step.kind);
      search = step.search;
    }
    return search;
  }

  test("finds the newest, goes on to older ones and back, and keeps what it has found", () => {
    expect(type("w")).toEqual({ query: "w", at: 1, isMissing: false });
    expect(type("w", "ctrl-r")).toEqual({ query: "w", at: 3, isMissing: false });
    expect(type("w", "ctrl-r", "ctrl-r")).toEqual({ query: "w", at: 3, isMissing: true });
    expect(type("w", "ctrl-r", "ctrl-s")).toEqual({ query: "w", at: 1, isMissing: false });
    expect(type("w", "z")).toEqual({ query: "wz", at: 1, isMissing: true });
    expect(type("w", "z", "backspace")).toEqual({ query: "w", at: 1, isMissing: false });
    expect(type("w", "backspace")).toEqual(SEARCH_BEGIN);
    expect(type("ctrl-r")).toEqual(SEARCH_BEGIN);
  });

  test("ends with a line to run, a line to change, or as if it had not been", () => {
    const found = type("w");
    const line = "write b 1";
    expect(searchStep(found, "\r", { name: "return" }, history)).toEqual({
      kind: "taken",
      line,
      runs: true,
    });
    expect(searchStep(found, undefined, { name: "left" }, history)).toEqual({
      kind: "taken",
      line,
      runs: false,
    });
    expect(searchStep(found, undefined, { name: "g", ctrl: true }, history).kind).toBe("givenUp");
    expect(searchStep(type("q"), "\r", { name: "return" }, history).kind).toBe("givenUp");
  });

  test("Ctrl-R and Enter carry out what was found; Ctrl-C gives back what was typed", async () => {
    const { input, until, leave, client } = terminal(["read a-one", "read b-two", "write c"]);
    await until("> ");
    input.write(`half${CTRL_R}`);
    await until("search '");
    input.write("rea");
    await until("read b-two");
    input.write(CTRL_R);
    await until("read a-one");
    input.write("\r");
    await until("(not found)");
    expect(client.calls).toEqual(["any read a-one linearizable"]);
    input.write(`write x y${CTRL_R}two${CTRL_C}\r`);
    await until("ok, revision 1");
    expect(client.calls).toEqual(["any read a-one linearizable", "any write x"]);
    await leave();
  });
});

describe("a quote over several lines", () => {
  test("goes on until it is closed", async () => {
    const { input, until, leave, client } = terminal();
    await until("> ");
    input.write("read 'one\r");
    await until("... ");
    input.write("two'\r");
    await until("(not found)");
    expect(client.calls).toEqual(["any read one\ntwo linearizable"]);
    await leave();
  });

  test("is given up with Ctrl-C", async () => {
    const { input, until, leave, client } = terminal();
    await until("> ");
    input.write('write a "one\r');
    await until("... ");
    input.write(CTRL_C);
    input.write("read a\r");
    await until("(not found)");
    expect(client.calls).toEqual(["any read a linearizable"]);
    await leave();
  });
});

describe("help", () => {
  test("comes a page at a time where it is longer than the terminal is high", async () => {
    const { input, until, leave, seen } = terminal([], 8);
    await until("> ");
    input.write("help\r");
    await until("Space: more");
    expect(seen()).not.toContain("For example:");
    input.write("q");
    input.write("read a\r");
    await until("(not found)");
    expect(seen()).not.toContain("For example:");
    await leave();
  });

  test("is shown to its end", async () => {
    const input = new PassThrough();
    const output = Object.assign(new PassThrough(), { rows: 3 });
    let seen = "";
    output.on("data", (chunk: Buffer) => (seen += chunk.toString()));
    const signal = new AbortController().signal;
    const shown = showPaged("1\n2\n3\n4\n5\n6", { input, output, style: plainStyle, signal });
    const until = (text: string) =>
      vi.waitFor(() => expect(seen).toContain(text), { interval: 5, timeout: 20_000 });
    await until("1\n2\n--");
    input.write("\r");
    await until("3\n--");
    input.write("  ");
    await shown;
    await until("6\n");
    const lines = stripVTControlCharacters(seen).replaceAll(/-- .* --\r/g, "");
    expect(lines).toBe("1\n2\n3\n4\n5\n6\n");
    expect(linesFor({ name: "x" }, 10)).toBeNull();
  });
});
