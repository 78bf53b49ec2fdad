import { GroupWriter, CommandCursor, bytesOf, type ByteString } from "../../src/store/index.ts";
import type { KeySource } from "../../src/store/entries/key-source.ts";

/** The key as commands have it: in the bytes of one. */
export function keyAt(key: ByteString): KeySource {
  const writer = new GroupWriter();
  writer.add(1, { kind: "delete", key: bytesOf(key) });
  const cursor = new CommandCursor();
  cursor.resetToGroup(writer.take(1, 1));
  cursor.next();
  return cursor;
}
