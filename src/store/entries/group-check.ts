/** The check of groups from outside: after it, the program trusts their bytes everywhere. */
import {
  ByteReader,
  CLIENT_FRAME_BYTES_MAX,
  FRAME_COMMANDS_MAX,
  KvError,
} from "../../base/index.ts";
import {
  BODY_BIT,
  COMPACT_BIT,
  EXPECTED_BIT,
  FIELD_BITS,
  HISTORY_BYTES_BIT,
  HISTORY_REVISIONS_BIT,
  FIELDS,
  KEY_BIT,
  LEASE_BIT,
  NEWEST_RULES,
  NONCE_BIT,
  NUMBERS_BIT,
  OP,
  PLACE,
  PLACES,
  PROPOSED_BY,
  QUOTA_BIT,
  REVISION_BIT,
  SINCE,
  TTL_BIT,
  TXN_BIT,
  VALUE_BIT,
  type EntryRules,
  type NumberField,
  type SizedField,
} from "../operations/index.ts";
import { decodeAccessChange } from "../access/access-change.ts";
import { ACTOR_BYTES_MAX, readActor } from "../access/actor.ts";
import { decodeClock } from "./clock-entry.ts";
import { NO_SESSION } from "./command.ts";
import { tooLong } from "./group-writer.ts";
import { isOfWrite, LEASES_OF_WRITES } from "./lease-ids.ts";
import { decodeNumbers } from "./numbers.ts";
import { wrongTxn } from "../txn/txn-check.ts";

/** From it on all fields are numbers but those with a length in front of them: a transaction, a list of numbers, a body. */
const QUOTA_SHIFT = 31 - Math.clz32(QUOTA_BIT);

// Checking is synchronous and never re-entered, so one reader serves all callers.
const reader = new ByteReader();

/** Where the body of the record at hand begins. */
let bodyStart = 0;

/** The maker of the groups: nodes may put settings into the log, clients may not. */
export type GroupMaker = "client" | "node";

/**
 * Checks form and limits of the group that starts at `offset`.
 * @param rules of the entry that it stands in: operations that came later are none there
 * @returns where it ends, or what is wrong with it (BAD_REQUEST, KEY_TOO_LARGE, VALUE_TOO_LARGE); never throws
 */
export function validateGroup(
  bytes: Uint8Array,
  offset = 0,
  maker: GroupMaker = "client",
  rules: EntryRules = NEWEST_RULES,
): number | KvError {
  reader.reset(bytes, offset);
  const result = checkGroup(maker, rules);
  const end = reader.offset;
  const problem = reader.failed ? reader.problem : null;
  reader.release();
  if (problem !== null) return bad(problem);
  if (result !== null) return result;
  const bytesMax = CLIENT_FRAME_BYTES_MAX + (maker === "node" ? ACTOR_BYTES_MAX : 0);
  if (end - offset > bytesMax) {
    return bad(`group of ${end - offset} bytes, the limit is ${bytesMax}`);
  }
  return end;
}

/** The number of commands of a group that `validateGroup` has passed. */
export function commandCount(bytes: Uint8Array, offset = 0): number {
  reader.reset(bytes, offset);
  reader.varint();
  reader.varint();
  const count = reader.varint();
  reader.release();
  return count;
}

/** What one look at the commands of a group tells. */
export interface GroupOutline {
  /** The rules that all of them are proposed by. */
  readonly rules: EntryRules;
  /** Those by which they are proposed where all nodes know them: newer ones, or the same. */
  readonly better: EntryRules;
  /** Bytes of the longest. */
  readonly longest: number;
  /** Whether one of the operations asked about is among them. */
  readonly hasAny: boolean;
}

/**
 * Of a group that `validateGroup` has passed.
 * @param operations that are asked about, by code
 */
export function outlineOf(group: Uint8Array, operations: readonly boolean[] = []): GroupOutline {
  reader.reset(group);
  reader.varint();
  reader.varint();
  const count = reader.varint();
  let rules = 0;
  let hasLeaseOfWrite = false;
  let longest = 0;
  let hasAny = false;
  for (let i = 0; i < count; i++) {
    const start = reader.offset;
    const op = skipRecord(reader);
    if (operations[op] === true) hasAny = true;
    if (op === OP.leaseGrant && isOfWrite(leaseIn(group, start))) hasLeaseOfWrite = true;
    const own = PROPOSED_BY[op] ?? 0;
    if (own > rules) rules = own;
    const length = reader.offset - start;
    if (length > longest) longest = length;
  }
  reader.release();
  // PROPOSED_BY holds nothing else.
  const least = rules as EntryRules;
  return { rules: least, better: hasLeaseOfWrite ? LEASES_OF_WRITES : least, longest, hasAny };
}

/** Of the leaseGrant that begins there. */
function leaseIn(group: Uint8Array, start: number): number {
  const record = new ByteReader().reset(group, start);
  record.varint();
  record.u8();
  record.varint();
  return record.varint();
}

function checkGroup(maker: GroupMaker, rules: EntryRules): KvError | null {
  const session = reader.varint();
  reader.varint();
  const count = reader.varint();
  if (reader.failed) return null;
  // One more for the actor.
  const countMax = FRAME_COMMANDS_MAX + (maker === "node" ? 1 : 0);
  if (count < 1 || count > countMax) {
    return bad(`group of ${count} commands, expected 1 to ${countMax}`);
  }
  for (let i = 0; i < count; i++) {
    const problem = checkRecord(session, maker, rules, i === 0 && count > 1);
    if (problem !== null || reader.failed) return problem;
  }
  return null;
}

/** @param isFirst of several: the only place for an actor */
function checkRecord(
  session: number,
  maker: GroupMaker,
  rules: EntryRules,
  isFirst: boolean,
): KvError | null {
  reader.varint();
  const code = reader.u8();
  const since = SINCE[code] ?? 0;
  if (since === 0 || since > rules) return reader.failed ? null : bad(`unknown command ${code}`);
  const fields = FIELD_BITS[code] ?? 0;
  const problem = checkPlace(PLACES[code] ?? 0, session, maker) ?? checkFields(fields, code);
  if (problem !== null || (fields & BODY_BIT) === 0) return problem;
  return checkBody(code, isFirst);
}

function checkPlace(place: number, session: number, maker: GroupMaker): KvError | null {
  if ((place & PLACE.nodesOnly) !== 0 && maker === "client") {
    return bad("settings are not changed by clients");
  }
  if (session === NO_SESSION) {
    return (place & PLACE.needsSession) === 0 ? null : bad("this command needs a session");
  }
  return (place & PLACE.forbidsSession) === 0 ? null : bad("this command belongs to no session");
}

/** In the order of FIELDS. A command on a key has none from the nonce on. */
function checkFields(fields: number, code: number): KvError | null {
  let problem: KvError | null = null;
  if ((fields & KEY_BIT) !== 0) problem = checkSized(FIELDS.key);
  if ((fields & EXPECTED_BIT) !== 0) problem ??= checkSized(FIELDS.expected);
  if ((fields & REVISION_BIT) !== 0) checkNumber(FIELDS.revision);
  if ((fields & VALUE_BIT) !== 0) problem ??= checkSized(FIELDS.value);
  if ((fields & KEY_BIT) !== 0) return problem;
  if ((fields & NONCE_BIT) !== 0) reader.skip(FIELDS.nonce.bytes);
  if (fields >= QUOTA_BIT) {
    if ((fields & QUOTA_BIT) !== 0) checkNumber(FIELDS.quotaBytes);
    if ((fields & HISTORY_REVISIONS_BIT) !== 0) checkNumber(FIELDS.historyRevisions);
    if ((fields & HISTORY_BYTES_BIT) !== 0) checkNumber(FIELDS.historyBytes);
    if ((fields & COMPACT_BIT) !== 0) checkNumber(FIELDS.compactRevision);
    if ((fields & TXN_BIT) !== 0) problem = checkTxn(code);
    if ((fields & TTL_BIT) !== 0) checkNumber(FIELDS.ttl);
    if ((fields & LEASE_BIT) !== 0) checkNumber(FIELDS.lease);
    if ((fields & NUMBERS_BIT) !== 0) problem = checkNumbers(code);
    if ((fields & BODY_BIT) !== 0) problem = checkSized(FIELDS.body);
  }
  return problem;
}

/**
 * Steps over a record without looking at what is in it. Where the record cannot be one the reader fails, or is somewhere in its
 * bytes.
 * @returns the code of its operation
 */
export function skipRecord(from: ByteReader): number {
  from.varint();
  const code = from.u8();
  skipFields(from, FIELD_BITS[code] ?? 0);
  return code;
}

/** As checkFields. A command with a transaction, a list of numbers or a body has no other rare field. */
function skipFields(from: ByteReader, fields: number): void {
  if ((fields & KEY_BIT) !== 0) from.skip(from.varint());
  if ((fields & EXPECTED_BIT) !== 0) from.skip(from.varint());
  if ((fields & REVISION_BIT) !== 0) from.varint();
  if ((fields & VALUE_BIT) !== 0) from.skip(from.varint());
  if ((fields & NONCE_BIT) !== 0) from.skip(FIELDS.nonce.bytes);
  if ((fields & (TXN_BIT | NUMBERS_BIT | BODY_BIT)) !== 0) return void from.skip(from.varint());
  // The rest are numbers, one a bit.
  for (let bits = fields >>> QUOTA_SHIFT; bits !== 0; bits &= bits - 1) from.varint();
}

function checkSized(field: SizedField): KvError | null {
  const length = reader.varint();
  if (reader.failed) return null;
  if (length > field.maxBytes) return tooLong(field, length);
  if (length < field.minBytes) return bad(`a ${field.noun} has at least one byte`);
  const start = reader.skip(length);
  if (field === FIELDS.body) bodyStart = start;
  return null;
}

function checkTxn(code: number): KvError | null {
  const length = reader.varint();
  if (reader.failed) return null;
  if (length > FIELDS.txn.maxBytes) return tooLong(FIELDS.txn, length);
  const start = reader.skip(length);
  if (reader.failed) return null;
  return wrongTxn(reader.bytesAt(start, start + length), code === OP.leasedTxn);
}

function checkNumbers(code: number): KvError | null {
  const length = reader.varint();
  if (reader.failed) return null;
  if (length > FIELDS.numbers.maxBytes) return tooLong(FIELDS.numbers, length);
  const start = reader.skip(length);
  if (reader.failed) return null;
  const bytes = reader.bytesAt(start, start + length);
  const isRight =
    code === OP.clock ? decodeClock(bytes) !== null : (decodeNumbers(bytes)?.length ?? 0) > 0;
  return isRight ? null : bad("a list of numbers that cannot be read");
}

/** Of a record whose form has just been checked: its body is what was read last. */
function checkBody(code: number, isFirst: boolean): KvError | null {
  if (reader.failed) return null;
  const body = reader.bytesAt(bodyStart, reader.offset);
  if (code === OP.actor) {
    return isFirst && readActor(body) !== null ? null : bad("an actor out of place, or none");
  }
  const change = decodeAccessChange(body);
  return typeof change === "string" ? bad(`change of users and roles: ${change}`) : null;
}

function checkNumber({ noun, min, max = Number.MAX_SAFE_INTEGER }: NumberField): void {
  const number = reader.varint();
  if (number < min) reader.fail(`a ${noun} of ${min} or more`);
  if (number > max) reader.fail(`a ${noun} of at most ${max}`);
}

function bad(message: string): KvError {
  return new KvError("BAD_REQUEST", message);
}
