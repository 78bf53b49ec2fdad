/**
 * The bytes of commands. They are made once, by the client, and travel unchanged: client frame, log entry, disk, apply.
 *
 *     entry   := u8 version · varint node · u32 nonce · varint batch · round · group*
 *     round   := varint n · varint pid · u32 salt   (in odd versions from 3 on: this entry opens it)
 *     group   := varint session · varint floor · varint count · record{count}
 *     record  := varint sequence · u8 code · field*
 *     field   := varint length · bytes | varint | 16 bytes
 *
 * The body of a transaction is one sized field with a form of its own: txn-format.ts.
 *
 * Which operation has which code, which fields (in the order of store/operations/fields.ts) and since which version of an entry it
 * may be there: store/operations/table.ts.
 *
 * Session 0 means "no session": there is no exactly-once without one, so only openSession (whose repetition does no harm)
 * and noop may stand there, and settings, which nodes put into the log themselves and no client may. The floor says that the
 * client has seen answers to all lower sequence numbers.
 *
 * The version says by which rules nodes carry an entry out; the bytes are the same. Logs may begin with entries of version 1:
 * those open sessions with numbers from a counter, and a repeated sequence number gets its first answer, even when the command is
 * another one (docs/security.md, "Sessions"). Versions 4 and 6 know operations that the ones before do not. In version 8 a
 * session keeps no answer to a transaction that only reads, and a change of users and roles is hashed without all that was there
 * before. In version 10 a lease that is granted for a write ends with its last key (lease-ids.ts). Odd versions from 3 on work like the ones below them, and open the round of a leader (rounds.ts). An entry has the least
 * version by which its commands are proposed: as long as no client uses a new operation, programs of the version before can read
 * the log. Version 10 has no new operation: it is proposed once all nodes know it (replica/writes/rules-of-all.ts), and until then the
 * same commands stand in entries of version 6.
 */
import { NEWEST_RULES } from "../operations/index.ts";
import type { AnyBytes } from "../../base/index.ts";

export const FIRST_ENTRY_VERSION = 1;
/** A higher number is an entry of a later version of this program. */
export const ENTRY_VERSION_MAX = NEWEST_RULES + 1;
/** Versions up to this one are reserved for later programs; bytes with a higher one are no entry. */
export const FUTURE_ENTRY_VERSION_MAX = 31;
export const NO_SESSION = 0;
/** No hash of a command: it is compared with none. */
export const NO_COMMAND_HASH = 0;
export const COMMAND_HASH_BITS = 29;

/**
 * How a command or a read came out. Numbers from 1 to 63 are the wire numbers of base/errors: the command had no effect.
 */
export const STATUS = {
  ok: 0,
  /** The key was not as expected. The revision is the one it was last changed at (0: absent); its value comes along. */
  casFailed: 64,
  /** A delete found no key: nothing changed. */
  notFound: 65,
  /** As casFailed, but the current value is too large to be kept for a repeated request: read it. */
  casFailedLarge: 66,
  /**
   * The comparisons of a transaction held, and its first list of operations was carried out. The revision is the store's, the
   * value has the result of each operation (txn-results.ts): undefined when that was too much to be kept for a repetition.
   */
  txnThen: 67,
  /** As txnThen: a comparison did not hold, and the other list was carried out. */
  txnElse: 68,
  /** The answer to a leaseKeepAlive: a list of numbers, the time to live of each lease (ms), 0 for one that does not exist. */
  renewed: 69,
} as const;
export type Status = number;

/** Receives the outcome of each command of an entry, in order. */
export interface AnswerSink {
  /** The commands that follow belong to the group with this position in the entry. */
  beginGroup(index: number, session: number): void;
  /**
   * @param status one of STATUS, or the wire number of an error
   * @param revision the key's new revision; after a failed cas the revision it has (0: absent), else the store's
   * @param actual the key's value after casFailed; undefined when it is absent. Valid until the next command
   */
  answer(
    session: number,
    sequence: number,
    status: Status,
    revision: number,
    actual: AnyBytes | undefined,
  ): void;
  /** openSession succeeded. The number is for its client only: anybody who knows it can write in the session's name. */
  opened(sequence: number, nonce: Uint8Array, session: number): void;
  /** The state is about to compact the present entry's own changes: earlier values can be read now for the last time. */
  compacting?(): void;
}

/** For entries whose answers no client of this node waits for. */
export const NO_SINK: AnswerSink = {
  beginGroup: () => {},
  answer: () => {},
  opened: () => {},
};
