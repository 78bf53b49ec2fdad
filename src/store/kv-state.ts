/**
 * The replicated state machine: keys and sessions after the log prefix [0, appliedIdx). A function of that prefix alone:
 * no clock, no randomness, no order of objects in memory.
 *
 * Invariants:
 *   STATE-1. A command of a session takes effect at most once, however often it stands in the log.
 *   STATE-2. A repeated command gets the first answer, also when that was a failed cas, until the client says it has seen it. A
 *       different command with a sequence number that was answered is refused and has no effect.
 *   STATE-3. A command answered with an error had no effect. The session does not remember the error, but for NO_SPACE,
 *       VALUE_TOO_LARGE, TXN_REFUSED and any error of a leaseGrant: else a repetition that stands in the log already could take
 *       effect later, when there is space again or other keys are there, although the client was told that it did not.
 *   STATE-4. The revision grows by one with each command that changes keys, and with nothing else. All keys that a transaction
 *       changes have the same.
 *   STATE-5. An entry that is none, because a faulty node proposed it, changes nothing but the history hash and a counter.
 *   STATE-6. The cost of keys and values is at most the quota, or falls: a command that would make it grow beyond is refused,
 *       NO_SPACE; a transaction is refused as a whole, by the sum of its changes. The answers that sessions keep have a bound of
 *       their own (session-table) and do not count: no client could make room there.
 *   STATE-7. An entry of version 1 is carried out exactly as it always was: nodes that have it in a snapshot and nodes that have
 *       it in their logs come to the same state. The rules of session-id, STATE-2's second sentence, STATE-6, STATE-8 and the bounds of
 *       what sessions keep are for entries of version 2.
 *   STATE-8. The origin is set once, by the first session opened, and never changes.
 *   STATE-9. Only commands and the history's bound compact it: so all nodes that know as far back can read as far back. A node's
 *       history may begin later, where it took over a snapshot without history; only reads of old revisions depend on it, and
 *       after as many changes as are kept there is no difference.
 *   STATE-10. While access control is on, a command has an effect only if its actor has the rights at this place in the log
 *       (rights.ts). The session remembers such a refusal like an answer (STATE-3): rights that are granted later do not change it.
 *       A repetition gets the first answer, but the values found with it only if the actor may read them now.
 *   STATE-11. Leases end by the cluster's clock or by command, and their keys with them, at one revision for each lease. The
 *       clock moves only by entries of the leader whose round the log is in, by each of them once. To renew a lease is no
 *       effect in the sense of STATE-1 and STATE-2: a repetition renews it once more. The history hash takes in all leases
 *       whenever the clock moves.
 *       A lease of a write ends with its last key, at the end of the command that takes that key, and this takes no revision. In entries
 *       before version 10 such a lease is granted as any other.
 *   STATE-12. A transaction that only reads has no effect in that sense either: no session keeps its answer, so that reading takes
 *       no memory, and a repetition reads once more. In entries before version 8 answers to such transactions are kept.
 *   STATE-13. Within an entry, too, the history takes little more than its bound: hundreds of appends to a long value are a few bytes,
 *       and each leaves an old version as long as the value.
 */
import {
  assert,
  bytesOf,
  type ByteString,
  ERRORS,
  hashOfBytes,
  InvariantError,
  KvError,
  mix32,
  mixNumber,
  unreachable,
} from "../base/index.ts";
import { APPLY, OP, type ControlOp, type KeyAtHand } from "./operations/index.ts";
import type { AccessState } from "./access/access.ts";
import { AnswerAtHand } from "./sessions/answer-at-hand.ts";
import { Bounds } from "./apply/bounds.ts";
import { CommandCursor } from "./entries/command-cursor.ts";
import {
  NO_COMMAND_HASH,
  NO_SESSION,
  NO_SINK,
  STATUS,
  type AnswerSink,
  type Status,
} from "./entries/command.ts";
import { isOfLaterVersion, validateEntry } from "./entries/entry.ts";
import { FrozenState } from "./snapshots/frozen-state.ts";
import type { StoredValue } from "./history/cell.ts";
import { largestPrefixes, type PrefixShare } from "./keys/largest-prefixes.ts";
import type { KeyValue, RangeQuery } from "./keys/frozen-cells.ts";
import type { EffectiveBound, HistoryBound } from "./history/history-bound.ts";
import { endLease, grantLease, moveClock, renewLeases } from "./apply/lease-commands.ts";
import { Judge } from "./apply/judge.ts";
import type { Leases } from "./keys/leases.ts";
import { growthBy, OrderedCells, type CellsView } from "./keys/ordered-cells.ts";
import {
  EMPTY_STATE_HEADER,
  NO_ORIGIN,
  stateHash,
  type StateHeader,
  type UnreadableEntries,
} from "./snapshots/state-header.ts";
import { mixRound, withRound, type Round, type Rounds } from "./entries/rounds.ts";
import { RulesAtHand } from "./entries/rules-at-hand.ts";
import type { Session } from "./sessions/session.ts";
import { SessionTable } from "./sessions/session-table.ts";
import { mayChange } from "./txn/txn-check.ts";
import { decodeTxn } from "./txn/txn-format.ts";
import type { Txn } from "./txn/txn.ts";
import { makeChanges, planTxn } from "./apply/txn-plan.ts";

const BAD_REQUEST = ERRORS.BAD_REQUEST.wire;
const SESSION_EXPIRED = ERRORS.SESSION_EXPIRED.wire;
const STALE_REQUEST = ERRORS.STALE_REQUEST.wire;
const NO_SPACE = ERRORS.NO_SPACE.wire;
const VALUE_TOO_LARGE = ERRORS.VALUE_TOO_LARGE.wire;
const TXN_REFUSED = ERRORS.TXN_REFUSED.wire;
/** The sample size for `largestPrefixes`, in keys. */
const SAMPLED_KEYS = 2048;
/** Deletions and chunks of the history that are let go of with each entry, beside two for each change that it makes. */
const RELEASED_WITH_ENTRY = 64;
/** STATE-13: so much more than its bound may the history take in the middle of an entry. */
const HISTORY_ABOVE = 2 * 1024 * 1024;
/** What an unreadable entry adds to the history hash. Part of the format. */
const UNREADABLE_MARK = 0x756e_7264;

export class KvState {
  readonly #cells: OrderedCells;
  readonly #sessions: SessionTable;
  readonly #cursor = new CommandCursor();
  #appliedIdx: number;
  #revision: number;
  /** Of keys, by the entry at hand: a transaction makes several at one revision. */
  #changes = 0;
  /** When the entry at hand began. */
  #revisionBefore = 0;
  #expired = 0;
  #historyHash: number;
  #unreadable: UnreadableEntries;
  readonly #bounds: Bounds;
  #origin: number;
  #rounds: Rounds;
  readonly #judge: Judge;
  readonly rules: RulesAtHand;
  readonly #answer: AnswerAtHand;
  /** What the present command may do to its key: one object for all commands. */
  readonly #key: KeyAtHand = {
    find: () => this.#cells.find(this.#cursor),
    putValue: () => this.#put(this.#cursor.value(), this.#cursor.valueHash()),
    // Operations make bytes of bytes, so this is a byte string.
    put: (value) => this.#put(value as ByteString, hashOfBytes(value as ByteString)),
    remove: () => {
      if (this.#cells.delete(this.#cursor, this.#revision + 1)) this.#changed(1);
      else this.#outcome(STATUS.notFound, this.#revision);
    },
    mismatch: (found) => {
      this.#outcome(STATUS.casFailed, found?.modRevision ?? 0);
      // It is what `find` gave.
      this.#answer.actual = found?.value as ByteString | undefined;
    },
    tooLarge: () => this.#outcome(VALUE_TOO_LARGE, this.#revision),
  };

  constructor(
    cells = new OrderedCells(),
    sessions = new SessionTable(),
    header: StateHeader = EMPTY_STATE_HEADER,
  ) {
    this.#cells = cells;
    this.rules = new RulesAtHand(cells.leases.hasOfWrites);
    this.#sessions = sessions;
    this.#appliedIdx = header.appliedIdx;
    this.#revision = header.revision;
    this.#historyHash = header.historyHash;
    this.#unreadable = header.unreadable;
    this.#bounds = new Bounds(header.settings);
    this.#origin = header.origin;
    this.#rounds = header.rounds;
    this.#judge = new Judge(header.access, cells.leases);
    this.#answer = new AnswerAtHand(sessions);
  }

  /** The state stands for the log prefix [0, appliedIdx). */
  get appliedIdx(): number {
    return this.#appliedIdx;
  }

  /** Counts changes of keys. */
  get revision(): number {
    return this.#revision;
  }

  /** Leases, and the clock by which they end. */
  get leases(): Leases {
    return this.#cells.leases;
  }

  /** Leases that ended since this process has the state, because no client renewed them. */
  get expired(): number {
    return this.#expired;
  }

  /** Number of keys. */
  get size(): number {
    return this.#cells.size;
  }

  get sessionCount(): number {
    return this.#sessions.size;
  }

  /** STATE-5. */
  get unreadable(): UnreadableEntries {
    return this.#unreadable;
  }

  /** STATE-8. NO_ORIGIN: no session was opened yet, so no client could take this log for another one. */
  get origin(): number {
    return this.#origin;
  }

  /** The rounds of the leaders whose entries led to this state. */
  get rounds(): Rounds {
    return this.#rounds;
  }

  /** Users and what they may do. Another object after each change. */
  get access(): AccessState {
    return this.#judge.access;
  }

  /** The answers kept for repeated requests, in bytes as `Session.keptBytes` counts them. */
  get keptBytes(): number {
    return this.#sessions.keptBytes;
  }

  /** The cost of keys and values, in bytes: the quota bounds this. */
  get contentBytes(): number {
    return this.#cells.bytes + this.#cells.leases.bytes;
  }

  /** The cost of keys, values, sessions and permissions, in bytes: the same on all nodes, and close to what they take of a heap. */
  get sizeBytes(): number {
    return this.contentBytes + this.#sessions.bytes + this.access.permissionBytes;
  }

  /** The cost to a node's heap, with the readable history, which is the same on all nodes in the end. */
  get heapBytes(): number {
    return this.sizeBytes + this.#cells.history.bytes;
  }

  /** False: the default holds. */
  get quotaIsSet(): boolean {
    return this.#bounds.set.quotaBytes !== null;
  }

  /** STATE-6. */
  get quotaBytes(): number {
    return this.#bounds.quotaBytes;
  }

  /** How much history is kept (STATE-9): as it was set, and what follows from it. */
  get historyBound(): HistoryBound & { readonly effective: EffectiveBound } {
    const { set, effective } = this.#bounds;
    return { ...set.historyBound, effective };
  }

  /** Keys, and what they were before: for reads, which must not change them. */
  get cells(): CellsView {
    return this.#cells;
  }

  /**
   * Frees a part of the compacted history: no reader can tell (STATE-9). `apply` does so too, as fast as new history comes.
   * @param most deletions and chunks
   * @returns whether some is left for another call
   */
  releaseHistory(most: number): boolean {
    return this.#cells.release(most);
  }

  /** By how much a value of this length under the key changes the size. */
  growthBy(key: ByteString, valueLength: number): number {
    return growthBy(this.#cells.get(key), key.length, valueLength);
  }

  /** The prefixes of keys with most of the bytes, judged by a sample. Takes some milliseconds. */
  largestPrefixes(): readonly PrefixShare[] {
    return largestPrefixes(this.#cells.sample(SAMPLED_KEYS));
  }

  /** Valid until the next apply. */
  read(key: ByteString): StoredValue | undefined {
    return this.#cells.get(key);
  }

  /** Whether the answer to this number of this session is kept: a command that comes with it is a repetition (STATE-2). */
  hasOutcome(id: number, sequence: number): boolean {
    const session = this.#sessions.peek(id);
    return session !== undefined && sequence >= session.floor && session.find(sequence) >= 0;
  }

  /** Keys of [start, end) in byte order, at most `limit`. */
  readRange(query: RangeQuery): KeyValue[] {
    return this.#cells.range(query);
  }

  /** Something at log index idx that is no entry of ours (a stop-sign). */
  skip(idx: number): void {
    assert(idx === this.#appliedIdx, `index ${idx} follows ${this.#appliedIdx}`);
    this.#appliedIdx = idx + 1;
  }

  /**
   * Applies all commands of the entry at log index idx, which is appliedIdx. An unreadable one has no effect (STATE-5).
   * @param isChecked `validateEntry` has passed it, or it was made here of what `validateGroup` had passed
   * @throws KvError UNSUPPORTED_VERSION when a later version of this program may have written it: this node must not skip an
   *   entry that other nodes carry out. The state is as it was before.
   */
  apply(entry: Uint8Array, idx: number, sink: AnswerSink = NO_SINK, isChecked = false): void {
    assert(idx === this.#appliedIdx, `index ${idx} follows ${this.#appliedIdx}`);
    if (isChecked || validateEntry(entry) === null) this.#apply(entry, idx, sink);
    else this.#passOver(entry, idx);
    this.#appliedIdx = idx + 1;
  }

  #passOver(entry: Uint8Array, idx: number): void {
    if (isOfLaterVersion(entry)) {
      const text = `entry ${idx} of the log is of version ${entry[0]}, which a later version of omnikv writes: start this node with that version`;
      throw new KvError("UNSUPPORTED_VERSION", text);
    }
    this.#historyHash = mix32(this.#historyHash, UNREADABLE_MARK);
    this.#unreadable = { count: this.#unreadable.count + 1, lastIdx: idx };
  }

  #apply(entry: Uint8Array, idx: number, sink: AnswerSink): void {
    const cursor = this.#cursor;
    cursor.reset(entry);
    this.rules.begin(cursor.version);
    if (cursor.round !== null) this.#openRound({ ...cursor.round, idx });
    this.#changes = 0;
    this.#revisionBefore = this.#revision;
    // STATE-13. The plainest entries, of before version 8, do not even look.
    const most = this.rules.isBefore8 ? 0 : this.#bounds.effective.bytes + HISTORY_ABOVE;
    let group = -1;
    let position = 0;
    let id = NO_SESSION;
    let session: Session | undefined;
    let tag = 0;
    while (cursor.next()) {
      if (cursor.groupIndex !== group) {
        if (group >= 0) this.#endGroup(session);
        group = cursor.groupIndex;
        id = cursor.session;
        sink.beginGroup(group, id);
        session = this.#beginGroup(idx);
        this.#judge.beginGroup(cursor);
        tag = this.rules.isFirstVersion ? id | 0 : (session?.tag ?? 0);
      }
      if (id === NO_SESSION) {
        this.#applySessionless(idx, position, sink);
      } else {
        const answer = this.#answer;
        answer.actual = undefined;
        if (session === undefined) this.#outcome(SESSION_EXPIRED, this.#revision);
        else if (this.#applyOnce(session)) session = undefined;
        sink.answer(id, cursor.sequence, answer.status, answer.revision, answer.actual);
      }
      this.#historyHash = this.#answer.mixedInto(this.#historyHash, cursor, tag);
      position += 1;
      if (most > 0 && this.#cells.history.bytes > most) this.#boundHistory(sink, true);
    }
    if (group >= 0) this.#endGroup(session);
    this.#answer.actual = undefined;
    cursor.release();
    // Once for all of the entry's changes: to look at the oldest record for each costs more than to make one.
    if (this.#changes > 0) this.#boundHistory(sink);
    this.#cells.release(RELEASED_WITH_ENTRY + 2 * this.#changes);
  }

  /** A copy of the state for a snapshot; later commands do not change it. Takes O(number of sessions). */
  clone(): FrozenState {
    return new FrozenState(
      this.#cells.clone(),
      this.#sessions.clone(),
      this.#sessions.lastCounted,
      {
        appliedIdx: this.#appliedIdx,
        revision: this.#revision,
        historyHash: this.#historyHash,
        unreadable: this.#unreadable,
        settings: this.#bounds.set,
        origin: this.#origin,
        rounds: this.#rounds,
        access: this.access,
      },
    );
  }

  /**
   * 16 hexadecimal digits: hash of the content, then hash of all commands applied and their answers. Nodes that have applied
   * the same log prefix have the same hash, with or without a snapshot. Takes constant time.
   */
  hash(): string {
    return stateHash(this.#cells.contentHash, this.#historyHash);
  }

  /** The first half of `hash`, as a 32-bit integer of either sign: of the content. */
  get contentHash(): number {
    return this.#cells.contentHash;
  }

  /** The part of the past that can be read. */
  get kept(): { readonly oldest: number; readonly hash: number } {
    return this.#cells.history;
  }

  /** The second half, likewise: of all commands applied and their answers. */
  get historyHash(): number {
    return this.#historyHash;
  }

  #beginGroup(idx: number): Session | undefined {
    const { session: id, floor } = this.#cursor;
    if (id === NO_SESSION) return undefined;
    const session = this.#sessions.use(id, idx);
    if (session === undefined || floor <= session.floor) return session;
    const before = session.actualBytes;
    session.raiseFloor(floor);
    this.#sessions.addActualBytes(session.actualBytes - before);
    return session;
  }

  #endGroup(session: Session | undefined): void {
    this.#sessions.settle();
    if (!this.rules.isFirstVersion) this.#sessions.makeRoom(session);
  }

  #applySessionless(idx: number, position: number, sink: AnswerSink): void {
    const cursor = this.#cursor;
    const answer = this.#answer;
    this.#outcome(STATUS.ok, this.#revision);
    // The check of entries lets nothing else stand there.
    const op = cursor.op as ControlOp;
    const denied = this.#judge.refusalOfControl(op);
    if (denied !== 0) {
      this.#outcome(denied, 0);
      sink.answer(NO_SESSION, cursor.sequence, denied, 0, undefined);
      return;
    }
    switch (op) {
      case OP.noop:
        break;
      case OP.openSession: {
        const nonce = cursor.nonce();
        if (this.rules.isFirstVersion) {
          answer.revision = this.#sessions.openCounted(nonce, idx);
          sink.opened(cursor.sequence, bytesOf(nonce), answer.revision);
          return;
        }
        const { id, tag, origin } = this.#sessions.open(nonce, idx, position);
        this.#begin(origin);
        // The history hash takes this in, and peers and managers see it: it must not give the id away.
        answer.revision = tag;
        sink.opened(cursor.sequence, bytesOf(nonce), id);
        return;
      }
      case OP.setQuota:
        this.#bounds.setQuota(cursor.quotaBytes);
        answer.revision = cursor.quotaBytes;
        this.#boundHistory(sink);
        break;
      case OP.access:
        this.#changeAccess();
        break;
      case OP.actor:
        throw new InvariantError("an actor is passed over");
      case OP.closeSession:
        throw new InvariantError("closeSession needs a session");
      case OP.setHistory: {
        const { historyRevisions, historyBytes } = cursor;
        this.#bounds.setHistory(historyRevisions, historyBytes);
        answer.revision = historyRevisions;
        this.#historyHash = mixNumber(this.#historyHash, historyBytes);
        this.#boundHistory(sink);
        break;
      }
      case OP.compact: {
        const { compactRevision } = cursor;
        answer.revision = compactRevision;
        if (compactRevision <= this.#revision) this.#compactTo(compactRevision, sink);
        else answer.status = BAD_REQUEST;
        break;
      }
      case OP.clock:
        this.#moveClock();
        break;
      default:
        unreachable(op, "operation without a session");
    }
    // Only the history hash needs the value of a setting.
    const revision = op === OP.access ? answer.revision : this.#revision;
    sink.answer(NO_SESSION, cursor.sequence, answer.status, revision, undefined);
  }

  #changeAccess(): void {
    const changed = this.#judge.change(this.#cursor.body(), this.rules.isBefore8);
    if (typeof changed === "number") return this.#outcome(BAD_REQUEST, changed);
    this.#historyHash = mix32(this.#historyHash, changed.hash);
    this.#outcome(STATUS.ok, this.access.epoch);
  }

  #openRound(round: Round): void {
    this.#rounds = withRound(this.#rounds, round);
    this.#historyHash = mixRound(this.#historyHash, round);
  }

  /** STATE-8. In the history hash as well: states that agree in it agree in the origin. */
  #begin(origin: number): void {
    if (this.#origin !== NO_ORIGIN) return;
    this.#origin = origin;
    this.#historyHash = mixNumber(this.#historyHash, origin);
  }

  /** @returns true when the session has ended by it */
  #applyOnce(session: Session): boolean {
    const cursor = this.#cursor;
    const sequence = cursor.sequence;
    if (sequence < session.floor) {
      this.#outcome(STALE_REQUEST, this.#revision);
      return false;
    }
    const hash = this.rules.isFirstVersion ? NO_COMMAND_HASH : cursor.commandHash();
    const kept = session.find(sequence);
    if (kept >= 0) {
      if (session.isOfOther(kept, hash)) this.#outcome(BAD_REQUEST, this.#revision);
      else this.#repeatAnswer(session, kept);
      return false;
    }
    if (session.isBeyondWindow(sequence)) {
      this.#outcome(BAD_REQUEST, this.#revision);
      return false;
    }
    if (cursor.op === OP.closeSession) {
      this.#outcome(STATUS.ok, this.#revision);
      this.#sessions.close(session.id);
      return true;
    }
    const denied = this.#judge.refusalOf(cursor);
    if (denied !== 0) {
      this.#outcome(denied, 0);
      session.keep(sequence, denied, 0, undefined, hash);
      return false;
    }
    if (cursor.op >= OP.txn) {
      this.#applyRare(session, sequence, hash);
      return false;
    }
    this.#execute();
    const answer = this.#answer;
    if (answer.actual !== undefined && answer.actual.length > 0) {
      answer.bound(session, this.rules.isFirstVersion);
    }
    answer.keep(session, sequence, hash);
    return false;
  }

  /** Transactions, and commands about leases: their codes are above those of all others. */
  #applyRare(session: Session, sequence: number, hash: number): void {
    switch (this.#cursor.op) {
      case OP.leaseGrant: {
        const room = this.quotaBytes - this.contentBytes;
        const { status, id } = grantLease(this.#cells.leases, this.#cursor, room, this.rules);
        this.#outcome(status, status === STATUS.ok ? id : this.#revision);
        this.#answer.keepGrant(session, sequence, hash);
        return;
      }
      case OP.leaseRevoke:
        if (this.#cells.leases.has(this.#cursor.lease)) this.#endLease(this.#cursor.lease);
        else this.#outcome(STATUS.notFound, this.#revision);
        this.#answer.keep(session, sequence, hash);
        return;
      case OP.leaseKeepAlive:
        this.#outcome(STATUS.renewed, this.#revision);
        this.#answer.actual = renewLeases(this.#cells.leases, this.#cursor.numbers());
        return;
      default:
        this.#transact(session, sequence, hash);
    }
  }

  #endLease(id: number): void {
    const keys = endLease(this.#cells, id, this.#revision + 1);
    this.#outcome(STATUS.ok, this.#revision);
    if (keys > 0) this.#changed(keys);
  }

  /** STATE-11. */
  #moveClock(): void {
    const { leases } = this.#cells;
    const due = moveClock(leases, this.#cursor.numbers(), this.#rounds.kept.at(-1));
    if (due === null) return this.#outcome(BAD_REQUEST, this.#revision);
    for (const id of due) {
      this.#endLease(id);
      this.#expired += 1;
    }
    this.#historyHash = mixNumber(this.#historyHash, leases.hash() >>> 0);
    this.#outcome(STATUS.ok, this.#revision);
  }

  /** STATE-10, of a repetition. */
  #repeatAnswer(session: Session, kept: number): void {
    const { op, sequence } = this.#cursor;
    this.#answer.repeat(session, kept, sequence, op, this.#revision);
    this.#answer.withhold(this.#judge.refusalOf(this.#cursor));
  }

  #transact(session: Session, sequence: number, hash: number): void {
    const txn = decodeTxn(this.#cursor.txn());
    assert(typeof txn !== "string", "a transaction is checked before it is proposed");
    this.#carryOut(txn);
    if (this.rules.isBefore8 || mayChange(txn)) this.#answer.keepTxn(session, sequence, hash);
  }

  /** Plans the transaction in full, and then carries out all of it or nothing. */
  #carryOut(txn: Txn): void {
    const next = this.#revision + 1;
    const plan = planTxn(this.#cells, txn, next);
    if (typeof plan === "number") return this.#outcome(TXN_REFUSED, plan);
    const { changes, growth } = plan;
    if (growth > 0 && growth > this.quotaBytes - this.contentBytes) {
      return this.#outcome(NO_SPACE, this.#revision);
    }
    makeChanges(this.#cells, changes, next);
    if (changes.size > 0) this.#changed(changes.size);
    this.#outcome(plan.succeeded ? STATUS.txnThen : STATUS.txnElse, this.#revision);
    this.#answer.actual = plan.results;
  }

  #execute(): void {
    const cursor = this.#cursor;
    const apply = APPLY[cursor.op];
    if (apply !== undefined) return apply(this.#key, cursor);
    assert(cursor.op === OP.noop, `command ${cursor.op} does not belong in a session`);
    this.#outcome(STATUS.ok, this.#revision);
  }

  #put(value: ByteString, valueHash: number): void {
    const next = this.#revision + 1;
    const room = this.rules.isFirstVersion ? Infinity : this.quotaBytes - this.contentBytes;
    if (!this.#cells.put(this.#cursor, value, valueHash, next, room)) {
      return this.#outcome(NO_SPACE, this.#revision);
    }
    this.#changed(1);
  }

  /** STATE-4. A command that changes keys ends with it, so leases of writes that it has emptied end here. @param keys that were changed */
  #changed(keys: number): void {
    this.#changes += keys;
    this.#cells.leases.endEmptied();
    this.#outcome(STATUS.ok, ++this.#revision);
  }

  /**
   * STATE-9: a setting holds from its entry on. STATE-13: in the middle of an entry it takes nothing that the end would not take, as it
   * leaves the newest changes.
   */
  #boundHistory(sink: AnswerSink, isWithin = false): void {
    const { revisions, bytes } = this.#bounds.effective;
    this.#compactTo(this.#cells.oldestWithin(revisions, bytes), sink);
    if (isWithin) this.#cells.release(RELEASED_WITH_ENTRY);
  }

  #compactTo(revision: number, sink: AnswerSink): void {
    if (revision > this.#revisionBefore) sink.compacting?.();
    this.#cells.compactTo(revision);
  }

  #outcome(status: Status, revision: number): void {
    this.#answer.set(status, revision);
  }
}
