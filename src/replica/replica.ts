/**
 * One node without its machine: what clients, peers and time do to it, and what it wants done. Synchronous, no I/O.
 *
 * Inputs come in any number within a turn of the event loop; `endTurn` then steps the core once for all of them and
 * tells what to write, send and answer. Owns the core, the key-value state and everything in between.
 *
 * Invariants:
 *   N1. appliedIdx <= decidedIdx; entries are applied in order, each once, on top of a snapshot or the empty state.
 *   N2. A write is answered only from its application in the log; a linearizable read only at an index that `Reads` gave.
 *   N3. A definite refusal is given only for what this node neither proposed nor relayed.
 */
import { assert } from "../base/assert.ts";
import { KvError, type ErrorCode } from "../base/errors.ts";
import {
  GroupWriter,
  NO_SESSION,
  type FrozenState,
  type KvState,
  type UnreadableEntries,
} from "../kv/index.ts";
import {
  OmniPaxos,
  quorumOf,
  type CompleteSnapshot,
  type DurableState,
  type Effects,
  type NodeId,
  type OmniPaxosConfig,
  type WriteSeq,
} from "../omnipaxos/index.ts";
import { AnswerWriter, decodeClientFrame, type ClientFrame } from "../wire/client.ts";
import type { HostMessage, RelayedFrame, SnapshotName } from "../wire/host-message.ts";
import type { NodePaxosMessage } from "../wire/paxos-codec.ts";
import { isHostMessage, type PeerMessage } from "../wire/peer.ts";
import { Admission } from "./admission.ts";
import { AnswerDesk } from "./answer-desk.ts";
import { Applier } from "./applier.ts";
import { CatchUp, type SnapshotSink } from "./catch-up.ts";
import { CompactionSchedule, type CompactionPolicy } from "./compaction.ts";
import { Fetches } from "./fetches.ts";
import { Openings } from "./openings.ts";
import { PendingReads, type PendingRead } from "./pending-reads.ts";
import { Proposals, type Batch } from "./proposals.ts";
import { Reads } from "./reads.ts";
import { Relay } from "./relay.ts";
import type { Route } from "./route.ts";
import { Served } from "./served.ts";
import { Space, type MemoryLevel } from "./space.ts";
import { standingOf, type Standing } from "./standing.ts";

type ReadsFrame = Extract<ClientFrame, { kind: "reads" }>;

/** In ticks. */
export interface ReplicaTiming {
  /** A request that can be neither proposed, confirmed nor relayed for so long is refused: NO_QUORUM. */
  readonly waitTicks: number;
  /** What may have been lost on the way is tried again after so long. */
  readonly retryTicks: number;
  /** Cut off for so long, a node asks its neighbours to serve its clients. */
  readonly relayAfterTicks: number;
  /** A proposal that is not applied after so long is given up. */
  readonly abandonTicks: number;
}

export interface ReplicaOptions {
  readonly core: OmniPaxosConfig<Uint8Array, SnapshotName>;
  readonly timing: ReplicaTiming;
  readonly compaction: CompactionPolicy;
  /** Bytes of client writes that may wait or be under way before more are refused: OVERLOADED. */
  readonly proposalBytesMax: number;
  /** Commands in them, likewise. */
  readonly proposalCommandsMax: number;
  /** Keys asked for that may wait before more reads are refused: OVERLOADED. */
  readonly readsMax: number;
}

export interface TurnEffects extends Effects<Uint8Array, SnapshotName> {
  readonly hostMessages: readonly { readonly to: NodeId; readonly message: HostMessage }[];
  /**
   * The entries to be applied next are gone: the host is to make a state of this snapshot, which is in its store, in its
   * own time, and give it to `install`. Null: none is needed (any more). The same is named until it is installed.
   */
  readonly load: SnapshotName | null;
  /** There is more to do than one turn takes: another turn is wanted at once. */
  readonly again: boolean;
}

/** Bytes of entries applied in one turn (or one entry): some ten milliseconds, so that heartbeats are never held back. */
const APPLY_BYTES_PER_TURN = 512 * 1024;
const READ_ROUNDS_MAX = 2;
/**
 * A proposal is repeated after so many retry times only: a lost one is noticed by the session that lost it, and repeating
 * what is merely slow makes a busy cluster slower.
 */
const PROPOSAL_RETRIES = 5;
/**
 * Each batch costs every node a write, a sync and some frames, whatever is in it; so what comes in while three are under way
 * shares the next one. Three: with two, one being sent and one being written, 1024 clients at once lost a sixth.
 */
const BATCHES_UNDER_WAY_MAX = 3;
const BATCH_UNDER_WAY_TICKS = 3;
const BYTES_UNDER_WAY_MAX = 2 * 1024 * 1024;
/** Of a batch: beyond it nothing is gained by putting more together. */
const ENTRY_BYTES = 1024 * 1024;

export class Replica {
  readonly #core: OmniPaxos<Uint8Array, SnapshotName>;
  readonly #options: ReplicaOptions;
  readonly #applier: Applier;
  readonly #proposals: Proposals<Route>;
  readonly #reads: Reads<PendingRead>;
  readonly #pendingReads = new PendingReads();
  readonly #relay: Relay;
  readonly #catchUp: CatchUp;
  readonly #schedule: CompactionSchedule;
  readonly #fetches: Fetches;
  readonly #served = new Served();
  readonly #desk = new AnswerDesk();
  readonly #admission = new Admission();
  readonly #openings = new Openings();
  readonly #space: Space;
  /** Peers with a session: what is sent to others is lost. */
  readonly #connected = new Set<NodeId>();
  #hostMessages: { to: NodeId; message: HostMessage }[] = [];
  /** Sessions with each peer so far. */
  readonly #sessions = new Map<NodeId, number>();
  /** End of the log that was found on disk. */
  readonly #recoveredIdx: number;
  #tick = 0;
  #cutOffSinceTick = 0;
  #nextRouteId = 1;
  /** Disk full and the like: writes are refused with this until it is lifted. */
  #refuseWrites: { readonly code: ErrorCode; readonly reason: string } | null = null;

  /**
   * @param recovered what the log on disk holds
   * @param state the key-value state at its snapshot (or the empty one)
   */
  constructor(
    options: ReplicaOptions,
    recovered: DurableState<Uint8Array, SnapshotName> | undefined,
    state: KvState,
    sink: SnapshotSink,
    onSnapshotError: (snapshot: SnapshotName, error: Error) => void,
  ) {
    this.#options = options;
    this.#core = new OmniPaxos(options.core, recovered);
    this.#recoveredIdx = this.#core.acceptedIdx;
    const stateBytes = recovered?.snapshot?.value.bytes ?? 0;
    this.#schedule = new CompactionSchedule(options.compaction, stateBytes);
    this.#fetches = new Fetches(options.timing.abandonTicks);
    const send = (to: NodeId, message: HostMessage): void => this.#send(to, message);
    this.#space = new Space(
      options.core.pid,
      () => this.#applier.state,
      () => this.#tick,
    );
    this.#applier = new Applier(
      options.core.pid,
      options.core.incarnation,
      state,
      (route) => this.#desk.touched(route),
      () => this.#space.quotaText(),
    );
    this.#proposals = new Proposals(
      {
        bytesMax: options.proposalBytesMax,
        commandsMax: options.proposalCommandsMax,
        waitTicks: options.timing.waitTicks,
        retryTicks: options.timing.retryTicks * PROPOSAL_RETRIES,
        abandonTicks: options.timing.abandonTicks,
        underWayMax: BATCHES_UNDER_WAY_MAX,
        underWayTicks: BATCH_UNDER_WAY_TICKS,
        underWayBytesMax: BYTES_UNDER_WAY_MAX,
        entryBytes: ENTRY_BYTES,
      },
      (batch, groups) => this.#applier.buildEntry(batch, groups),
    );
    const quorum = quorumOf(options.core.clusterConfig);
    const { pid } = options.core;
    const core = this.#core;
    this.#reads = new Reads(
      {
        pid,
        peers: options.core.clusterConfig.nodes.filter((node) => node !== pid),
        writeQuorum: quorum.write,
        get promise() {
          return core.promise;
        },
        get decidedIdx() {
          return core.decidedIdx;
        },
        get acceptedIdx() {
          return core.acceptedIdx;
        },
        get isAcceptingLeader() {
          return core.adoptedIdx !== null && core.stopSign === null;
        },
        get adoptedIdx() {
          return core.adoptedIdx ?? 0;
        },
      },
      { roundsMax: READ_ROUNDS_MAX, retryTicks: options.timing.retryTicks },
      send,
      (idx, reads) => this.#pendingReads.add(idx, reads, this.#tick),
    );
    this.#relay = new Relay(
      send,
      () => new AnswerWriter(),
      () => this.newRouteId(),
    );
    this.#catchUp = new CatchUp({
      sink,
      retryTicks: options.timing.retryTicks,
      send,
      deliver: ({ from, message }) => core.receive({ from, to: pid, message }),
      onError: onSnapshotError,
    });
  }

  // ---- inputs: clients -------------------------------------------------------------------------------------------

  newRouteId(): number {
    return this.#nextRouteId++;
  }

  /** @param group checked by the gateway: commands of one session, as the log will hold them */
  onWrites(route: Route, group: Uint8Array, commands: number): void {
    const refusal = this.#refuseWrites ?? this.#openings.refuse(route.id, group, this.#tick);
    if (refusal !== null) {
      this.#desk.refuseGroup(route, group, false, refusal.code, refusal.reason);
      return;
    }
    const split = this.#space.split(group);
    if (split === null) return this.#stage(route, group, commands);
    this.#desk.touched(route);
    route.answers.refuseRuns(split.session, split.taken, "NO_SPACE", this.#space.memoryText());
    if (split.group !== null) this.#stage(route, split.group, split.commands);
  }

  #stage(route: Route, group: Uint8Array, commands: number): void {
    if (this.#proposals.stage(route, group, commands)) return;
    const text = "too many writes are under way at this node";
    this.#desk.refuseGroup(route, group, false, "OVERLOADED", text);
  }

  /**
   * @param frame checked by the gateway
   * @param decoded what it says; minIdx: a local read waits until this node has applied [0, minIdx)
   */
  onReads(route: Route, frame: Uint8Array, decoded: ReadsFrame): void {
    const { local, minIdx, count } = decoded;
    const read: PendingRead = { route, frame, local, arrivedTick: this.#tick, count };
    if (local) this.#readLocally(read, minIdx);
    else this.#read(read);
  }

  onRouteClosed(route: Route): void {
    this.#relay.forget(route.id);
    this.#openings.forget(route.id);
    this.#desk.forget(route);
  }

  // ---- inputs: peers ---------------------------------------------------------------------------------------------

  /** @returns what is wrong with the message, or with a part of it: that was not taken in. Null: nothing */
  onPeerMessage(from: NodeId, message: PeerMessage): string | null {
    if (isHostMessage(message)) {
      this.#onHostMessage(from, message);
      return null;
    }
    const { message: admitted, refused } = this.#admission.admit(message, this.#core.promise);
    if (admitted !== null && this.#catchUp.admit(from, admitted)) this.#receive(from, admitted);
    return refused;
  }

  #onHostMessage(from: NodeId, message: HostMessage): void {
    switch (message.type) {
      case "snapshotChunk":
      case "snapshotGone":
        this.#catchUp.receive(from, message);
        return;
      case "relayRequest":
        if (this.standing().kind === "cutOff")
          this.#send(from, { ...message, type: "relayReturned" });
        else this.#takeIn(this.#relay.guest(from, message.id), message);
        return;
      case "relayReturned": {
        const route = this.#relay.returned(from, message.id);
        if (route !== undefined) this.#takeIn(route, message);
        return;
      }
      case "relayAnswer":
        this.#relay.answered(message.id, message.frame);
        return;
      case "snapshotRequest":
        // Served by the host, which has the files.
        this.#fetches.asked(from, message.snapshot);
        return;
      default:
        this.#reads.receive(from, message);
    }
  }

  /** A session with a peer began: what was in flight before it may be lost. */
  onSession(peer: NodeId): void {
    this.#connected.add(peer);
    this.#sessions.set(peer, (this.#sessions.get(peer) ?? 0) + 1);
    this.#core.reconnected(peer);
  }

  onSessionEnd(peer: NodeId): void {
    this.#connected.delete(peer);
    for (const route of this.#relay.forgetGuestsOf(peer)) this.onRouteClosed(route);
  }

  // ---- inputs: time and disk -------------------------------------------------------------------------------------

  onTick(): void {
    this.#tick += 1;
    this.#core.tick();
    this.#reads.tick();
    this.#catchUp.tick();
    this.#fetches.tick();
    for (const { route, group, maybeProposed } of this.#proposals.tick()) {
      this.#desk.refuseGroup(route, group, maybeProposed, "NO_QUORUM", NO_QUORUM_TEXT);
    }
    this.#expireReads();
    const standing = this.standing();
    if (standing.kind !== "cutOff") this.#cutOffSinceTick = this.#tick;
    else if (this.#tick - this.#cutOffSinceTick >= this.#options.timing.relayAfterTicks) {
      this.#relayEverything(standing.heard);
    }
  }

  /** All write groups up to `seq` are durable. */
  onPersisted(seq: WriteSeq): void {
    this.#core.persisted(seq);
  }

  /** From now on writes are refused with this error, before anything is proposed; null lifts it. */
  refuseWrites(refusal: { readonly code: ErrorCode; readonly reason: string } | null): void {
    this.#refuseWrites = refusal;
  }

  /**
   * Proposes what the state of all nodes may take.
   * @throws KvError NO_QUORUM when there is nobody to propose it to now, or what writes are refused with
   */
  setQuota(bytes: number): void {
    const refusal = this.#refuseWrites;
    if (refusal !== null) throw new KvError(refusal.code, refusal.reason);
    if (this.standing().kind === "cutOff") throw new KvError("NO_QUORUM", NO_QUORUM_TEXT);
    const writer = new GroupWriter();
    writer.setQuota(0, bytes);
    // Many writes may be waiting: management is not turned away for them.
    this.#proposals.takeIn(nobody(this.newRouteId()), writer.take(NO_SESSION, 0), 1, 0, false);
  }

  /**
   * How this node is off for memory.
   * @param heapLimitBytes for what clients are told
   */
  onMemory(level: MemoryLevel, heapLimitBytes: number): void {
    this.#space.setLevel(level, heapLimitBytes);
  }

  /** Nothing that takes memory is to be begun, or gone on with if it can be done later. */
  get memoryIsCritical(): boolean {
    return this.#space.level === "critical";
  }

  /** What `TurnEffects.load` asked for. A state that is no news is dropped. */
  install(state: KvState): void {
    if (state.appliedIdx <= this.#applier.appliedIdx) return;
    this.#applier.install(state);
    const stored = this.#core.storedSnapshot;
    if (stored?.idx === state.appliedIdx) this.#schedule.installed(stored.value.bytes);
  }

  /**
   * The state to write as a snapshot, when one is due: a copy that stays as it is. None while what was found on disk is
   * being applied: from then on every cell changed has to be copied first, and the node is to serve soon.
   */
  beginSnapshot(): { readonly idx: number; readonly state: FrozenState } | null {
    if (!this.#schedule.isDue || this.#toLoad() !== null || this.memoryIsCritical) return null;
    if (this.#applier.appliedIdx < Math.min(this.#recoveredIdx, this.#core.decidedIdx)) return null;
    this.#schedule.begin();
    return { idx: this.#applier.appliedIdx, state: this.#applier.state.clone() };
  }

  /** Whether the snapshot begun, of which so much is written, is to go on without a pause. */
  snapshotIsLate(writtenBytes: number): boolean {
    return this.#schedule.isLate(writtenBytes);
  }

  /** The snapshot begun is durable (or, null, failed): the log below it may go. */
  endSnapshot(snapshot: SnapshotName | null): void {
    this.#schedule.end(snapshot?.bytes ?? null);
    if (snapshot === null) return;
    const core = this.#core;
    if (snapshot.idx <= (core.storedSnapshot?.idx ?? 0)) return;
    const cut = this.#schedule.cut(
      snapshot.idx,
      core.compactedIdx,
      this.#fetches.lowestIdx,
      (idx) => core.entryAt(idx)?.length ?? 0,
    );
    const complete: CompleteSnapshot<SnapshotName> = {
      kind: "complete",
      idx: snapshot.idx,
      value: snapshot,
    };
    const result = core.compact(cut, complete);
    assert(result.ok, `compaction to ${cut} with a snapshot at ${snapshot.idx} was refused`);
  }

  // ---- the turn --------------------------------------------------------------------------------------------------

  /**
   * Steps the core for everything that came in, applies what is decided, answers what can be answered.
   * @param nowMs for statistics only
   */
  endTurn(nowMs: number): TurnEffects {
    this.#propose(nowMs);
    this.#reads.flush();
    const effects = this.#core.takeEffects();
    const again = this.#apply(nowMs);
    this.#pendingReads.takeReady(this.#applier.appliedIdx, (read) => this.#answerRead(read));
    this.#desk.drain(this.#applier.appliedIdx);
    const hostMessages = this.#hostMessages;
    if (hostMessages.length > 0) this.#hostMessages = [];
    const { writes, rejected } = effects;
    const messages = this.#unanswered(effects.messages);
    return { writes, messages, rejected, hostMessages, load: this.#toLoad(), again };
  }

  #propose(nowMs: number): void {
    if (this.#proposals.isEmpty) return this.#proposals.endTurn(nowMs);
    const standing = this.standing();
    if (standing.kind === "cutOff") return this.#proposals.endTurn(nowMs);
    const { promise } = this.#core;
    const follows = standing.kind === "following";
    // A session that ended may have lost what was on its way to the leader; a leader's own proposals cannot get lost.
    const way = follows ? (this.#sessions.get(standing.leader) ?? 0) : 0;
    const leadership = `${promise.n}.${promise.priority}.${promise.pid}/${way}`;
    for (const batch of this.#proposals.take(nowMs, leadership, follows)) {
      const result = this.#core.append(batch.entry);
      assert(result.ok, "this configuration is never sealed while clients are served");
    }
    this.#proposals.endTurn(nowMs);
  }

  #unanswered(messages: TurnEffects["messages"]): TurnEffects["messages"] {
    if (this.#catchUp.progress === null) return messages;
    return messages.filter(({ to, message }) => !this.#catchUp.isAnswered(to, message));
  }

  #send(to: NodeId, message: HostMessage): void {
    this.#hostMessages.push({ to, message });
  }

  #receive(from: NodeId, message: NodePaxosMessage): void {
    this.#core.receive({ from, to: this.#core.pid, message });
  }

  /** @returns whether another turn is wanted: more is decided than was applied, or a batch made room for the next one */
  #apply(nowMs: number): boolean {
    const core = this.#core;
    let bytes = 0;
    let hasRoom = false;
    while (this.#applier.appliedIdx < core.decidedIdx) {
      if (bytes >= APPLY_BYTES_PER_TURN) return true;
      const entry = core.entryAt(this.#applier.appliedIdx);
      // Gone, and a snapshot in their place (`#toLoad`), or the stop-sign.
      if (entry === undefined) return false;
      bytes += entry.length;
      this.#schedule.applied(entry.length);
      const batch = this.#ownBatch(entry);
      const isChecked = batch !== undefined || this.#admission.wasChecked(entry);
      this.#served.commandsApplied += this.#applier.apply(entry, batch, isChecked);
      if (batch === undefined) continue;
      hasRoom = true;
      this.#served.answered(nowMs - batch.sinceMs, batch.groups.length);
    }
    return hasRoom && this.#proposals.hasStaged;
  }

  /** The batch that this entry is, taken out. One that only says so, because a faulty peer made it, is like any other entry. */
  #ownBatch(entry: Uint8Array): Batch<Route> | undefined {
    const number = this.#applier.ownBatch(entry);
    if (number === null) return undefined;
    const own = this.#proposals.entryOf(number);
    if (own === undefined || Buffer.compare(own, entry) !== 0) return undefined;
    return this.#proposals.applied(number);
  }

  /**
   * The core has taken over a snapshot, which is in the store before the core hears of it, whichever message made it take
   * effect. Until it is loaded nothing is applied; everything else goes on.
   */
  #toLoad(): SnapshotName | null {
    const stored = this.#core.storedSnapshot;
    return stored !== null && stored.idx > this.#applier.appliedIdx ? stored.value : null;
  }

  #read(read: PendingRead): void {
    if (this.#hasRoomForRead(read)) this.#reads.add(read);
  }

  #readLocally(read: PendingRead, minIdx: number): void {
    if (minIdx <= this.#applier.appliedIdx) this.#answerRead(read);
    else if (this.#hasRoomForRead(read)) this.#pendingReads.add(minIdx, [read], this.#tick);
  }

  #hasRoomForRead(read: PendingRead): boolean {
    const waiting = this.#reads.waitingCount + this.#pendingReads.count;
    if (waiting === 0 || waiting + read.count <= this.#options.readsMax) return true;
    this.#desk.refuseRead(read, "OVERLOADED", "too many reads are waiting at this node");
    return false;
  }

  /** A frame that has been at another node. */
  #takeIn(route: Route, { frame, ageTicks, maybeProposed }: RelayedFrame): void {
    const decoded = decodeClientFrame(frame);
    const { count } = decoded;
    const refusal = this.#refuseWrites;
    if (decoded.kind === "writes" && refusal !== null) {
      const { code, reason } = refusal;
      this.#desk.refuseGroup(route, decoded.group, maybeProposed, code, reason);
    } else if (decoded.kind === "writes") {
      this.#proposals.takeIn(route, decoded.group, count, ageTicks, maybeProposed);
    } else {
      this.#read({ route, frame, local: false, arrivedTick: this.#tick - ageTicks, count });
    }
  }

  /** Cut off for good: neighbours may be better placed. What is relayed is gone from here (N3: never refused after). */
  #relayEverything(heard: readonly NodeId[]): void {
    const peer = this.#relay.pick(heard.filter((node) => this.#connected.has(node)));
    if (peer === undefined) return;
    const mayRelay = (read: PendingRead): boolean => !read.local && !read.route.relayed;
    this.#relay.passWrites(
      peer,
      this.#proposals.takeAll(({ route }) => !route.relayed),
      (staged) => this.#proposals.ageTicks(staged),
    );
    this.#relay.passReads(
      peer,
      [...this.#reads.remove(mayRelay), ...this.#pendingReads.remove(mayRelay)],
      this.#tick,
    );
  }

  #expireReads(): void {
    const { waitTicks, retryTicks } = this.#options.timing;
    const tooOld = (read: PendingRead): boolean => this.#tick - read.arrivedTick > waitTicks;
    for (const read of [...this.#reads.remove(tooOld), ...this.#pendingReads.remove(tooOld)]) {
      this.#desk.refuseRead(read, "NO_QUORUM", read.local ? BEHIND_TEXT : NO_QUORUM_TEXT);
    }
    // An index learnt from an undecided tail may never be reached: after a while ask again.
    const stuck = (read: PendingRead, since: number): boolean =>
      !read.local && this.#tick - since > retryTicks;
    for (const read of this.#pendingReads.remove(stuck)) this.#reads.add(read);
  }

  #answerRead(read: PendingRead): void {
    this.#served.reads += this.#desk.answerRead(read, this.#applier.state);
  }

  // ---- what can be seen ------------------------------------------------------------------------------------------

  get core(): OmniPaxos<Uint8Array, SnapshotName> {
    return this.#core;
  }

  get state(): KvState {
    return this.#applier.state;
  }

  get appliedIdx(): number {
    return this.#applier.appliedIdx;
  }

  /** Entries of the log that every node passes over, as they cannot be read: a faulty node made them. */
  get unreadableEntries(): UnreadableEntries {
    return this.#applier.state.unreadable;
  }

  get served(): Readonly<Served> {
    return this.#served;
  }

  /** Whose files must stay. */
  get fetchedSnapshots(): readonly SnapshotName[] {
    return this.#fetches.snapshots;
  }

  get catchUp(): CatchUp["progress"] {
    return this.#catchUp.progress;
  }

  get waiting(): { readonly proposalBytes: number; readonly reads: number } {
    return {
      proposalBytes: this.#proposals.bytes,
      reads: this.#reads.waitingCount + this.#pendingReads.count,
    };
  }

  standing(): Standing {
    return standingOf(this.#core);
  }
}

/** For what is proposed and nobody waits for. */
function nobody(id: number): Route {
  const answers = new AnswerWriter();
  return { id, relayed: true, answers, isOpen: () => false, deliver: () => {} };
}

const NO_QUORUM_TEXT = "this node reaches no leader with a quorum; nothing was changed";
const BEHIND_TEXT =
  "this node is behind what this client has seen elsewhere, and hears of nothing newer";
