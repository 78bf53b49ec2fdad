import { assert } from "../base/assert.ts";
import { KvError } from "../base/errors.ts";
import { ENTRY_BYTES_MAX } from "../base/limits.ts";
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { ENTRY_VERSION, FIRST_ENTRY_VERSION, FUTURE_ENTRY_VERSION_MAX } from "./command.ts";
import { validateGroup } from "./group-check.ts";

/** Who made an entry: lets its maker recognise it when it comes back decided. */
export interface Origin {
  readonly node: number;
  /** Random per process start, 32 bits: a batch of an earlier run is not taken for one of this run. */
  readonly nonce: number;
  /** Counts the entries of one run. */
  readonly batch: number;
}

const header = new ByteWriter(32);
const reader = new ByteReader();

/** An entry is at most this much longer than its groups. */
export const ENTRY_HEADER_BYTES_MAX = 32;

/**
 * One log entry of groups that `validateGroup` has passed, each exactly one group. The groups are copied.
 * @param version by which rules it is carried out; an old one only where old logs are looked at
 */
export function buildEntry(
  origin: Origin,
  groups: readonly Uint8Array[],
  version = ENTRY_VERSION,
): Uint8Array {
  header.clear();
  header.u8(version);
  header.varint(origin.node);
  header.u32(origin.nonce);
  header.varint(origin.batch);
  let length = header.length;
  for (const group of groups) length += group.length;
  assert(length <= ENTRY_BYTES_MAX, `entry of ${length} bytes, the limit is ${ENTRY_BYTES_MAX}`);
  const entry = new Uint8Array(length);
  entry.set(header.peek());
  let offset = header.length;
  for (const group of groups) {
    entry.set(group, offset);
    offset += group.length;
  }
  return entry;
}

/** @returns null when these are not the bytes of an entry */
export function readOrigin(entry: Uint8Array): Origin | null {
  reader.reset(entry);
  const origin = readHeader(reader);
  const { failed } = reader;
  reader.release();
  return failed ? null : origin;
}

/** A later version of this program may have written it, and knows what it means. */
export function isOfLaterVersion(entry: Uint8Array): boolean {
  const version = entry[0] ?? 0;
  return version > ENTRY_VERSION && version <= FUTURE_ENTRY_VERSION_MAX;
}

export interface EntryHeader extends Origin {
  readonly version: number;
}

/** Steps over the header. An unknown version counts as damage. */
export function readHeader(reader: ByteReader): EntryHeader {
  const version = reader.u8();
  if (version < FIRST_ENTRY_VERSION || version > ENTRY_VERSION) {
    reader.fail(`an entry of version ${FIRST_ENTRY_VERSION} to ${ENTRY_VERSION}`);
  }
  return { version, node: reader.varint(), nonce: reader.u32(), batch: reader.varint() };
}

/** For entries from elsewhere: what is wrong with it, or null. */
export function validateEntry(entry: Uint8Array): KvError | null {
  if (entry.length > ENTRY_BYTES_MAX) {
    return new KvError("BAD_REQUEST", `entry of ${entry.length} bytes`);
  }
  reader.reset(entry);
  const { version } = readHeader(reader);
  const problem = reader.failed ? reader.problem : null;
  let offset = reader.offset;
  reader.release();
  if (problem !== null) return new KvError("BAD_REQUEST", `damaged entry: ${problem}`);
  while (offset < entry.length) {
    const end = validateGroup(entry, offset, version === FIRST_ENTRY_VERSION ? "client" : "node");
    if (typeof end !== "number") return end;
    offset = end;
  }
  return null;
}
