export {
  byteStringOf,
  byteStringOfText,
  bytesOf,
  EMPTY_BYTES,
  textOf,
  type ByteString,
} from "../base/byte-string.ts";
export { CommandCursor } from "./command-cursor.ts";
export {
  NO_SESSION,
  OP,
  SESSION_NONCE_BYTES,
  STATUS,
  type AnswerSink,
  type Op,
  type OpName,
  type Status,
} from "./command.ts";
export {
  buildEntry,
  ENTRY_HEADER_BYTES_MAX,
  isEntryOrItsOpening,
  openingEntry,
  OwnEntries,
  roundOpenedBy,
  validateEntry,
  type Origin,
} from "./entry.ts";
export type { FrozenState } from "./frozen-state.ts";
export { commandCount, validateGroup } from "./group-check.ts";
export { piecesOf, type GroupPiece } from "./group-pieces.ts";
export { checkKey, checkValue, GroupWriter } from "./group-writer.ts";
export { KvState, NO_SINK } from "./kv-state.ts";
export type { PlaceSeed } from "./place-hash.ts";
export { hashedSessionName } from "./session-id.ts";
export type { StoredValue } from "./cell.ts";
export { Runs, splitGroup, type Run, type SplitGroup } from "./group-split.ts";
export type { PrefixShare } from "./largest-prefixes.ts";
export { QUOTA_BYTES_MIN } from "./state-size.ts";
export { OrderedCells, type KeyValue, type RangeQuery } from "./ordered-cells.ts";
export {
  isCut,
  RANGE_PAGE_KEYS_MAX,
  readPage,
  type RangePage,
  type RangeRequest,
  type RangeSource,
} from "./range.ts";
export { beginningHash, NO_ORIGIN, type UnreadableEntries } from "./state-header.ts";
export { partingIdx, withRound, type Round, type RoundName, type Rounds } from "./rounds.ts";
export { SnapshotDecoder } from "./snapshot-decoder.ts";
export { readSnapshotHeader, SNAPSHOT_HEADER_BYTES_MAX, SnapshotError } from "./snapshot-header.ts";
