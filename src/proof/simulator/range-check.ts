/** Checks the ranges that clients were told, and the history that nodes keep, against the decided log: see range-reader. */
import { assert } from "../../base/index.ts";
import {
  byteStringOfText,
  readPage,
  textOf,
  type CellsView,
  type KvState,
  type RangeOrder,
  type RangeRequest,
} from "../../store/index.ts";
import type { DecidedLog } from "./decided-log.ts";
import type { OperationRecord, RangeRecord, RefusedRange } from "./history.ts";

/** @throws InvariantError that names the range that does not fit */
export function checkRanges(
  ranges: readonly RangeRecord[],
  operations: readonly OperationRecord[],
  log: DecidedLog,
): void {
  for (const range of ranges) {
    const what = `reader ${range.reader}: ${JSON.stringify(range)}`;
    assert(range.revision <= log.revision, `of a state that there never was: ${what}`);
    assert(range.revision >= range.atLeast || range.asked > 0, `too old: ${what}`);
    assert(range.asked === 0 || range.asked === range.revision, `not of what was asked: ${what}`);
    const expected = contentAt(log, range);
    assert(range.count === expected.length, `${expected.length} keys were there: ${what}`);
    if (!range.countOnly) {
      assert(
        JSON.stringify(range.keys) === JSON.stringify(expected),
        `there was ${JSON.stringify(expected)}: ${what}`,
      );
    }
    if (!range.local && range.asked === 0) checkTime(range, ranges, operations, what);
  }
}

/** READER-3. @throws InvariantError that names the refusal that does not fit */
export function checkRefusals(
  refusals: readonly RefusedRange[],
  operations: readonly OperationRecord[],
  log: DecidedLog,
): void {
  for (const refused of refusals) {
    const { asked, call, oldest } = refused;
    const what = JSON.stringify(refused);
    if (oldest !== null) {
      assert(asked < oldest, `it is kept: ${what}`);
      assert(log.oldests.includes(oldest), `that was never the oldest revision: ${what}`);
      continue;
    }
    for (const { outcome, end } of operations) {
      const isKnown = end < call && "revision" in outcome && outcome.revision >= asked;
      assert(!isKnown, `the revision had been told by then: ${what}`);
    }
  }
}

/** The whole history of a node, read as clients would. @throws InvariantError */
export function checkNodeHistory(node: number, { cells }: KvState, log: DecidedLog): void {
  const { oldest, last } = cells.history;
  assert(
    oldest === log.oldest && last === log.revision,
    `node ${node} has the history from ${oldest} to ${last}, not from ${log.oldest} to ${log.revision}`,
  );
  for (let revision = oldest; revision <= last; revision++) {
    const told = contentOf(cells, revision);
    const expected = log.at(revision);
    assert(
      JSON.stringify(told) === JSON.stringify(expected),
      `node ${node} has ${JSON.stringify(told)} at revision ${revision}, not ${JSON.stringify(expected)}`,
    );
  }
}

const EVERYTHING: RangeRequest = {
  start: byteStringOfText(""),
  end: null,
  reverse: false,
  keysOnly: false,
  countOnly: false,
  limit: Number.MAX_SAFE_INTEGER,
  revision: 0,
};

function contentOf(cells: CellsView, revision: number): [string, string, number][] {
  const told: [string, string, number][] = [];
  for (let start = EVERYTHING.start; ;) {
    const page = readPage(cells, revision, { ...EVERYTHING, start });
    for (const { key, value, modRevision } of page.keys) {
      told.push([textOf(key), textOf(value), modRevision]);
    }
    if (page.resume === null) return told;
    start = page.resume;
  }
}

interface Entry {
  readonly key: string;
  readonly value: string;
  readonly create: number;
  readonly mod: number;
  readonly version: number;
}

/** The right answer for the range: computed from the whole log, without pages. */
function contentAt(log: DecidedLog, range: RangeRecord): [string, string, number][] {
  const { start, end, reverse, revision, limit, select } = range;
  const first = byteStringOfText(start);
  const past = end === null ? null : byteStringOfText(end);
  const found = log
    .at(revision)
    .filter(([key]) => {
      const bytes = byteStringOfText(key);
      return bytes >= first && (past === null || bytes < past);
    })
    .map(([key]) => entryAt(log, key, revision))
    .filter(({ create, mod }) => {
      if (select === null) return true;
      const isYoung = create >= select.createMin && mod >= select.modMin;
      const isOld = (bound: number, at: number): boolean => bound === 0 || at <= bound;
      return isYoung && isOld(select.createMax, create) && isOld(select.modMax, mod);
    });
  // They are in order of keys, and sorting leaves what is alike as it is.
  const order = select?.order ?? "key";
  const sorted = found.toSorted((a, b) => placed(order, a, b));
  const ordered = reverse ? sorted.toReversed() : sorted;
  return ordered.slice(0, limit).map(({ key, value, mod }) => [key, value, mod]);
}

function entryAt(log: DecidedLog, key: string, revision: number): Entry {
  const until = log.versionsOf(key).filter((version) => version.revision <= revision);
  const gone = until.findLastIndex(({ value }) => value === null);
  const since = until.slice(gone + 1);
  const [created, changed] = [since[0], since.at(-1)];
  assert(created !== undefined && changed !== undefined, `${key} was there at ${revision}`);
  return {
    key,
    value: changed.value ?? "",
    create: created.revision,
    mod: changed.revision,
    version: since.length,
  };
}

function placed(order: RangeOrder, a: Entry, b: Entry): number {
  if (order === "key") return 0;
  if (order !== "value") return a[order] - b[order];
  return Buffer.compare(Buffer.from(a.value), Buffer.from(b.value));
}

/** READER-2. */
function checkTime(
  { call, back, revision }: RangeRecord,
  ranges: readonly RangeRecord[],
  operations: readonly OperationRecord[],
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
    if (other.local || other.asked > 0 || other.back > call) continue;
    assert(other.revision <= revision, `${JSON.stringify(other)} came before: ${what}`);
  }
}
