import { describe, expect, test } from "vitest";
import { colorLevel } from "../../../src/machine/host/color.ts";
import {
  createConsoleLogger,
  type ConsoleLoggerOptions,
} from "../../../src/machine/logger/console-logger.ts";
import { createNodeRandom } from "../../../src/machine/runtime/node-random.ts";
import { nodeClock } from "../../../src/machine/runtime/node-clock.ts";

function logged(options: Partial<ConsoleLoggerOptions> = {}) {
  const lines: string[] = [];
  const logger = createConsoleLogger({
    name: "n1",
    level: "info",
    format: "pretty",
    color: 0,
    write: (line) => lines.push(line),
    date: () => new Date(2026, 0, 2, 3, 4, 5),
    ...options,
  });
  return { logger, lines };
}

describe("log lines for people", () => {
  test("time, node, level, message, fields", () => {
    const { logger, lines } = logged();
    logger.info("became leader", { ballot: "3.0.1", peers: 2, spare: undefined });
    logger.warn("odd", { reason: 'it said "no"' });
    expect(lines).toEqual([
      "03:04:05 n1 info  became leader ballot=3.0.1 peers=2\n",
      '03:04:05 n1 warn  odd reason="it said \\"no\\""\n',
    ]);
  });

  test("levels below the one chosen are silent, and say so", () => {
    const { logger, lines } = logged({ level: "warn" });
    logger.debug("a");
    logger.info("b");
    logger.warn("c");
    logger.error("d");
    expect(lines.map((line) => line.split(/ +/)[3])).toEqual(["c\n", "d\n"]);
    expect([logger.enabled("info"), logger.enabled("warn")]).toEqual([false, true]);
  });

  test("colour only when asked for", () => {
    const { logger, lines } = logged({ color: 1 });
    logger.error("x");
    expect(lines[0]).toContain("\u001b[31merror");
  });

  test("what strangers sent cannot steer the terminal or forge a line", () => {
    const { logger, lines } = logged();
    logger.warn("bad frame\nfrom", { reason: "\u001b[2J\r\n03:04:05 n1 info fine" });
    expect(lines).toHaveLength(1);
    // oxlint-disable-next-line no-control-regex -- these are what is looked for
    expect(lines[0]!.trimEnd()).not.toMatch(/[\u0000-\u001f]/);
  });
});

describe("log lines for programs", () => {
  test("one JSON object a line, fields beside the message", () => {
    const { logger, lines } = logged({ format: "json", level: "debug" });
    logger.debug("hello", { peer: 2, ok: true, none: null });
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0]!)).toEqual({
      level: "debug",
      time: new Date(2026, 0, 2, 3, 4, 5).toISOString(),
      node: "n1",
      peer: 2,
      ok: true,
      none: null,
      msg: "hello",
    });
    expect(logger.enabled("debug")).toBe(true);
  });
});

describe("colour level", () => {
  test.each<[Record<string, string>, boolean, number]>([
    [{}, false, 0],
    [{ TERM: "xterm" }, true, 1],
    [{ TERM: "xterm-256color" }, true, 2],
    [{ TERM: "xterm-256color", COLORTERM: "truecolor" }, true, 3],
    [{ TERM: "dumb" }, true, 0],
    [{ TERM: "xterm", NO_COLOR: "1" }, true, 0],
    [{ TERM: "xterm", NO_COLOR: "" }, true, 1],
    [{ FORCE_COLOR: "1", NO_COLOR: "1" }, false, 1],
    [{ FORCE_COLOR: "3" }, false, 3],
    [{ FORCE_COLOR: "2" }, false, 2],
    [{ FORCE_COLOR: "0", TERM: "xterm" }, true, 0],
    [{ FORCE_COLOR: "false", TERM: "xterm" }, true, 0],
    [{ FORCE_COLOR: "" }, false, 1],
    [{ FORCE_COLOR: "true" }, false, 1],
  ])("%j on a terminal %s: %i", (env, isTTY, level) => {
    expect(colorLevel(env, isTTY)).toBe(level);
  });
});

describe("clock and randomness of the machine", () => {
  test("a timer is never early, and a cancelled one never fires", async () => {
    const start = nodeClock.now();
    let cancelled = true;
    nodeClock.after(1, () => (cancelled = false))();
    await new Promise<void>((resolve) => nodeClock.after(5.5, resolve));
    expect(nodeClock.now() - start).toBeGreaterThanOrEqual(5.5);
    expect(cancelled).toBe(true);
  });

  test("the end of the turn comes after what is already queued", async () => {
    const order: string[] = [];
    await new Promise<void>((resolve) => {
      nodeClock.endOfTurn(() => {
        order.push("end");
        resolve();
      });
      process.nextTick(() => order.push("tick"));
      queueMicrotask(() => order.push("microtask"));
    });
    expect(order).toHaveLength(3);
    expect(order.at(-1)).toBe("end");
  });

  test("numbers fill the range, pool after pool", () => {
    const random = createNodeRandom();
    const draws = Array.from({ length: 2000 }, () => random.uint32());
    expect(new Set(draws).size).toBeGreaterThan(1990);
    expect(draws.every((draw) => Number.isInteger(draw) && draw >= 0 && draw < 2 ** 32)).toBe(true);
    expect(Math.max(...draws)).toBeGreaterThan(2 ** 31);
    expect(random.bytes(32)).toHaveLength(32);
    expect(Buffer.from(random.bytes(32)).equals(random.bytes(32))).toBe(false);
  });
});
