import { compareBallots } from "./ballot.ts";
import type { Ballot, NodeId } from "./ballot.ts";
import { BallotLeaderElection } from "./ballot-leader-election.ts";
import type { PeerView } from "./ballot-leader-election.ts";
import { resolveConfig, validateClusterConfig } from "./config.ts";
import type { OmniPaxosConfig, ResolvedConfig } from "./config.ts";
import type { Contradiction } from "./contradiction.ts";
import type { DurableState, Effects, WriteSeq } from "./effects.ts";
import { assert, ConfigError, failure, OK, unreachable } from "./errors.ts";
import type {
  CompactionResult,
  HandOverResult,
  ProposeResult,
  ReconfigureResult,
  Result,
} from "./errors.ts";
import { heirsOf, mayTakeOver } from "./hand-over.ts";
import type { Input } from "./inputs.ts";
import { LogicalClock } from "./logical-clock.ts";
import { memoryOf } from "./memory.ts";
import type { ClusterConfig, CompleteSnapshot, Envelope, StopSign } from "./messages.ts";
import { Outbox } from "./outbox.ts";
import type { DurableMark } from "./outbox.ts";
import { readRange } from "./reads.ts";
import type { LogRead } from "./reads.ts";
import { compact, snapshot, trim } from "./sequence-paxos/compaction.ts";
import { reconnect } from "./sequence-paxos/follower.ts";
import { handleLeader, handleOwnVote } from "./sequence-paxos/leader.ts";
import { propose, proposeStopSign } from "./sequence-paxos/proposals.ts";
import {
  flushTimeout,
  handleMessage,
  recover,
  resendTimeout,
} from "./sequence-paxos/sequence-paxos.ts";
import { PaxosState } from "./sequence-paxos/state.ts";
import type { PaxosCounters, Phase, Role } from "./sequence-paxos/state.ts";
import { StrandedPeers } from "./stranded-peers.ts";
import { Store } from "./store.ts";

/** Who leads, as far as this node knows: a hint for routing, not a proof. `phaseIsAccept` is this node's own phase. */
export interface LeaderView {
  readonly pid: NodeId;
  readonly phaseIsAccept: boolean;
}

/** A picture of the node for tests, status pages and the comparison of runs. */
export interface NodeState {
  readonly pid: NodeId;
  readonly role: Role;
  readonly phase: Phase;
  readonly promise: Ballot;
  readonly acceptedRound: Ballot;
  readonly ownBallot: Ballot;
  readonly bleLeader: Ballot;
  readonly happy: boolean;
  readonly heartbeatRound: number;
  readonly decidedIdx: number;
  readonly acceptedIdx: number;
  readonly compactedIdx: number;
  readonly durableDecidedIdx: number;
  readonly seq: { readonly session: number; readonly counter: number };
  readonly buffered: number;
  readonly stopSign: StopSign | null;
  readonly reconfigured: boolean;
}

/**
 * One node of one configuration: a pure state machine. Inputs go in by `step` or by the methods of the same names;
 * `takeEffects` hands out what they ask of the host. No clock, no dice, no I/O; the same inputs give the same effects.
 *
 * The host's part (host.md has the whole contract):
 * DISK-8. It stages write groups in order, makes each durable as a whole, and says so with `persisted(seq)`; a message
 *     leaves when `persisted` has covered its `after`, in order among the messages to the same peer.
 * DISK-9. After a crash it hands back the sum of a prefix of the groups that covers everything it ever called persisted.
 */
export class OmniPaxos<T, S = never> {
  readonly #config: ResolvedConfig<T, S>;
  readonly #outbox: Outbox<T, S>;
  readonly #store: Store<T, S>;
  readonly #paxos: PaxosState<T, S>;
  readonly #election: BallotLeaderElection<T, S>;
  readonly #stranded = new StrandedPeers();
  readonly #electionClock: LogicalClock;
  readonly #resendClock: LogicalClock;
  readonly #flushClock: LogicalClock;

  /**
   * `recovered`: what the disk holds; leave it out on a node's very first start only.
   * @throws ConfigError when the configuration cannot work; InvariantError when the recovered state contradicts itself.
   */
  constructor(config: OmniPaxosConfig<T, S>, recovered?: DurableState<T, S>) {
    this.#config = resolveConfig(config);
    this.#outbox = new Outbox(this.#config.pid);
    this.#store = new Store(this.#outbox, recovered);
    this.#paxos = new PaxosState(this.#config, this.#store, this.#outbox);
    if (recovered !== undefined) recover(this.#paxos);
    this.#election = new BallotLeaderElection(this.#config, this.#outbox, this.#store.promise);
    this.#electionClock = new LogicalClock(this.#config.electionTickTimeout);
    this.#resendClock = new LogicalClock(this.#config.resendMessageTickTimeout);
    this.#flushClock = new LogicalClock(this.#config.flushBatchTickTimeout);
  }

  /** Applies one input. The result is that of the method of the same name. */
  step(input: Input<T, S>): Result<unknown> {
    switch (input.kind) {
      case "tick":
        this.tick();
        return OK;
      case "receive":
        this.receive(input.envelope);
        return OK;
      case "append":
        return this.append(input.entry);
      case "reconfigure":
        return this.reconfigure(input.nextConfig, input.metadata);
      case "trim":
        return this.trim(input.idx);
      case "snapshot":
        return this.snapshot(input.idx, input.localOnly);
      case "compact":
        return this.compact(input.compactIdx, input.snapshot);
      case "reconnected":
        this.reconnected(input.pid);
        return OK;
      case "replaced":
        this.replaced(input.pid);
        return OK;
      case "tryBecomeLeader":
        this.tryBecomeLeader();
        return OK;
      case "handOver":
        return this.handOver(input.to);
      case "setPriority":
        this.setPriority(input.priority);
        return OK;
      case "persisted":
        this.persisted(input.seq);
        return OK;
      default:
        return unreachable(input, "input");
    }
  }

  /** One unit of time: election first, then resends, then the flush of an incomplete batch. */
  tick(): void {
    if (this.#isInert) return;
    if (this.#electionClock.tick()) {
      const leadsInAccept = this.#paxos.is("leader", "accept");
      const ballot = this.#election.timeout({ promise: this.#store.promise, leadsInAccept });
      if (ballot !== null) handleLeader(this.#paxos, ballot);
    }
    if (this.#resendClock.tick()) {
      resendTimeout(this.#paxos);
      this.#winBackStranded();
    }
    if (this.#flushClock.tick()) flushTimeout(this.#paxos);
  }

  /**
   * A message from a peer. Loss, duplication and reordering are safe (FOLLOW-3 says why, for what follows a log sync); a node
   * outside the configuration is ignored. What contradicts the decided log is reported by `takeEffects`, not applied.
   */
  receive(envelope: Envelope<T, S>): void {
    if (this.#isInert) return;
    const { from, to, message } = envelope;
    if (to !== this.#config.pid || !this.#config.peers.includes(from)) {
      this.#paxos.counters.misdirected += 1;
      return;
    }
    switch (message.type) {
      case "heartbeatRequest":
        this.#election.handleRequest(from, message, this.#store.promiseSeq);
        break;
      case "heartbeatReply":
        this.#election.handleReply(from, message);
        break;
      case "takeOver":
        this.#takeOver(from, message.n);
        break;
      default:
        handleMessage(this.#paxos, from, message);
    }
  }

  /** Proposes an entry. `ok` says only that it was taken in hand: it may be lost, or decided twice after a retry. */
  append(entry: T): ProposeResult<T> {
    if (this.#isInert) {
      this.#outbox.reject([entry]);
      return OK;
    }
    return propose(this.#paxos, entry);
  }

  /** Proposes to seal this log with a stop-sign that names the next configuration. */
  reconfigure(nextConfig: ClusterConfig, metadata: Uint8Array | null = null): ReconfigureResult {
    try {
      validateClusterConfig(nextConfig, "nextConfig");
      const current = this.#config.clusterConfig.configurationId;
      if (nextConfig.configurationId <= current) {
        const expectation = `more than the current ${current}`;
        throw new ConfigError(
          "nextConfig.configurationId",
          expectation,
          nextConfig.configurationId,
        );
      }
    } catch (error) {
      if (error instanceof ConfigError) return failure({ kind: "config", error });
      throw error;
    }
    const { contradiction } = this.#paxos;
    if (contradiction !== null) return failure({ kind: "contradiction", contradiction });
    return proposeStopSign(this.#paxos, { nextConfig, metadata });
  }

  /** Forgets [0, idx) on all nodes (null: as far as possible). Leader only, and only with snapshots off. */
  trim(idx: number | null = null): CompactionResult {
    const { contradiction } = this.#paxos;
    if (contradiction !== null) return failure({ kind: "contradiction", contradiction });
    return trim(this.#paxos, idx);
  }

  /** Folds [0, idx) (null: all decided) into the snapshot, here or on every node. Only with snapshots "fold". */
  snapshot(idx: number | null = null, localOnly = false): CompactionResult {
    const { contradiction } = this.#paxos;
    if (contradiction !== null) return failure({ kind: "contradiction", contradiction });
    return snapshot(this.#paxos, idx, localOnly);
  }

  /**
   * Takes over the application's own snapshot of [0, snapshot.idx) and forgets the log below compactIdx; the entries
   * between the two serve peers that are only a little behind. Only with snapshots "host", and
   * compactIdx <= snapshot.idx <= decidedIdx.
   */
  compact(compactIdx: number, made: CompleteSnapshot<S>): CompactionResult {
    return compact(this.#paxos, compactIdx, made);
  }

  /** The session to `pid` began anew: messages in flight may be lost. Call it at both ends. */
  reconnected(pid: NodeId): void {
    if (this.#isInert) return;
    if (this.#config.peers.includes(pid)) reconnect(this.#paxos, pid);
    else this.#paxos.counters.misdirected += 1;
  }

  /**
   * The node behind `pid` came back with another disk, by agreement: what it had promised and accepted counts no more. Say it
   * once a disk, at the first session with the new one, before `reconnected`. A leader starts its round anew under a higher
   * ballot: so messages of the old disk's process that arrive after this call cannot count, in any order.
   */
  replaced(pid: NodeId): void {
    if (this.#isInert) return;
    if (!this.#config.peers.includes(pid)) {
      this.#paxos.counters.misdirected += 1;
      return;
    }
    this.#election.forget(pid);
    if (this.#paxos.role === "leader") this.tryBecomeLeader();
  }

  /** Starts a round above everything this node has promised. The election learns of it at its next time-out. */
  tryBecomeLeader(): void {
    if (this.#isInert) return;
    handleLeader(this.#paxos, this.#election.ballotWith(this.#store.promise.n + 1));
  }

  /**
   * Leading in the accept phase: followers that could lead in this node's place, the one with the longest log first. Empty
   * where nobody could lead without this node, and on a node that does not lead.
   */
  heirs(): readonly NodeId[] {
    if (!this.#paxos.is("leader", "accept")) return [];
    return heirsOf(this.#paxos.leading.followers, this.#election, this.#config.quorum);
  }

  /**
   * Asks one of the `heirs` to lead in this node's place. This node leads on until a higher ballot reaches it, so a request that
   * is lost costs nothing, and the next heir may be asked as well.
   */
  handOver(to: NodeId): HandOverResult {
    if (this.#isInert || !this.heirs().includes(to)) return failure({ kind: "noHeir", to });
    this.#outbox.send(to, { type: "takeOver", n: this.#paxos.leading.ballot }, 0);
    return OK;
  }

  /** Among ballots of equal n the higher priority wins. A raised one may lead to a takeover (S8, deviations.md). */
  setPriority(priority: number): void {
    if (!Number.isSafeInteger(priority) || priority < 0) {
      throw new ConfigError("priority", "an integer of at least 0", priority);
    }
    this.#election.setPriority(priority);
  }

  /** All write groups up to and including `seq` are durable. May decide entries, as the own vote now counts (DISK-4). */
  persisted(seq: WriteSeq): void {
    const mark = this.#outbox.persisted(seq);
    if (mark === null) return;
    this.#store.markDurable(mark);
    handleOwnVote(this.#paxos, mark.acceptedRound, mark.acceptedIdx);
  }

  /** Writes the decided index with the next effects, instead of waiting for a group that must be written anyway (STORE-4). */
  writeDecided(): void {
    if (!this.#isInert) this.#store.writeDecided();
  }

  /** Whether `takeEffects` has anything to say. */
  get hasEffects(): boolean {
    return !this.#outbox.isEmpty || this.#paxos.contradiction !== null;
  }

  /** What the inputs since the last call ask of the host. */
  takeEffects(): Effects<T, S> {
    // STORE-4: a new decided index rides with the next group that must be written anyway.
    if (this.#outbox.hasWrites) this.#store.writeDecided();
    return this.#outbox.take(() => this.#store.mark(), this.#paxos.contradiction);
  }

  /** This node. */
  get pid(): NodeId {
    return this.#config.pid;
  }
  /** Entries below it are decided: no later round replaces them. Not all of that need be on the disk yet. */
  get decidedIdx(): number {
    return this.#store.decidedIdx;
  }
  /** How long the log is: it holds the entries below this index. A stop-sign counts. */
  get acceptedIdx(): number {
    return this.#store.acceptedIdx;
  }
  /** Entries below it are gone from the log, into a snapshot or by a trim. */
  get compactedIdx(): number {
    return this.#store.compactedIdx;
  }
  /** The latest snapshot, made here or received; it may change with any `receive`. */
  get storedSnapshot(): CompleteSnapshot<S> | null {
    return this.#store.snapshot;
  }
  /** The highest ballot that this node has promised. */
  get promise(): Ballot {
    return this.#store.promise;
  }
  /** The ballot under which the log was last accepted. */
  get acceptedRound(): Ballot {
    return this.#store.acceptedRound;
  }
  /**
   * The part of this node's state that is surely on disk: at the start the recovered state, then that state with the groups that
   * `persisted` reported.
   */
  get durable(): DurableMark {
    return this.#store.durable;
  }
  /** Not null: a peer's message cannot be true together with what is decided here; this node is inert from then on. */
  get contradiction(): Contradiction | null {
    return this.#paxos.contradiction;
  }
  /** Whether this node owns the round that it takes part in. */
  get role(): Role {
    return this.#paxos.role;
  }
  /** How far it is in that round. */
  get phase(): Phase {
    return this.#paxos.phase;
  }
  /** Whether its leader, or itself as leader, is known to reach a quorum. */
  get isHappy(): boolean {
    return this.#election.happy;
  }
  /** The ballot of the leader that the election has settled on; BALLOT_BOTTOM: none yet. */
  get bleLeader(): Ballot {
    return this.#election.leader;
  }
  /** The ballot with which this node stands in the election. */
  get ownBallot(): Ballot {
    return this.#election.ownBallot;
  }
  /** Things that should be rare, counted since this object was made; for metrics and tests. */
  get counters(): Readonly<PaxosCounters> {
    return this.#paxos.counters;
  }
  /** The stop-sign of the log, decided or not; null: there is none. */
  get stopSign(): StopSign | null {
    return this.#store.stopSign;
  }

  /** The owner of the promise; null before the first one. */
  leader(): LeaderView | null {
    const pid = this.#paxos.leaderPid;
    return pid === 0 ? null : { pid, phaseIsAccept: this.#paxos.phase === "accept" };
  }

  /** What each peer that answered in the last complete heartbeat round said. */
  connectedPeers(): ReadonlyMap<NodeId, PeerView> {
    return this.#election.lastReplies;
  }

  /** Whether the last complete heartbeat round reached a prepare quorum. */
  isQuorumConnected(): boolean {
    return this.#election.lastReplies.size + 1 >= this.#config.quorum.read;
  }

  /** Leading in the accept phase: the length of the log this round started from (without what it appended). Else null. */
  get adoptedIdx(): number | null {
    return this.#paxos.is("leader", "accept") ? this.#paxos.leading.adoptedIdx : null;
  }

  /** Leading: what each node is known to have accepted, durably, in this round. Else null. */
  acceptedIndexes(): ReadonlyMap<NodeId, number> | null {
    if (this.#paxos.role !== "leader") return null;
    return new Map(this.#paxos.leading.members.map((member) => [member.pid, member.acceptedIdx]));
  }

  /** The decided stop-sign: this configuration is sealed. */
  isReconfigured(): StopSign | null {
    return this.#store.stopSignDecided ? this.#store.stopSign : null;
  }

  /** The decided entry at idx; undefined when it is compacted, the stop-sign, or not decided. */
  entryAt(idx: number): T | undefined {
    return idx < this.#store.decidedIdx ? this.#store.log.at(idx) : undefined;
  }

  /** What stands at `idx`, as `readEntries` tells it; undefined when that leaves the log. */
  read(idx: number): LogRead<T, S> | undefined {
    return this.readEntries(idx, idx + 1)?.[0];
  }

  /** [from, to), the compacted prefix as one element; undefined when it leaves [0, acceptedIdx). */
  readEntries(from: number, to: number): LogRead<T, S>[] | undefined {
    return readRange(this.#store, from, to);
  }

  /** Everything decided from `from` on; undefined when there is nothing. */
  readDecidedSuffix(from: number): LogRead<T, S>[] | undefined {
    return readRange(this.#store, from, this.#store.decidedIdx);
  }

  /** All that may be of interest about this node at this moment, as plain values; for metrics, tests and people. */
  snapshotState(): NodeState {
    const { store, paxos } = { store: this.#store, paxos: this.#paxos };
    return {
      pid: this.#config.pid,
      role: paxos.role,
      phase: paxos.phase,
      promise: store.promise,
      acceptedRound: store.acceptedRound,
      ownBallot: this.#election.ownBallot,
      bleLeader: this.#election.leader,
      happy: this.#election.happy,
      heartbeatRound: this.#election.round,
      decidedIdx: store.decidedIdx,
      acceptedIdx: store.acceptedIdx,
      compactedIdx: store.compactedIdx,
      durableDecidedIdx: store.durableDecidedIdx,
      seq: paxos.seq,
      buffered: paxos.bufferedProposals.length,
      stopSign: store.stopSign,
      reconfigured: store.stopSignDecided,
    };
  }

  /** Everything this node remembers, as plain data: see memory.ts. Call it after `takeEffects`. */
  memory(): unknown {
    return memoryOf({
      paxos: this.#paxos,
      outbox: this.#outbox,
      election: this.#election,
      stranded: this.#stranded,
      clocks: [this.#electionClock, this.#resendClock, this.#flushClock],
    });
  }

  /** @throws InvariantError when the node contradicts itself. Cheap; meant for tests and simulation. */
  checkInvariants(): void {
    const paxos = this.#paxos;
    this.#store.checkInvariants();
    if (paxos.role !== "leader") return;
    const { leading } = paxos;
    const { acceptedIdx } = this.#store;
    assert(paxos.leads(), "a leader's promise is its own ballot");
    assert(paxos.phase === "prepare" || paxos.phase === "accept", `a leader in ${paxos.phase}`);
    for (const member of leading.members) {
      assert(member.acceptedIdx <= acceptedIdx, `node ${member.pid} accepted beyond its leader`);
    }
  }

  /** JUDGE-3. Nothing goes in or out any more; what was written before is still made durable. */
  get #isInert(): boolean {
    return this.#paxos.contradiction !== null;
  }

  #takeOver(from: NodeId, n: Ballot): void {
    if (!this.#paxos.is("follower", "accept")) return;
    const { promise } = this.#store;
    if (mayTakeOver(from, n, promise, this.#election, this.#config.quorum)) this.tryBecomeLeader();
  }

  #winBackStranded(): void {
    const paxos = this.#paxos;
    if (!paxos.is("leader", "accept")) return;
    const higher = this.#stranded.check(this.#election, paxos.leading.ballot, this.#config.quorum);
    if (higher === null) return;
    paxos.counters.strandedBumps += 1;
    const { promise } = this.#store;
    const top = compareBallots(higher, promise) > 0 ? higher : promise;
    handleLeader(paxos, this.#election.ballotWith(top.n + 1));
  }
}
