import { ByteReader, ByteWriter, FRAME_COMMANDS_MAX } from "../../base/index.ts";
import { skipRecord } from "./group-check.ts";

export interface GroupPiece {
  readonly group: Uint8Array;
  /** Commands in it. */
  readonly count: number;
}

const header = new ByteWriter(32);
const reader = new ByteReader();

/**
 * The commands of a group in their order, as groups of the same session that are no larger than asked for; a single command is
 * never split. Applied one after the other they do what the whole would have done. It does not look at the commands, so that of a
 * large group each piece can be checked at its own time: a piece passes `validateGroup` when its commands do.
 * @returns null when it can be no group: `validateGroup` says why
 */
export function piecesOf(
  group: Uint8Array,
  commandsMax: number,
  bytesMax: number,
): readonly GroupPiece[] | null {
  reader.reset(group);
  const pieces = cut(group, commandsMax, bytesMax);
  const isWhole = !reader.failed && reader.isAtEnd;
  reader.release();
  return isWhole ? pieces : null;
}

function cut(
  group: Uint8Array,
  commandsMax: number,
  bytesMax: number,
): readonly GroupPiece[] | null {
  const session = reader.varint();
  const floor = reader.varint();
  const all = reader.varint();
  if (all < 1 || all > FRAME_COMMANDS_MAX) return null;
  const pieces: GroupPiece[] = [];
  let start = reader.offset;
  let end = start;
  let count = 0;
  const endPiece = (): void => {
    header.clear();
    header.varint(session);
    header.varint(floor);
    header.varint(count);
    const bytes = new Uint8Array(header.length + end - start);
    bytes.set(header.peek());
    bytes.set(group.subarray(start, end), header.length);
    pieces.push({ group: bytes, count });
    start = end;
    count = 0;
  };
  for (let i = 0; i < all && !reader.failed; i++) {
    skipRecord(reader);
    if (count > 0 && (count === commandsMax || reader.offset - start > bytesMax)) endPiece();
    end = reader.offset;
    count += 1;
  }
  endPiece();
  return pieces;
}
