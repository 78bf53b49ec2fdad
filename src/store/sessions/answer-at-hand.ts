/**
 * The answer to the present command, the part of it that the session keeps, and the answer to a repetition. One object serves all
 * commands, so that none is made for each. The state decides when there is an answer, and whether the session keeps it (KvState,
 * STATE-2 and STATE-3).
 */
import { type AnyBytes, bytesOf, mix32, mixNumber, SESSION_WINDOW } from "../../base/index.ts";
import { STATUS, type Status } from "../entries/command.ts";
import type { CommandCursor } from "../entries/command-cursor.ts";
import { OP } from "../operations/index.ts";
import { SESSION_VALUES_MAX, type Session } from "./session.ts";
import type { SessionTable } from "./session-table.ts";
import { answerOf, keptLength, keptOf } from "./txn-kept.ts";

export class AnswerAtHand {
  status: Status = STATUS.ok;
  /** As AnswerSink.answer has it. */
  revision = 0;
  /** The data of the answer: a key's value, the results of a transaction, times to live. Undefined: none. */
  actual: AnyBytes | undefined;
  readonly #sessions: SessionTable;

  /** @param sessions counts the bytes that sessions keep */
  constructor(sessions: SessionTable) {
    this.#sessions = sessions;
  }

  set(status: Status, revision: number): void {
    this.status = status;
    this.revision = revision;
  }

  /**
   * @param hash of all answers so far
   * @param tag of the session
   */
  mixedInto(
    hash: number,
    { op, sequence }: Pick<CommandCursor, "op" | "sequence">,
    tag: number,
  ): number {
    const what = mix32((op << 8) | this.status, tag);
    return mix32(hash, mixNumber(mixNumber(what, sequence), this.revision));
  }

  /** The session keeps the value of a failed cas with the answer, within a bound: beyond it the first answer omits the value too. */
  bound(session: Session, isFirstVersion: boolean): void {
    const length = this.actual?.length ?? 0;
    const fits = isFirstVersion
      ? length <= this.#sessions.actualRoom && session.hasRoomFor(length, SESSION_WINDOW)
      : session.hasRoomFor(length, SESSION_VALUES_MAX);
    if (fits) {
      this.#sessions.addActualBytes(length);
    } else {
      this.actual = undefined;
      this.status = STATUS.casFailedLarge;
    }
  }

  /** @param hash of the command */
  keep(session: Session, sequence: number, hash: number): void {
    session.keep(sequence, this.status, this.revision, this.actual, hash);
  }

  /** Keeps a transaction's answer, with its results only where there is room; the first answer has them in any case. */
  keepTxn(session: Session, sequence: number, hash: number): void {
    const { actual } = this;
    const results = typeof actual === "string" ? bytesOf(actual) : actual;
    const length = keptLength(results?.length ?? 0);
    const fits = length === 0 || session.hasRoomFor(length, SESSION_VALUES_MAX);
    const kept = keptOf({ status: this.status, results: fits ? results : undefined });
    if (fits) this.#sessions.addActualBytes(length);
    session.keep(sequence, kept.status, this.revision, kept.actual, hash);
  }

  /**
   * Keeps the answer to a leaseGrant. There are more errors than a session has kinds of answers: so the error's number takes the
   * place of the revision.
   */
  keepGrant(session: Session, sequence: number, hash: number): void {
    if (this.status === STATUS.ok) this.keep(session, sequence, hash);
    else session.keep(sequence, STATUS.casFailed, this.status, undefined, hash);
  }

  /**
   * The first answer once more.
   * @param kept its place in the session
   * @param op of the command, which is the same as then
   * @param revision of the store now
   */
  repeat(session: Session, kept: number, sequence: number, op: number, revision: number): void {
    this.set(session.statusAt(kept), session.revisionAt(kept));
    this.actual = session.actualAt(kept, sequence);
    if (op < OP.txn) return;
    if (op === OP.leaseGrant && this.status === STATUS.casFailed) {
      this.set(this.revision, revision);
      this.actual = undefined;
    }
    if (op !== OP.txn && op !== OP.leasedTxn) return;
    const { status, results } = answerOf({ status: this.status, actual: this.actual });
    this.status = status;
    this.actual = results;
  }

  /**
   * For a user who may no longer read the data of the answer. A failed cas must not even tell the key's revision, and without one the
   * client would take the key for absent: so it gets a refusal, which is just as true, as the cas did nothing.
   * @param refusal the wire number of the error with which the command would be refused now; 0: none, and the answer is complete
   */
  withhold(refusal: number): void {
    if (refusal === 0) return;
    this.actual = undefined;
    if (this.status === STATUS.casFailed || this.status === STATUS.casFailedLarge) {
      this.set(refusal, 0);
    }
  }
}
