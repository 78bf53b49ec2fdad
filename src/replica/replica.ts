/**
 * One node without its machine: what clients, peers and time do to it, and what it wants done. Synchronous, no I/O.
 *
 * Inputs come in any number within a turn of the event loop; `endTurn` then steps the core once for all of them and
 * tells what to write, send and answer. Owns the core, the key-value state and everything in between.
 *
 * Invariants:
 *   REPLICA-1. appliedIdx <= decidedIdx; entries are applied in order, each once, on top of a snapshot or the empty state.
 *   REPLICA-2. A write is answered only from its application in the log; a linearizable read only at an index that
 *       `ReadIndex` gave.
 *   REPLICA-3. A definite refusal is given only for what this node neither proposed nor relayed.
 *   REPLICA-4. While this node's state differs from another one's and it is not known to be in the right (`Agreement`), it answers
 *       no client from its state: it refuses requests, and is silent about those that it proposed before and applies now.
 *   REPLICA-5. An answer is taken only by the process that asked: it carries the name of the request, and that names the process.
 *   REPLICA-6. A peer's requests end with its session: no answer to an earlier session leaves in a later one.
 */
import type { KvState, UnreadableEntries } from "../store/index.ts";
import { NEWEST_RULES } from "../store/operations/index.ts";
import type { DurableState, NodeId, OmniPaxos, WriteSeq } from "../omnipaxos/index.ts";
import { type ClientFrame, type WatchRequest } from "../protocol/client/index.ts";
import {
  type ReplicaMessage,
  isReplicaAnswer,
  type NodePaxosMessage,
  type SnapshotName,
  type StateHashes,
} from "../protocol/messages/index.ts";
import { isReplicaMessage, type PeerMessage } from "../protocol/peer/index.ts";
import { Admission } from "./trust/admission.ts";
import { Agreement, type Divergence, type Outvoted, type Verdict } from "./trust/agreement.ts";
import { AnswerOutbox } from "./turn/answer-outbox.ts";
import { Applier } from "./writes/applier.ts";
import { applyDecided, type ApplyParts } from "./apply-decided.ts";
import { CatchUp } from "./snapshots/catch-up.ts";
import type { ClientReads } from "./reads/client-reads.ts";
import { ClientWrites, type Refusal } from "./writes/client-writes.ts";
import { ClusterClock } from "./writes/cluster-clock.ts";
import { CompactionSchedule } from "./snapshots/compaction.ts";
import { divergedRefusal } from "./diverged-refusal.ts";
import { OutgoingSnapshots } from "./snapshots/outgoing-snapshots.ts";
import { type Joining, newcomer } from "./trust/joining.ts";
import { lateJoiner, LogFetch } from "./snapshots/log-fetch.ts";
import { Lending } from "./relay/lending.ts";
import { type ArrivedRead, type PendingRead, pendingRead } from "./turn/apply-wait-queue.ts";
import { propose } from "./writes/propose.ts";
import { Relay } from "./relay/relay.ts";
import { RulesOfAll } from "./writes/rules-of-all.ts";
import type { Route } from "./requests/route.ts";
import { replicaCore } from "./replica-core.ts";
import { replicaReads } from "./reads/replica-reads.ts";
import {
  type DueSnapshot,
  NO_EFFECTS,
  type ReplicaOptions,
  type RequestCounters,
  type TurnEffects,
  type WantedPiece,
} from "./turn/replica-options.ts";
import { outgoingMessages } from "./turn/outgoing-messages.ts";
import { RequestMetrics, type Waiting } from "./requests/request-metrics.ts";
import { Settings } from "./writes/settings.ts";
import { Space, type MemoryLevel } from "./writes/space.ts";
import { SnapshotInputs } from "./snapshots/snapshot-inputs.ts";
import { StoredSnapshots } from "./snapshots/stored-snapshots.ts";
import { standingOf, type Standing } from "./writes/standing.ts";
import type { WatchRoute } from "./watches/watch.ts";
import { WatchHub, type WatchStats } from "./watches/watch-hub.ts";
import { DEFAULT_WATCHES } from "./watches/watch-limits.ts";

type ReadsFrame = Extract<ClientFrame, { kind: "reads" }>;

/** Deletions and chunks of the history that was compacted: a fraction of a millisecond. */
const RELEASED_EACH_TICK = 512;

export class Replica {
  readonly settings: Settings;
  readonly snapshots: SnapshotInputs;
  /** Random per process start: names this process in its requests to peers. */
  readonly #bootId: number;
  readonly #requests: RequestCounters = { strayAnswers: 0, endedReads: 0, endedGuests: 0 };
  readonly #core: OmniPaxos<Uint8Array, SnapshotName>;
  readonly #options: ReplicaOptions;
  readonly #applier: Applier;
  readonly #writes: ClientWrites;
  readonly #reads: ClientReads;
  readonly #relay: Relay;
  readonly #lending: Lending;
  readonly #stored = new StoredSnapshots();
  readonly #catchUp: CatchUp;
  readonly #schedule: CompactionSchedule;
  readonly #outgoing: OutgoingSnapshots;
  readonly #served = new RequestMetrics();
  readonly #outbox = new AnswerOutbox(this.#served.refused);
  readonly #admission = new Admission();
  readonly #space: Space;
  readonly #clock: ClusterClock;
  readonly #watches: WatchHub;
  /** Null: this node has its place. */
  #joining: Joining | null;
  readonly #logFetch: LogFetch;
  readonly #agreement: Agreement;
  readonly #rules = new RulesOfAll(
    () => this.#options.core.clusterConfig.nodes.length - 1,
    () => this.#applier.state.rules.met,
  );
  readonly #applyParts: ApplyParts;
  /** Peers with a session: a message to any other peer is lost. */
  readonly #connected = new Set<NodeId>();
  #replicaMessages: { to: NodeId; message: ReplicaMessage }[] = [];
  #wantedPieces: WantedPiece[] = [];
  /** Sessions with each peer so far. */
  readonly #sessions = new Map<NodeId, number>();
  /** End of the log that was found on disk. */
  readonly #recoveredIdx: number;
  #tick = 0;
  #cutOffSinceTick = 0;
  #nextRouteId = 1;

  /**
   * @param recovered what the log on disk holds
   * @param state the key-value state at its snapshot (or the empty one)
   */
  constructor(
    options: ReplicaOptions,
    recovered: DurableState<Uint8Array, SnapshotName> | undefined,
    state: KvState,
  ) {
    this.#options = options;
    this.#bootId = options.core.incarnation;
    this.#core = replicaCore(options.core, recovered, () => this.#applier.state, this.#stored);
    this.#recoveredIdx = this.#core.acceptedIdx;
    const found = recovered?.snapshot?.value ?? null;
    if (found !== null) this.#stored.add(found, state.rounds);
    this.#schedule = new CompactionSchedule(options.compaction, found?.bytes ?? 0);
    this.#outgoing = new OutgoingSnapshots(options.timing.abandonTicks);
    const send = (to: NodeId, message: ReplicaMessage): void => this.#send(to, message);
    const { pid, clusterConfig } = options.core;
    this.#space = new Space(
      pid,
      () => this.#applier.state,
      () => this.#tick,
    );
    this.#applier = new Applier(
      pid,
      this.#bootId,
      state,
      (route) => this.#outbox.markDirty(route),
      (actor) => this.#space.quotaText(actor),
      () => this.#watches.applied(this.#agreement.mayServe),
      this.#served.refused,
    );
    const { nodes } = clusterConfig;
    const peers = nodes.filter((node) => node !== pid);
    this.#writes = new ClientWrites({
      replica: options,
      rules: this.#rules,
      outbox: this.#outbox,
      space: this.#space,
      state: () => this.#applier.state,
      refusal: () => this.#divergedRefusal(),
    });
    this.settings = new Settings(this, this.#writes);
    this.#joining = newcomer(options);
    const core = this.#core;
    this.#clock = new ClusterClock(core, this.#applier, this.#writes, this.#bootId);
    this.#agreement = new Agreement({
      peers,
      life: options.core.incarnation,
      everyTicks: options.timing.agreeTicks,
    });
    this.#agreement.begin(state.appliedIdx, state);
    this.#watches = new WatchHub(options.watches ?? DEFAULT_WATCHES, () => this.#applier.state);
    this.#applyParts = {
      core,
      applier: this.#applier,
      proposals: this.#writes.proposals,
      admission: this.#admission,
      agreement: this.#agreement,
      schedule: this.#schedule,
      served: this.#served,
      watches: this.#watches,
    };
    this.#reads = this.#newReads(peers, send);
    this.#relay = new Relay({
      boot: this.#bootId,
      send,
      answer: (route, frame) => this.#outbox.pass(route, frame),
      nextRouteId: () => this.newRouteId(),
      onSettled: (lent) => this.#lending.settle(lent),
      replica: options,
    });
    this.#lending = new Lending({
      relay: this.#relay,
      writes: this.#writes,
      reads: this.#reads,
      takeReads: (...read) => this.#takeReads(...read),
    });
    this.#catchUp = new CatchUp({
      stored: this.#stored,
      retryTicks: options.timing.retryTicks,
      send,
      core,
    });
    this.#logFetch = new LogFetch({ core, send, catchUp: this.#catchUp });
    this.snapshots = new SnapshotInputs({
      core,
      stored: this.#stored,
      schedule: this.#schedule,
      outgoing: this.#outgoing,
      catchUp: this.#catchUp,
    });
  }

  // ---- inputs: clients -------------------------------------------------------------------------------------------

  newRouteId(): number {
    return this.#nextRouteId++;
  }

  /** @param group checked by the gateway: commands of one session, as the log will hold them */
  onWrites(route: Route, group: Uint8Array, commands: number): void {
    this.#writes.add(route, group, commands);
  }

  /**
   * @param frame checked by the gateway
   * @param decoded what it says; minIdx: a local read waits until this node has applied [0, minIdx)
   */
  onReads(route: Route, frame: Uint8Array, decoded: ReadsFrame): void {
    this.#takeReads({ route, frame, arrivedTick: this.#tick }, decoded);
  }

  #takeReads(arrived: ArrivedRead, decoded: ReadsFrame): void {
    const read = pendingRead(arrived, decoded);
    const refusal = this.#divergedRefusal();
    if (refusal !== null) this.#refuseRead(read, refusal);
    else if (read.local) this.#reads.addLocal(read, decoded.minIdx);
    else this.#reads.add(read);
  }

  /** @returns what the client did that it must not; null: nothing */
  onWatches(route: WatchRoute, requests: readonly WatchRequest[]): string | null {
    return this.#watches.request(route, requests, this.#space.refuseWatch(this.#divergedRefusal()));
  }

  onRouteClosed(route: Route): void {
    this.#watches.forget(route.id);
    this.#lending.forget(route);
    this.#writes.forget(route.id);
    this.#outbox.forget(route);
  }

  // ---- inputs: peers ---------------------------------------------------------------------------------------------

  /** @returns what is wrong with the message, or with a part of it: that was not taken in. Null: nothing */
  onPeerMessage(from: NodeId, message: PeerMessage): string | null {
    if (isReplicaMessage(message)) return this.#onReplicaMessage(from, message);
    if (this.#joining?.mayHear(message) === false || this.#agreement.isApart(from)) return null;
    const { message: admitted, refused } = this.#admission.admit(message, this.#core.promise);
    if (admitted === null || (this.#joining !== null && !this.#logFetch.admit(from, admitted)))
      return refused;
    if (this.#catchUp.admit(from, admitted)) this.#receive(from, admitted);
    return refused;
  }

  #onReplicaMessage(from: NodeId, message: ReplicaMessage): string | null {
    if (isReplicaAnswer(message) && message.boot !== this.#bootId) {
      this.#requests.strayAnswers += 1;
      return null;
    }
    switch (message.type) {
      case "snapshotChunk":
      case "snapshotGone":
        this.#catchUp.receive(from, message);
        return null;
      case "relayRequest":
        return this.#lending.serveGuest(from, message, this.standing(), this.#tick);
      case "relayReturned": {
        const route = this.#relay.returned(from, message.id, message.frame);
        if (route !== undefined) this.#lending.adopt(route, message, this.#tick);
        return null;
      }
      case "relayAnswer":
        return this.#relay.answered(from, message.id, message.frame);
      case "joinRequest": {
        const late = lateJoiner(this.#core, message);
        if (late !== null) this.#receive(from, late);
        return null;
      }
      case "report":
        // The host handles reports: it knows the disks.
        return null;
      case "stateHashes":
        this.#rules.told(from, message.rules);
        this.#agreement.receive(from, message);
        return null;
      case "snapshotRequest":
        this.#outgoing.requested(from, message.snapshot);
        this.#wantedPieces.push({ to: from, snapshot: message.snapshot, offset: message.offset });
        return null;
      default:
        // AGREE-8.
        if (!this.#agreement.isApart(from)) this.#reads.rounds.receive(from, message);
        return null;
    }
  }

  /**
   * A session with a peer began: messages in flight before it may be lost. Where no end came first, a link that lost messages
   * on purpose is whole again: the session is the same one, between the same two processes, and the requests of both go on.
   */
  onSession(peer: NodeId): void {
    this.#connected.add(peer);
    this.#sessions.set(peer, (this.#sessions.get(peer) ?? 0) + 1);
    this.#core.reconnected(peer);
    this.#sendHashes(peer, this.#agreement.announcement(true));
  }

  /**
   * REPLICA-6: the next session may lead to another process, which has asked for nothing yet. Writes of the peer's clients that are
   * under way stay so, as with any client that has gone. The rest that this node keeps for the peer names its content and not the
   * asker: the snapshot that the peer fetches, and the peer's log sync that waits for a snapshot (see CATCHUP-5).
   */
  onSessionEnd(peer: NodeId): void {
    this.#connected.delete(peer);
    this.#joining?.onSessionEnd(peer);
    this.#rules.onSessionEnd(peer);
    this.#requests.endedReads += this.#reads.rounds.sessionEnded(peer);
    for (const route of this.#relay.sessionEnded(peer)) {
      this.#requests.endedGuests += 1;
      this.onRouteClosed(route);
    }
    this.#replicaMessages = this.#replicaMessages.filter(
      ({ to, message }) => to !== peer || !isReplicaAnswer(message),
    );
    this.#wantedPieces = this.#wantedPieces.filter(({ to }) => to !== peer);
  }

  /** Another disk stands behind this peer: what the one before had promised and accepted counts no more. */
  onReplaced(peer: NodeId): void {
    this.#core.replaced(peer);
    this.#reads.rounds.replaced(peer);
    // What the disk before has confirmed is lost with it, also while its session seems to be up.
    this.#joining?.onSessionEnd(peer);
  }

  /** The host has made durable that this node has its place. */
  placeTaken(): void {
    this.#joining = null;
  }

  // ---- inputs: time and disk -------------------------------------------------------------------------------------

  onTick(): void {
    this.#tick += 1;
    // A newcomer takes no part in elections.
    if (this.#joining === null) this.#core.tick();
    else if (this.#tick % this.#options.timing.retryTicks === 0) this.#logFetch.repeat();
    this.#applier.state.releaseHistory(RELEASED_EACH_TICK);
    this.#reads.tick();
    this.#catchUp.tick();
    this.#outgoing.tick();
    this.#writes.tick();
    this.#lending.tick(this.#connected, this.#core.connectedPeers());
    for (const route of this.#relay.idleGuests()) this.onRouteClosed(route);
    this.#reads.expire();
    if (this.#agreement.tick()) this.#announce(false);
    const standing = this.standing();
    if (standing.kind !== "cutOff") this.#cutOffSinceTick = this.#tick;
    const cutOffTicks = this.#tick - this.#cutOffSinceTick;
    this.#watches.tick(cutOffTicks);
    if (standing.kind === "cutOff" && cutOffTicks >= this.#options.timing.relayAfterTicks) {
      this.#relayEverything(standing.heard);
    }
  }

  /** An acknowledgement, of this disk or of another one, often leaves nothing to do: then the host skips the turn. */
  get hasNews(): boolean {
    const { hasEffects, decidedIdx } = this.#core;
    return hasEffects || decidedIdx > this.#applier.appliedIdx || this.#joining !== null;
  }

  /** All write groups up to `seq` are durable. */
  onPersisted(seq: WriteSeq): void {
    this.#core.persisted(seq);
  }

  /** From now on this node refuses writes with this error, before it proposes anything; null lifts it. */
  refuseWrites(refusal: Refusal | null): void {
    this.#writes.hostRefusal = refusal;
  }

  /**
   * How much memory this node has left.
   * @param heapLimitBytes for what clients are told
   */
  onMemory(level: MemoryLevel, heapLimitBytes: number): void {
    this.#space.setLevel(level, heapLimitBytes);
  }

  /** This node refuses every new write at once: the caller need not wait for writes under way. */
  get refusesWrites(): boolean {
    return this.#writes.refusesAll;
  }

  get space(): Pick<Space, "isCritical" | "lack"> {
    return this.#space;
  }

  /** The state that `TurnEffects.load` asked for. The replica drops one that is no newer than its own. */
  install(state: KvState): void {
    if (state.appliedIdx <= this.#applier.appliedIdx) return;
    this.#applier.install(state);
    this.#agreement.begin(state.appliedIdx, state);
    const stored = this.#core.storedSnapshot;
    if (stored?.idx === state.appliedIdx) this.#schedule.installed(stored.value.bytes);
  }

  // ---- the turn --------------------------------------------------------------------------------------------------

  /**
   * Steps the core for everything that came in, applies what is decided, answers what can be answered.
   * @param nowMs of the machine's monotonic clock, now: the leader's moves the cluster's clock
   */
  endTurn(nowMs: number): TurnEffects {
    this.#relay.nowMs = nowMs;
    this.#refuseWaiting();
    const sessionsWith = (peer: NodeId): number => this.#sessions.get(peer) ?? 0;
    this.#clock.propose(nowMs);
    propose(this.#core, this.#writes.proposals, () => this.standing(), sessionsWith, nowMs);
    // JOIN-5. Until then reads wait: this node's own log would count for the index that they are answered at.
    if (this.#joining === null) this.#reads.rounds.flush();
    const effects = this.#core.takeEffects();
    const toApply = applyDecided(this.#applyParts, nowMs);
    if (this.#agreement.takeNews()) this.#announce(true);
    const { verdict } = this.#agreement;
    if (verdict.kind === "outvoted") return this.#lastWords(verdict);
    this.#refuseWaiting();
    const toRead = this.#reads.answerReady();
    const answers = this.#outbox.drain(this.#applier.appliedIdx);
    const toTell = this.#watches.endTurn(this.#applier.appliedIdx);
    const replicaMessages = this.#replicaMessages;
    if (replicaMessages.length > 0) this.#replicaMessages = [];
    const pieces = this.#wantedPieces;
    if (pieces.length > 0) this.#wantedPieces = [];
    const load = this.#toLoad();
    return {
      writes: effects.writes,
      contradiction: effects.contradiction,
      messages: outgoingMessages(effects.messages, this.#gates),
      replicaMessages,
      pieces,
      received: this.#catchUp.takePieces(),
      answers,
      told: this.#watches.takeOutgoing(),
      load,
      snapshot: this.#beginSnapshot(load),
      again: toApply || toRead || toTell,
      claim: this.#joining?.claimDue(this.#core.durable) ?? null,
      mayTakePlace: this.#joining?.mayTakePlace(this.#core.durable) ?? null,
      outvoted: null,
    };
  }

  /** The others must learn what this node's state was; every other message rests on that state, and does not leave. */
  #lastWords(outvoted: Outvoted): TurnEffects {
    const replicaMessages = this.#replicaMessages.filter(
      ({ message }) => message.type === "stateHashes",
    );
    this.#replicaMessages = [];
    return { ...NO_EFFECTS, replicaMessages, outvoted };
  }

  #announce(full: boolean): void {
    if (this.#connected.size === 0) return;
    const hashes = this.#agreement.announcement(full);
    for (const peer of this.#connected) this.#sendHashes(peer, hashes);
  }

  #sendHashes(to: NodeId, hashes: StateHashes): void {
    this.#send(to, { type: "stateHashes", ...hashes, rules: NEWEST_RULES });
  }

  /** REPLICA-4, for requests that came before the difference was known. */
  #refuseWaiting(): void {
    const refusal = this.#divergedRefusal();
    if (refusal === null) return;
    this.#watches.endAll(refusal.code, refusal.reason);
    this.#writes.refuseStaged(refusal);
    for (const read of this.#reads.removeAll()) this.#refuseRead(read, refusal);
  }

  #refuseRead(read: PendingRead, { code, reason }: Refusal): void {
    this.#outbox.refuseRead(read, code, reason);
  }

  /** REPLICA-4. Null: this node may serve. */
  #divergedRefusal(): Refusal | null {
    return divergedRefusal(this.#core.pid, this.#agreement);
  }

  #newReads(
    peers: readonly NodeId[],
    send: (to: NodeId, message: ReplicaMessage) => void,
  ): ClientReads {
    const isHeldUpByDisk = (): boolean => this.#isHeldUpByDisk;
    const isCutOffForLong = (): boolean =>
      this.#tick - this.#cutOffSinceTick > this.#options.timing.waitTicks;
    const held = { isHeldUpByDisk, isCutOffForLong };
    const parts = { outbox: this.#outbox, applier: this.#applier, served: this.#served };
    return replicaReads(this.#core, this.#options, { peers, send, ...held, ...parts });
  }

  get #gates(): Parameters<typeof outgoingMessages>[1] {
    return { joining: this.#joining, catchUp: this.#catchUp, agreement: this.#agreement };
  }

  #send(to: NodeId, message: ReplicaMessage): void {
    if (this.#joining?.maySay(message) === false) return;
    this.#replicaMessages.push({ to, message });
  }

  #receive(from: NodeId, message: NodePaxosMessage): void {
    this.#core.receive({ from, to: this.#core.pid, message });
  }

  /**
   * The snapshot that the core has taken over; the store always has it before the core hears of it. Until it is loaded the
   * replica applies nothing; everything else goes on.
   */
  #toLoad(): SnapshotName | null {
    const stored = this.#core.storedSnapshot;
    return stored !== null && stored.idx > this.#applier.appliedIdx ? stored.value : null;
  }

  /**
   * Begins no snapshot while this node applies the log that it found on disk: during a snapshot every changed cell must be copied
   * first, and the node should serve soon.
   */
  #beginSnapshot(load: SnapshotName | null): DueSnapshot | null {
    if (!this.#schedule.isDue || load !== null || this.#space.isCritical) return null;
    if (this.#applier.appliedIdx < Math.min(this.#recoveredIdx, this.#core.decidedIdx)) return null;
    const { state, appliedIdx } = this.#applier;
    return { idx: appliedIdx, state: this.snapshots.begin(state) };
  }

  /**
   * The disk is full, and a write that would bring this node further waits for it: a promise to the leader, or a snapshot. In
   * step with a leader a node with a full disk goes on for a good while, in memory.
   */
  get #isHeldUpByDisk(): boolean {
    if (this.#catchUp.isStuck) return true;
    return this.#writes.hostRefusal?.code === "DISK_FULL" && this.#core.phase !== "accept";
  }

  /** No leader has reached this node for long: neighbours may be better placed. */
  #relayEverything(heard: readonly NodeId[]): void {
    const peer = this.#relay.pick(heard.filter((node) => this.#connected.has(node)));
    if (peer === undefined) return;
    this.#lending.lend(peer, this.#tick);
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

  /** Entries of the log that every node skips, as none can read them: a faulty node made them. */
  get unreadableEntries(): UnreadableEntries {
    return this.#applier.state.unreadable;
  }

  get served(): Readonly<RequestMetrics> {
    return this.#served;
  }

  /** Peers whose states differ from this node's. */
  get alarms(): readonly Divergence[] {
    return this.#agreement.alarms;
  }

  /** What follows from them. */
  get verdict(): Verdict {
    return this.#agreement.verdict;
  }

  get requests(): Readonly<RequestCounters> {
    return this.#requests;
  }

  get catchUp(): CatchUp["progress"] {
    return this.#catchUp.progress;
  }

  /** This turn has so many answers to write that local reads had better wait for the next one. */
  get answersFull(): boolean {
    return this.#outbox.isFull;
  }

  get watches(): WatchStats {
    return this.#watches.stats;
  }

  get waiting(): Waiting {
    const { bytes, commands } = this.#writes.proposals;
    return { proposalBytes: bytes, commands, reads: this.#reads.count, ...this.#relay.known };
  }

  standing(): Standing {
    return this.#joining === null ? standingOf(this.#core) : { kind: "cutOff", heard: [] };
  }

  /** How far this disk is on its way to the place of a lost one; the host tells it what peers report. Null: it has its place. */
  get joining(): Joining | null {
    return this.#joining;
  }
}
