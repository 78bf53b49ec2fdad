import { ballotsEqual, compareBallots } from "./ballot.ts";
import type { Ballot, NodeId } from "./ballot.ts";
import type { ResolvedConfig } from "./config.ts";
import type { WriteSeq } from "./effects.ts";
import type { HeartbeatReply, HeartbeatRequest } from "./messages.ts";
import type { Outbox } from "./outbox.ts";

/** What a peer said in the last complete heartbeat round. */
export interface PeerView {
  readonly ballot: Ballot;
  readonly leader: Ballot;
  readonly happy: boolean;
}

/** What the election must know of Sequence Paxos. */
interface PaxosView {
  readonly promise: Ballot;
  readonly leadsInAccept: boolean;
}

/**
 * Finds a leader that is quorum-connected: one heartbeat round per election time-out. A node is *happy* while its leader
 * (or itself as leader) is known to reach a quorum; a node takes over only when every node that it hears is unhappy.
 *
 * ELECT-1. Only ballots of nodes that answer themselves compete; the leader a reply names only counts followers (S12,
 *     deviations.md).
 * ELECT-2. A takeover needs every heard peer unhappy and a prepare quorum heard (S11); a reply counts once per peer (S9) and
 *     only in the round and the process start it answers (S24).
 * ELECT-3. The own ballot never decreases and takes part in the choice of the leader, so a raised priority leads to a
 *     takeover instead of peers following a leader that does not lead (S8).
 * ELECT-4. Nothing is persisted here: a node that restarts after any promise starts with n = 0 and the promise as leader, so
 *     its next own ballot lies above every one it led with.
 * DISK-5. A heartbeat reply leaves after the promise is durable, as it may reveal a ballot of this node.
 */
export class BallotLeaderElection<T, S> {
  readonly #config: ResolvedConfig<T, S>;
  readonly #outbox: Outbox<T, S>;
  #priority: number;
  #ownBallot: Ballot;
  #leader: Ballot;
  #happy = true;
  #round = 0;
  #replies = new Map<NodeId, PeerView>();
  #lastReplies = new Map<NodeId, PeerView>();

  constructor(config: ResolvedConfig<T, S>, outbox: Outbox<T, S>, recoveredPromise: Ballot) {
    this.#config = config;
    this.#outbox = outbox;
    this.#priority = config.leaderPriority;
    const recovered = recoveredPromise.n > 0;
    this.#ownBallot = this.ballotWith(recovered ? 0 : 1);
    this.#leader = recovered ? recoveredPromise : this.#ownBallot;
    this.#startRound();
  }

  get ownBallot(): Ballot {
    return this.#ownBallot;
  }
  get leader(): Ballot {
    return this.#leader;
  }
  get happy(): boolean {
    return this.#happy;
  }
  get round(): number {
    return this.#round;
  }
  /** See memory.ts. */
  get memory(): unknown {
    return [
      this.#priority,
      this.#ownBallot,
      this.#leader,
      this.#happy,
      this.#round,
      [...this.#replies],
      [...this.#lastReplies],
    ];
  }
  /** The replies of the last complete round. */
  get lastReplies(): ReadonlyMap<NodeId, PeerView> {
    return this.#lastReplies;
  }

  /** Applies at once when it raises the own ballot, else from the next own ballot on (ELECT-3). */
  setPriority(priority: number): void {
    this.#priority = priority;
    const raised = this.ballotWith(this.#ownBallot.n);
    if (compareBallots(raised, this.#ownBallot) > 0) this.#ownBallot = raised;
  }

  /** A ballot of this node with the given n and the current priority. */
  ballotWith(n: number): Ballot {
    const { clusterConfig, pid } = this.#config;
    return { configId: clusterConfig.configurationId, n, priority: this.#priority, pid };
  }

  /** Ends a heartbeat round. Answers the own ballot when this node should lead with it. */
  timeout(paxos: PaxosView): Ballot | null {
    this.#updateLeader();
    this.#updateHappiness(paxos.leadsInAccept);
    this.#checkTakeover();
    this.#startRound();
    if (compareBallots(paxos.promise, this.#leader) > 0) {
      this.#leader = paxos.promise;
      if (paxos.promise.pid === this.#config.pid) this.#ownBallot = paxos.promise;
      this.#happy = true;
    }
    return ballotsEqual(this.#leader, this.#ownBallot) ? this.#ownBallot : null;
  }

  /** `promiseSeq`: a reply may reveal a ballot that must not be used again after a restart (DISK-5). */
  handleRequest(from: NodeId, request: HeartbeatRequest, promiseSeq: WriteSeq): void {
    const reply: HeartbeatReply = {
      type: "heartbeatReply",
      round: request.round,
      incarnation: request.incarnation,
      ballot: this.#ownBallot,
      leader: this.#leader,
      happy: this.#happy,
    };
    this.#outbox.sendHeartbeat(from, reply, promiseSeq);
  }

  /** Forgets what `pid` said: another disk now speaks for it. */
  forget(pid: NodeId): void {
    this.#replies.delete(pid);
    this.#lastReplies.delete(pid);
  }

  /** Answers whether the reply was counted. */
  handleReply(from: NodeId, reply: HeartbeatReply): boolean {
    const current =
      reply.round === this.#round &&
      reply.incarnation === this.#config.incarnation &&
      reply.ballot.configId === this.#ownBallot.configId &&
      reply.ballot.pid === from;
    if (!current || this.#replies.has(from)) return false;
    this.#replies.set(from, { ballot: reply.ballot, leader: reply.leader, happy: reply.happy });
    return true;
  }

  /** Peers of the last round, and this node, that follow `ballot` or a lower one. */
  followersOf(ballot: Ballot): number {
    let followers = 1;
    for (const view of this.#lastReplies.values()) {
      if (compareBallots(view.leader, ballot) <= 0) followers += 1;
    }
    return followers;
  }

  #updateLeader(): void {
    for (const { ballot } of this.#replies.values()) {
      if (compareBallots(ballot, this.#leader) > 0) this.#leader = ballot;
    }
    if (compareBallots(this.#ownBallot, this.#leader) > 0) this.#leader = this.#ownBallot;
  }

  #updateHappiness(leadsInAccept: boolean): void {
    const replies = [...this.#replies.values()];
    if (!ballotsEqual(this.#leader, this.#ownBallot)) {
      // Exact equality: a node that restarted or changed its ballot under the same n is not that leader (S10).
      this.#happy = replies.some((view) => view.happy && ballotsEqual(view.ballot, this.#leader));
      return;
    }
    const followers =
      1 + replies.filter((view) => compareBallots(view.leader, this.#ownBallot) <= 0).length;
    const { read, write } = this.#config.quorum;
    this.#happy =
      followers >= (leadsInAccept ? write : read) ||
      replies.some((view) => view.happy && compareBallots(view.leader, this.#ownBallot) > 0);
  }

  #checkTakeover(): void {
    if (this.#happy || this.#replies.size + 1 < this.#config.quorum.read) return;
    for (const view of this.#replies.values()) if (view.happy) return;
    this.#ownBallot = this.ballotWith(this.#leader.n + 1);
    this.#leader = this.#ownBallot;
    this.#happy = true;
  }

  #startRound(): void {
    this.#lastReplies = this.#replies;
    this.#replies = new Map();
    this.#round += 1;
    const { peers, incarnation } = this.#config;
    for (const peer of peers) {
      this.#outbox.sendHeartbeat(
        peer,
        { type: "heartbeatRequest", round: this.#round, incarnation },
        0,
      );
    }
  }
}
