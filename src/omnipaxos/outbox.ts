import type { Ballot, NodeId } from "./ballot.ts";
import type { Contradiction } from "./contradiction.ts";
import type { Effects, Outgoing, Write, WriteGroup, WriteSeq } from "./effects.ts";
import { assert } from "./errors.ts";
import type { HeartbeatReply, HeartbeatRequest, PaxosMessage } from "./messages.ts";

const NOTHING: readonly never[] = [];

type Mutable<M> = { -readonly [K in keyof M]: M[K] };

/** A message that has not been taken yet: its `message` and `after` may still be changed in place. */
export type Unsent<T, S> = Mutable<Outgoing<T, S>>;

/** What is on disk once a write group is: for the leader's own vote, the durable decided index, and hosts. */
interface GroupMark {
  readonly seq: WriteSeq;
  readonly mark: DurableMark;
}

/** The part of a node's state that is surely on its disk. The accepted index counts the stop-sign. */
export interface DurableMark {
  readonly promise: Ballot;
  readonly acceptedRound: Ballot;
  readonly acceptedIdx: number;
  readonly decidedIdx: number;
}

/**
 * Collects the writes and messages between two `take`s.
 *
 * OUTBOX-1. All writes between two takes form one atomic group; groups are numbered 1, 2, … in order.
 * OUTBOX-2. Sequence Paxos messages leave before heartbeats, each in order of emission.
 * OUTBOX-3. A message may be changed in place only while `generation` is the one it was sent in (S15, deviations.md).
 */
export class Outbox<T, S> {
  readonly #pid: NodeId;
  #writes: Write<T, S>[] = [];
  #openAppend: { readonly fromIdx: number; readonly entries: T[] } | null = null;
  #messages: Unsent<T, S>[] = [];
  #heartbeats: Unsent<T, S>[] = [];
  #rejected: T[] = [];
  #groups: GroupMark[] = [];
  #closedSeq: WriteSeq = 0;
  #persistedSeq: WriteSeq = 0;
  #generation = 0;

  constructor(pid: NodeId) {
    this.#pid = pid;
  }

  get generation(): number {
    return this.#generation;
  }

  get hasWrites(): boolean {
    return this.#writes.length > 0;
  }

  /** Whether `take` has anything to hand over. */
  get isEmpty(): boolean {
    return (
      this.#messages.length === 0 &&
      this.#writes.length === 0 &&
      this.#heartbeats.length === 0 &&
      this.#rejected.length === 0
    );
  }

  get persistedSeq(): WriteSeq {
    return this.#persistedSeq;
  }

  /** The marks of the groups that were taken and are not yet durable. */
  get groups(): readonly GroupMark[] {
    return this.#groups;
  }

  /** Adds to the open group; answers its number. */
  write(write: Write<T, S>): WriteSeq {
    this.#writes.push(write);
    this.#openAppend = null;
    return this.#closedSeq + 1;
  }

  /** An append of one entry at idx: extends the group's last write when it can. */
  writeEntry(idx: number, entry: T): WriteSeq {
    const open = this.#openAppend;
    if (open !== null && open.fromIdx + open.entries.length === idx) {
      open.entries.push(entry);
    } else {
      const append = { kind: "append" as const, fromIdx: idx, entries: [entry] };
      this.#writes.push(append);
      this.#openAppend = append;
    }
    return this.#closedSeq + 1;
  }

  send(to: NodeId, message: PaxosMessage<T, S>, after: WriteSeq): Unsent<T, S> {
    const unsent = { from: this.#pid, to, message, after };
    this.#messages.push(unsent);
    return unsent;
  }

  sendHeartbeat(to: NodeId, message: HeartbeatRequest | HeartbeatReply, after: WriteSeq): void {
    this.#heartbeats.push({ from: this.#pid, to, message, after });
  }

  reject(entries: readonly T[]): void {
    for (const entry of entries) this.#rejected.push(entry);
  }

  /** What was to be sent and has not been taken will not be. */
  silence(): void {
    this.#messages = [];
    this.#heartbeats = [];
  }

  /** Closes the open group, which brings the node to `mark()`, and hands everything over. */
  take(mark: () => DurableMark, contradiction: Contradiction | null): Effects<T, S> {
    this.#generation += 1;
    const messages = this.#messages;
    for (const heartbeat of this.#heartbeats) messages.push(heartbeat);
    let writes: readonly WriteGroup<T, S>[] = NOTHING;
    if (this.#writes.length > 0) {
      this.#closedSeq += 1;
      const seq = this.#closedSeq;
      writes = [{ seq, writes: this.#writes }];
      this.#groups.push({ seq, mark: mark() });
      this.#writes = [];
      this.#openAppend = null;
    }
    const rejected = this.#rejected;
    // Most turns have nothing of most kinds.
    if (messages.length > 0) this.#messages = [];
    if (this.#heartbeats.length > 0) this.#heartbeats = [];
    if (rejected.length > 0) this.#rejected = [];
    return {
      writes,
      messages: messages.length > 0 ? messages : NOTHING,
      rejected: rejected.length > 0 ? rejected : NOTHING,
      contradiction,
    };
  }

  /** The mark of the newest group now durable; null when `seq` tells nothing new. */
  persisted(seq: WriteSeq): DurableMark | null {
    assert(
      seq <= this.#closedSeq,
      `write group ${seq} was never handed out (last: ${this.#closedSeq})`,
    );
    if (seq <= this.#persistedSeq) return null;
    this.#persistedSeq = seq;
    const newer = this.#groups.findIndex((group) => group.seq > seq);
    const done = this.#groups.splice(0, newer < 0 ? this.#groups.length : newer);
    return done.at(-1)?.mark ?? null;
  }
}
