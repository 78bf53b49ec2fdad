import { ByteWriter } from "../../base/index.ts";
import { CommandCursor } from "./command-cursor.ts";

/** Sequence numbers first, first + 1, … of so many commands. */
export interface Run {
  readonly first: number;
  readonly count: number;
}

export interface SplitGroup {
  readonly session: number;
  /** The group with what is left; null: nothing. */
  readonly group: Uint8Array | null;
  /** Commands in it. */
  readonly commands: number;
  /** What was taken out, in order. */
  readonly taken: readonly Run[];
}

/** Takes the commands out of a (checked) group for which `predicate` holds. The cursor stands at the command. */
export function splitGroup(
  group: Uint8Array,
  predicate: (cursor: CommandCursor) => boolean,
): SplitGroup {
  const cursor = new CommandCursor();
  cursor.resetToGroup(group);
  const runs = new Runs();
  const kept: Uint8Array[] = [];
  let bytes = 0;
  while (cursor.next()) {
    if (predicate(cursor)) {
      runs.add(cursor.sequence);
      continue;
    }
    const record = group.subarray(cursor.recordStart, cursor.recordEnd);
    kept.push(record);
    bytes += record.length;
  }
  const { session } = cursor;
  if (runs.list.length === 0) return { session, group, commands: kept.length, taken: [] };
  if (kept.length === 0) return { session, group: null, commands: 0, taken: runs.list };
  const out = new ByteWriter(bytes + 32);
  out.varint(session);
  out.varint(cursor.floor);
  out.varint(kept.length);
  for (const record of kept) out.bytes(record);
  return { session, group: out.copy(), commands: kept.length, taken: runs.list };
}

/** Puts sequence numbers that follow each other together. */
export class Runs {
  readonly #runs: { first: number; count: number }[] = [];

  get list(): readonly Run[] {
    return this.#runs;
  }

  add(sequence: number): void {
    const last = this.#runs.at(-1);
    if (last !== undefined && sequence === last.first + last.count) last.count += 1;
    else this.#runs.push({ first: sequence, count: 1 });
  }
}
