import { ByteWriter } from "../../base/index.ts";
import { CommandCursor } from "./command-cursor.ts";

export interface GroupPiece {
  readonly group: Uint8Array;
  /** Commands in it. */
  readonly count: number;
}

const header = new ByteWriter(32);
const cursor = new CommandCursor();

/**
 * The commands of a (checked) group in their order, as groups of the same session that are no larger than asked for; a
 * single command is never split. Applied one after the other they do what the whole would have done.
 */
export function piecesOf(
  group: Uint8Array,
  commandsMax: number,
  bytesMax: number,
): readonly GroupPiece[] {
  const pieces: GroupPiece[] = [];
  let start = 0;
  let end = 0;
  let count = 0;
  cursor.resetToGroup(group);
  const endPiece = (): void => {
    header.clear();
    header.varint(cursor.session);
    header.varint(cursor.floor);
    header.varint(count);
    const bytes = new Uint8Array(header.length + end - start);
    bytes.set(header.peek());
    bytes.set(group.subarray(start, end), header.length);
    pieces.push({ group: bytes, count });
    count = 0;
  };
  while (cursor.next()) {
    if (count > 0 && (count === commandsMax || cursor.recordEnd - start > bytesMax)) endPiece();
    if (count === 0) start = cursor.recordStart;
    end = cursor.recordEnd;
    count += 1;
  }
  endPiece();
  cursor.release();
  return pieces;
}
