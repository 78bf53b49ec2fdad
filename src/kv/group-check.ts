/** The check of what comes from outside: after it, bytes of groups are trusted everywhere. */
import { KvError } from "../base/errors.ts";
import {
  CLIENT_FRAME_BYTES_MAX,
  FRAME_COMMANDS_MAX,
  KEY_BYTES_MAX,
  VALUE_BYTES_MAX,
} from "../base/limits.ts";
import { ByteReader } from "../base/byte-reader.ts";
import { NO_SESSION, OP, SESSION_NONCE_BYTES } from "./command.ts";
import { QUOTA_BYTES_MIN } from "./state-size.ts";
import { keyTooLarge, valueTooLarge } from "./group-writer.ts";

// Checking is synchronous and never re-entered, so one reader serves all callers.
const reader = new ByteReader();

/** Whose groups: nodes may put settings into the log, and did not before entries had version 2. */
export type GroupMaker = "client" | "node";

/**
 * Checks form and limits of the group that starts at `offset`.
 * @returns where it ends, or what is wrong with it (BAD_REQUEST, KEY_TOO_LARGE, VALUE_TOO_LARGE); never throws
 */
export function validateGroup(
  bytes: Uint8Array,
  offset = 0,
  maker: GroupMaker = "client",
): number | KvError {
  reader.reset(bytes, offset);
  const result = checkGroup(maker);
  const end = reader.offset;
  const problem = reader.failed ? reader.problem : null;
  reader.release();
  if (problem !== null) return bad(problem);
  if (result !== null) return result;
  if (end - offset > CLIENT_FRAME_BYTES_MAX) {
    return bad(`group of ${end - offset} bytes, the limit is ${CLIENT_FRAME_BYTES_MAX}`);
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

function checkGroup(maker: GroupMaker): KvError | null {
  const session = reader.varint();
  reader.varint();
  const count = reader.varint();
  if (reader.failed) return null;
  if (count < 1 || count > FRAME_COMMANDS_MAX) {
    return bad(`group of ${count} commands, expected 1 to ${FRAME_COMMANDS_MAX}`);
  }
  for (let i = 0; i < count; i++) {
    const problem = checkRecord(session, maker);
    if (problem !== null || reader.failed) return problem;
  }
  return null;
}

function checkRecord(session: number, maker: GroupMaker): KvError | null {
  reader.varint();
  const op = reader.u8();
  switch (op) {
    case OP.write:
    case OP.casAbsent:
      return needSession(session) ?? checkKey() ?? checkValue();
    case OP.delete:
      return needSession(session) ?? checkKey();
    case OP.casValue:
      return needSession(session) ?? checkKey() ?? checkValue() ?? checkValue();
    case OP.casRevision: {
      const problem = needSession(session) ?? checkKey();
      if (problem !== null) return problem;
      if (reader.varint() < 1) reader.fail("a revision of 1 or more");
      return checkValue();
    }
    case OP.openSession:
      if (session !== NO_SESSION) return bad("a session is not opened from within a session");
      reader.skip(SESSION_NONCE_BYTES);
      return null;
    case OP.closeSession:
      return needSession(session);
    case OP.noop:
      return null;
    case OP.setQuota:
      if (maker === "client") return bad("settings are not changed by clients");
      if (session !== NO_SESSION) return bad("a setting belongs to no session");
      if (reader.varint() < QUOTA_BYTES_MIN) reader.fail(`a quota of ${QUOTA_BYTES_MIN} or more`);
      return null;
    default:
      return reader.failed ? null : bad(`unknown command ${op}`);
  }
}

function needSession(session: number): KvError | null {
  return session === NO_SESSION ? bad("this command needs a session") : null;
}

function checkKey(): KvError | null {
  const length = reader.varint();
  if (reader.failed) return null;
  if (length > KEY_BYTES_MAX) return keyTooLarge(length);
  if (length === 0) return bad("a key has at least one byte");
  reader.skip(length);
  return null;
}

function checkValue(): KvError | null {
  const length = reader.varint();
  if (length > VALUE_BYTES_MAX) return valueTooLarge(length);
  reader.skip(length);
  return null;
}

function bad(message: string): KvError {
  return new KvError("BAD_REQUEST", message);
}
