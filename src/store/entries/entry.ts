import { assert, ByteReader, ByteWriter, ENTRY_BYTES_MAX, KvError } from "../../base/index.ts";
import type { EntryRules } from "../operations/index.ts";
import { ENTRY_VERSION_MAX, FIRST_ENTRY_VERSION, FUTURE_ENTRY_VERSION_MAX } from "./command.ts";
import type { RoundName } from "./rounds.ts";
import { outlineOf, validateGroup } from "./group-check.ts";

/** The maker of an entry: a node recognises its own entry by it when that comes back decided. */
export interface Origin {
  readonly node: number;
  /** Random per process start, 32 bits: a batch of an earlier run is not taken for one of this run. */
  readonly nonce: number;
  /** Counts the entries of one run. */
  readonly batch: number;
}

/** An entry is at most this much longer than its groups. */
const ENTRY_HEADER_BYTES_MAX = 48;
const header = new ByteWriter(ENTRY_HEADER_BYTES_MAX);
const reader = new ByteReader();

/** The first rules under which sessions have the numbers that they have now. */
const LEAST_RULES = 2;

/**
 * One log entry of groups that `validateGroup` has passed, each exactly one group. The groups are copied.
 * @param version by which rules it is carried out, as of `rulesFor`: an old one only where old logs are looked at. Default: the least
 *   by which its commands are proposed
 */
export function buildEntry(
  origin: Origin,
  groups: readonly Uint8Array[],
  version: number = rulesFor(groups),
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

/**
 * The rules by which these groups are proposed as one entry.
 * @param known the newest that every node of the cluster knows. Default: nobody can say
 */
export function rulesFor(groups: readonly Uint8Array[], known: number = LEAST_RULES): EntryRules {
  let rules: EntryRules = LEAST_RULES;
  for (const group of groups) {
    const { rules: least, better } = outlineOf(group);
    const own = better <= known ? better : least;
    if (own > rules) rules = own;
  }
  return rules;
}

/** Each version but the first is followed by one with the same rules, whose entries open a round. */
function opensRound(version: number): boolean {
  return version > FIRST_ENTRY_VERSION && version % 2 === 1;
}

/** @param version from FIRST_ENTRY_VERSION to ENTRY_VERSION_MAX */
function rulesOfVersion(version: number): EntryRules {
  // All versions in between are named by EntryRules, or open a round.
  return (opensRound(version) ? version - 1 : version) as EntryRules;
}

/** @returns the same entry, as the first one of a round; null when it cannot be one: it is no entry, or opens another round */
export function openingEntry(entry: Uint8Array, { n, pid, salt }: RoundName): Uint8Array | null {
  const read = readWholeHeader(entry);
  if (read === null || read.version < LEAST_RULES || read.round !== null) return null;
  header.clear();
  header.u8(read.version + 1);
  header.bytes(entry.subarray(1, read.end));
  header.varint(n);
  header.varint(pid);
  header.u32(salt);
  const length = header.length + entry.length - read.end;
  if (length > ENTRY_BYTES_MAX) return null;
  const opening = new Uint8Array(length);
  opening.set(header.peek());
  opening.set(entry.subarray(read.end), header.length);
  return opening;
}

/** Whether it is this entry, perhaps as the first one of a round. */
export function isEntryOrItsOpening(entry: Uint8Array, bare: Uint8Array): boolean {
  if (entry === bare || Buffer.compare(entry, bare) === 0) return true;
  const read = readWholeHeader(entry);
  if (read === null || read.round === null) return false;
  const opening = openingEntry(bare, read.round);
  return opening !== null && Buffer.compare(entry, opening) === 0;
}

/** Finds the entries of one run of one node. It runs for every entry that is applied, so it makes no object. */
export class OwnEntries {
  readonly #prefix: Uint8Array;

  constructor({ node, nonce }: Omit<Origin, "batch">) {
    header.clear();
    header.varint(node);
    header.u32(nonce);
    this.#prefix = header.copy();
  }

  /** The number of the batch; null when another node or run made it. */
  batchOf(entry: Uint8Array): number | null {
    const prefix = this.#prefix;
    for (let i = 0; i < prefix.length; i++) if (entry[1 + i] !== prefix[i]) return null;
    reader.reset(entry, 1 + prefix.length);
    const batch = reader.varint();
    const { failed } = reader;
    reader.release();
    return failed ? null : batch;
  }
}

/** The round that this entry opens; null: none. */
export function roundOpenedBy(entry: Uint8Array): RoundName | null {
  return opensRound(entry[0] ?? 0) ? (readWholeHeader(entry)?.round ?? null) : null;
}

function readWholeHeader(entry: Uint8Array): (EntryHeader & { readonly end: number }) | null {
  reader.reset(entry);
  const read = readHeader(reader);
  const { failed, offset: end } = reader;
  reader.release();
  return failed ? null : { ...read, end };
}

/** A later version of this program may have written it, and knows what it means. */
export function isOfLaterVersion(entry: Uint8Array): boolean {
  const version = entry[0] ?? 0;
  return version > ENTRY_VERSION_MAX && version <= FUTURE_ENTRY_VERSION_MAX;
}

export interface EntryHeader extends Origin {
  readonly version: number;
  /** That it opens; null: none. */
  readonly round: RoundName | null;
}

/** Steps over the header. An unknown version counts as damage. */
export function readHeader(reader: ByteReader): EntryHeader {
  const version = reader.u8();
  if (version < FIRST_ENTRY_VERSION || version > ENTRY_VERSION_MAX) {
    reader.fail(`an entry of version ${FIRST_ENTRY_VERSION} to ${ENTRY_VERSION_MAX}`);
  }
  const node = reader.varint();
  const nonce = reader.u32();
  const batch = reader.varint();
  const round = opensRound(version)
    ? { n: reader.varint(), pid: reader.varint(), salt: reader.u32() }
    : null;
  return { version, node, nonce, batch, round };
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
    const end = validateGroup(entry, offset, "node", rulesOfVersion(version));
    if (typeof end !== "number") return end;
    offset = end;
  }
  return null;
}
