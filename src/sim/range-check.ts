/** Holds the ranges that clients were told against the decided log: G1 and G2 of range-reader. */
import { assert } from "../base/assert.ts";
import { byteStringOfText } from "../kv/index.ts";
import type { DecidedLog } from "./decided-log.ts";
import type { Operation, RangeRecord } from "./history.ts";

/** @throws InvariantError that names the range that does not fit */
export function checkRanges(
  ranges: readonly RangeRecord[],
  operations: readonly Operation[],
  log: DecidedLog,
): void {
  for (const range of ranges) {
    const what = `reader ${range.reader}: ${JSON.stringify(range)}`;
    assert(range.revision <= log.revision, `of a state that there never was: ${what}`);
    const expected = contentAt(log, range);
    assert(range.count === expected.length, `${expected.length} keys were there: ${what}`);
    if (!range.countOnly) {
      assert(
        JSON.stringify(range.keys) === JSON.stringify(expected),
        `there was ${JSON.stringify(expected)}: ${what}`,
      );
    }
    if (!range.local) checkTime(range, ranges, operations, what);
  }
}

function contentAt(
  log: DecidedLog,
  { start, end, reverse, revision }: RangeRecord,
): [string, string, number][] {
  const found: [string, string, number][] = [];
  for (const key of log.keys()) {
    const bytes = byteStringOfText(key);
    if (bytes < byteStringOfText(start)) continue;
    if (end !== null && bytes >= byteStringOfText(end)) continue;
    const version = log.versionsOf(key).findLast((other) => other.revision <= revision);
    if (version !== undefined && version.value !== null) {
      found.push([key, version.value, version.revision]);
    }
  }
  found.sort(([a], [b]) => (byteStringOfText(a) < byteStringOfText(b) ? -1 : 1));
  return reverse ? found.toReversed() : found;
}

/** G2. */
function checkTime(
  { call, back, revision }: RangeRecord,
  ranges: readonly RangeRecord[],
  operations: readonly Operation[],
  what: string,
): void {
  for (const { operation, outcome, call: asked, end } of operations) {
    const isLocal = operation.kind === "read" && operation.local;
    if (isLocal || !("revision" in outcome)) continue;
    assert(
      end > call || outcome.revision <= revision,
      `${outcome.revision} was seen before: ${what}`,
    );
    const isChange = outcome.kind === "written" || outcome.kind === "deleted";
    assert(
      asked < back || !isChange || outcome.revision > revision,
      `${outcome.revision} was written later: ${what}`,
    );
  }
  for (const other of ranges) {
    if (other.local || other.back > call) continue;
    assert(other.revision <= revision, `${JSON.stringify(other)} came before: ${what}`);
  }
}
