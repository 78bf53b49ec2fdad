/**
 * What comes of the command at hand, what its session keeps of that, and what a repetition of it is told. It is one for all
 * commands, so that none is made for each. When something comes of a command, and whether it is kept, the state says (KvState, STATE-2 and STATE-3).
 */
import { type ByteString, mix32, mixNumber, SESSION_WINDOW } from "../../base/index.ts";
import { STATUS, type Status } from "../entries/command.ts";
import type { CommandCursor } from "../entries/command-cursor.ts";
import { OP } from "../operations/index.ts";
import { SESSION_VALUES_MAX, type Session } from "./session.ts";
import type { SessionTable } from "./session-table.ts";
import { answerOf, keptOf } from "./txn-kept.ts";

export class AnswerAtHand {
  status: Status = STATUS.ok;
  /** As AnswerSink.answer has it. */
  revision = 0;
  /** What was found: the value of a key, what came of a transaction, times to live. Undefined: nothing is told. */
  actual: ByteString | undefined;
  readonly #sessions: SessionTable;

  /** @param sessions where it is counted what they keep */
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

  /** The value that goes with a failed cas is kept with the answer, and what may be kept is bounded: beyond that it is not told either. */
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

  /** Of a transaction: what was found is kept as far as there is room, and the first answer has it in any case. */
  keepTxn(session: Session, sequence: number, hash: number): void {
    const { status } = this;
    let kept = keptOf({ status, results: this.actual });
    const length = kept.actual?.length ?? 0;
    if (length > 0 && !session.hasRoomFor(length, SESSION_VALUES_MAX)) {
      kept = keptOf({ status, results: undefined });
    } else this.#sessions.addActualBytes(length);
    session.keep(sequence, kept.status, this.revision, kept.actual, hash);
  }

  /**
   * Of a lease that was asked for. There are more errors than a session has kinds of answers: which one it was stands where the
   * revision does.
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
   * For who may not read any more what was found. Of a cas that did nothing not even its revision is told, and without one the
   * client would take the key for absent: it is refused, which is as true, as nothing was done.
   * @param refusal the wire number of the error with which the command would be refused now; 0: it would not, and all is told
   */
  withhold(refusal: number): void {
    if (refusal === 0) return;
    this.actual = undefined;
    if (this.status === STATUS.casFailed || this.status === STATUS.casFailedLarge) {
      this.set(refusal, 0);
    }
  }
}
