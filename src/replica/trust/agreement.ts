/**
 * Whether this node's state is that of the others. Nodes tell each other the hashes of their states at some indexes. States
 * that differ at one index show a defect of a program or a machine, and no node may serve clients as if nothing had happened.
 *
 * A state is a function of the log prefix it stands for. So a peer's hash for an index stays true for as long as the peer has
 * the state it spoke of (its `life`): this node forgets nothing when a session ends.
 *
 * Invariants:
 *   AGREE-1. An alarm is raised for a peer only when both nodes said what their state was at one index, and it was not the same.
 *   AGREE-2. A side is in the right only with more than half of all nodes of the cluster, known and unknown ones: so no two
 *       sides can both be, and later reports of other nodes cannot reverse it.
 *   AGREE-3. A node is outvoted when so many peers had one state at an index where it had another one. Nothing changes that.
 *   AGREE-4. A node that has an alarm and does not know that its side is in the right serves no clients.
 *   AGREE-5. An alarm ends only with another life of either node: when its states at, or after, the index of the difference are
 *       known to be the same. Within one life states may come to look alike again (a different value is overwritten):
 *       that heals nothing for those who have read it.
 *   AGREE-6. The memory of a peer's reports is bounded, even if the peer lies.
 *   AGREE-7. Old versions of keys are compared only between states that go back equally far: a state that began with a snapshot
 *       or a backup without them knows less, and is in the right all the same. Of two states that do not go back equally far, and
 *       are alike otherwise, this says nothing.
 *   AGREE-8. Two nodes whose states are known to differ take no part in each other's elections and decisions for as long as both
 *       have those states, even if one is in the right. A node whose data directory was put back from an older copy may have led
 *       twice with one ballot: then logs differ that the protocol takes for parts of one, and it would mend one with the other's
 *       tail.
 */
import type { NodeId } from "../../omnipaxos/index.ts";
import type { StateCheckpoint, StateHashes } from "../../protocol/messages/index.ts";
import { HashHistory, SPACING, type HashedState } from "./hash-history.ts";

/** A peer's state and this node's are not the same. */
export interface Divergence {
  readonly peer: NodeId;
  /** The highest index below `differsIdx` at which the states are known to have been the same; null: none is. */
  readonly agreedIdx: number | null;
  /** The lowest index at which they are known to differ. */
  readonly differsIdx: number;
}

export type Verdict =
  /** No difference is known. */
  | { readonly kind: "agrees" }
  /** The others are known to be the fewer: this node goes on. */
  | { readonly kind: "prevails" }
  /** No node knows which side is right. */
  | { readonly kind: "undecided" }
  /** These peers, a majority, had one state at differsIdx and this node another one. */
  | ({ readonly kind: "outvoted"; readonly by: readonly NodeId[] } & Omit<Divergence, "peer">);

export type Outvoted = Extract<Verdict, { kind: "outvoted" }>;

export interface AgreementOptions {
  /** The nodes of the cluster without this one. */
  readonly peers: readonly NodeId[];
  /** Random per process; 32 bits. */
  readonly life: number;
  /** Ticks from one announcement to the next. */
  readonly everyTicks: number;
}

interface Alarm extends Divergence {
  /** Lives of both nodes when it was last seen that they differ. */
  readonly peerLife: number;
  readonly ownLife: number;
  /** More than half of all nodes had this node's state at that index, or at a later one. Stays. */
  prevails: boolean;
}

interface Peer {
  readonly id: NodeId;
  life: number | null;
  /** Highest index at which its state is known to be ours; null: none. */
  agreedIdx: number | null;
  /** Of indexes that this node has not reached, ascending. */
  ahead: StateCheckpoint[];
  /** Of indexes at which this node had another state, in the order in which that was noticed. */
  differing: StateCheckpoint[];
  alarm: Alarm | null;
}

/** Checkpoints of one kind kept of a peer. */
const KEPT_MAX = 32;
/** Nodes at different places under load have the latest multiple of one of these in common. */
const STEPS = [64, 512, 4096];
/** Exponents of two: how far back a full announcement goes, further with each. */
const BACK_MAX = 20;
/** An announcement names at most so many indexes at which states were found to differ. */
const CONTESTED_MAX = 8;

export class Agreement {
  readonly #history = new HashHistory();
  readonly #peers = new Map<NodeId, Peer>();
  readonly #nodes: number;
  readonly #everyTicks: number;
  #life: number;
  #ticks = 0;
  #isNews = false;
  /** The lowest index that some peer spoke of and this node has not reached. */
  #awaitedIdx = Number.POSITIVE_INFINITY;
  #verdict: Verdict = { kind: "agrees" };
  #alarms: readonly Divergence[] = [];

  constructor({ peers, life, everyTicks }: AgreementOptions) {
    this.#nodes = peers.length + 1;
    this.#life = life;
    this.#everyTicks = everyTicks;
    for (const id of peers) {
      const unheard = { life: null, agreedIdx: null, ahead: [], differing: [], alarm: null };
      this.#peers.set(id, { id, ...unheard });
    }
  }

  get verdict(): Verdict {
    return this.#verdict;
  }

  /** AGREE-4. */
  get mayServe(): boolean {
    return this.#verdict.kind === "agrees" || this.#verdict.kind === "prevails";
  }

  /** By peer. A new array whenever one was raised, changed or ended. */
  get alarms(): readonly Divergence[] {
    return this.#alarms;
  }

  /** AGREE-8. */
  isApart(from: NodeId): boolean {
    if (this.#alarms.length === 0) return false;
    const peer = this.#peers.get(from);
    return peer !== undefined && this.#isOfTheseLives(peer);
  }

  /** The state that this node begins with, on its start or when a snapshot takes the place of its state. */
  begin(idx: number, state: HashedState): void {
    if (this.#history.last >= 0) this.#life = (this.#life + 1) >>> 0;
    this.#history.begin(idx, state);
    for (const peer of this.#peers.values()) {
      peer.agreedIdx = null;
      peer.differing = [];
    }
    this.#compareReached();
  }

  /** One more entry was applied: the state for [0, idx). */
  applied(idx: number, state: HashedState): void {
    this.#history.put(idx, state);
    if (idx >= this.#awaitedIdx) this.#compareReached();
  }

  /** @returns whether it is time to tell the peers */
  tick(): boolean {
    this.#ticks += 1;
    return this.#ticks % this.#everyTicks === 0;
  }

  /** @returns whether a difference was noticed since this was last asked: then all peers are to be told at once */
  takeNews(): boolean {
    const isNews = this.#isNews;
    this.#isNews = false;
    return isNews;
  }

  /**
   * @param full with older states too, closer together the later they are: for a peer that may know nothing, and to narrow down
   *     between which indexes a difference came about
   */
  announcement(full: boolean): StateHashes {
    const { last } = this.#history;
    const indexes = new Set([last, ...STEPS.map((step) => last - (last % step))]);
    for (const idx of this.#contested().slice(0, CONTESTED_MAX)) indexes.add(idx);
    if (full) for (const idx of this.#older()) indexes.add(idx);
    const checkpoints = [...indexes]
      .sort((a, b) => a - b)
      .flatMap((idx) => this.#history.at(idx) ?? []);
    return { life: this.#life, checkpoints };
  }

  receive(from: NodeId, { life, checkpoints }: StateHashes): void {
    const peer = this.#peers.get(from);
    if (peer === undefined) return;
    if (peer.life !== life) {
      peer.life = life;
      peer.agreedIdx = null;
      peer.ahead = [];
      peer.differing = [];
    }
    for (const checkpoint of checkpoints) {
      if (checkpoint.idx > this.#history.last) this.#await(peer, checkpoint);
      else this.#compare(peer, checkpoint);
    }
    this.#judge();
  }

  /** Keeps the earliest, which this node reaches first, and the latest, which says most. */
  #await(peer: Peer, checkpoint: StateCheckpoint): void {
    const rest = peer.ahead.filter(({ idx }) => idx !== checkpoint.idx);
    if (rest.length >= KEPT_MAX) rest.pop();
    peer.ahead = [...rest, checkpoint].sort((a, b) => a.idx - b.idx);
    this.#awaitedIdx = Math.min(this.#awaitedIdx, checkpoint.idx);
  }

  #compareReached(): void {
    const { last } = this.#history;
    this.#awaitedIdx = Number.POSITIVE_INFINITY;
    for (const peer of this.#peers.values()) {
      const { ahead } = peer;
      peer.ahead = ahead.filter(({ idx }) => idx > last);
      for (const checkpoint of ahead) if (checkpoint.idx <= last) this.#compare(peer, checkpoint);
      this.#awaitedIdx = Math.min(this.#awaitedIdx, peer.ahead[0]?.idx ?? this.#awaitedIdx);
    }
    this.#judge();
  }

  #compare(peer: Peer, checkpoint: StateCheckpoint): void {
    const own = this.#history.at(checkpoint.idx);
    if (own === undefined) return;
    const isSame = areSame(own, checkpoint);
    if (isSame === true) this.#agreed(peer, checkpoint.idx);
    else if (isSame === false) this.#differed(peer, checkpoint);
  }

  #agreed(peer: Peer, idx: number): void {
    peer.agreedIdx = Math.max(peer.agreedIdx ?? idx, idx);
    const { alarm } = peer;
    if (alarm === null) return;
    const isPast = !this.#isOfTheseLives(peer);
    if (idx >= alarm.differsIdx) {
      if (isPast) peer.alarm = null;
    } else if (!isPast && idx > (alarm.agreedIdx ?? -1)) {
      peer.alarm = { ...alarm, agreedIdx: idx };
    }
  }

  #differed(peer: Peer, checkpoint: StateCheckpoint): void {
    const { idx } = checkpoint;
    const { alarm } = peer;
    // The lowest stays, with the latest: both nodes go on announcing it to all peers.
    const known = peer.differing.filter((each) => each.idx !== idx);
    if (known.length >= KEPT_MAX) known.splice(known[0]?.idx === alarm?.differsIdx ? 1 : 0, 1);
    peer.differing = [...known, checkpoint];
    const isSameLives = this.#isOfTheseLives(peer);
    if (alarm !== null && isSameLives && idx >= alarm.differsIdx) return;
    const agreed = alarm !== null && isSameLives ? alarm.agreedIdx : peer.agreedIdx;
    peer.alarm = {
      peer: peer.id,
      agreedIdx: agreed !== null && agreed < idx ? agreed : null,
      differsIdx: idx,
      peerLife: peer.life ?? 0,
      ownLife: this.#life,
      prevails: alarm?.prevails ?? false,
    };
    if (!isSameLives) this.#isNews = true;
  }

  /** There is an alarm, and both nodes still have the states that it is about. */
  #isOfTheseLives({ alarm, life }: Peer): boolean {
    return alarm !== null && alarm.peerLife === life && alarm.ownLife === this.#life;
  }

  #older(): readonly number[] {
    const { last } = this.#history;
    return Array.from({ length: BACK_MAX + 1 }, (_, exponent) => {
      const idx = last - 2 ** exponent;
      return this.#history.has(idx) ? idx : idx - (idx % SPACING);
    });
  }

  /** Where this node and a peer differ: the lowest index of each, then the latest. */
  #contested(): readonly number[] {
    const alarmed = [...this.#peers.values()].filter(({ alarm }) => alarm !== null);
    const lowest = alarmed.map(({ alarm }) => alarm?.differsIdx ?? 0);
    return [...lowest, ...alarmed.flatMap(({ differing }) => differing.at(-1)?.idx ?? [])];
  }

  #judge(): void {
    const alarms: Alarm[] = [];
    for (const { alarm } of this.#peers.values()) if (alarm !== null) alarms.push(alarm);
    if (alarms.length > 0 || this.#alarms.length > 0) this.#decide(alarms);
  }

  #decide(alarms: readonly Alarm[]): void {
    for (const alarm of alarms) alarm.prevails ||= this.#isMajority(1 + this.#withUs(alarm));
    const isChanged =
      alarms.length !== this.#alarms.length || alarms.some((each, i) => each !== this.#alarms[i]);
    if (isChanged) this.#alarms = alarms;
    if (this.#verdict.kind === "outvoted") return;
    const outvoted = this.#outvoted();
    if (outvoted !== null) this.#verdict = outvoted;
    else if (alarms.length === 0) this.#verdict = { kind: "agrees" };
    else this.#verdict = { kind: alarms.every((each) => each.prevails) ? "prevails" : "undecided" };
  }

  #isMajority(nodes: number): boolean {
    return 2 * nodes > this.#nodes;
  }

  /** Peers that had our state where the other one had its own already. */
  #withUs({ differsIdx }: Alarm): number {
    let count = 0;
    for (const { alarm, agreedIdx } of this.#peers.values()) {
      if (alarm === null && agreedIdx !== null && agreedIdx >= differsIdx) count += 1;
    }
    return count;
  }

  #outvoted(): Outvoted | null {
    for (const { differing } of this.#peers.values()) {
      for (const claim of differing) {
        const by: NodeId[] = [];
        for (const { id, differing: others } of this.#peers.values()) {
          if (others.some((other) => other.idx === claim.idx && areSame(other, claim) === true))
            by.push(id);
        }
        if (this.#isMajority(by.length)) return this.#outvotedBy(by);
      }
    }
    return null;
  }

  #outvotedBy(by: readonly NodeId[]): Outvoted {
    const alarms = by.flatMap((id) => this.#peers.get(id)?.alarm ?? []);
    const differsIdx = Math.min(...alarms.map((alarm) => alarm.differsIdx));
    const agreed = alarms.flatMap(({ agreedIdx }) =>
      agreedIdx !== null && agreedIdx < differsIdx ? [agreedIdx] : [],
    );
    const agreedIdx = agreed.length === 0 ? null : Math.max(...agreed);
    return { kind: "outvoted", by, agreedIdx, differsIdx };
  }
}

/** Null: unknown (AGREE-7). A peer that says nothing of its versions counts as having the same ones. */
function areSame(a: StateCheckpoint, b: StateCheckpoint): boolean | null {
  if (a.content !== b.content || a.history !== b.history) return false;
  if (a.kept === null || b.kept === null) return true;
  return a.kept.oldest === b.kept.oldest ? a.kept.hash === b.kept.hash : null;
}
