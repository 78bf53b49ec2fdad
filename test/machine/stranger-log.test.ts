import { expect, test } from "vitest";
import { silentLogger, type LogFields } from "../../src/machine/ports/logger.ts";
import { StrangerLog } from "../../src/machine/ports/stranger-log.ts";

test("of a kind five lines in ten seconds, the others are summed; texts are short and printable", () => {
  let nowMs = 0;
  const lines: [string, LogFields | undefined][] = [];
  const log = new StrangerLog(
    { ...silentLogger, warn: (message, fields) => lines.push([message, fields]) },
    { now: () => nowMs, after: () => () => {}, endOfTurn: () => {} },
  );
  for (let i = 0; i < 1239; i++) log.warn("refused", { reason: `\u001b[2J${"x".repeat(5000)}`, i });
  log.warn("another kind", {});
  expect(lines).toHaveLength(6);
  const reason = String(lines[0]![1]!["reason"]);
  expect(reason.startsWith("\\u001b[2Jxxx")).toBe(true);
  expect(reason.length).toBeLessThanOrEqual(200);
  log.tick();
  expect(lines).toHaveLength(6);
  nowMs = 10_000;
  log.tick();
  expect(lines.slice(6)).toEqual([["refused: … and 1,234 more like it", undefined]]);
  log.warn("refused", { reason: "again" });
  expect(lines.at(-1)).toEqual(["refused", { reason: "again" }]);
});
