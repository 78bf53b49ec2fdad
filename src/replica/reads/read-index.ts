/**
 * Linearizable reads (ADR 0002). Owns every read that still waits for an index, and the confirmation rounds.
 *
 * Invariants:
 *   READINDEX-1. An index is given only by a leader in its accept phase: max(decided, adopted length).
 *   READINDEX-2. It is given only after a write quorum said "my promise is n" after the reads had arrived.
 *   READINDEX-3. An asker's promise counts for its own request only.
 *   READINDEX-4. A quorum read takes the greatest accepted index of N - W + 1 nodes, all asked after the reads had arrived.
 *   READINDEX-5. An index learnt serves the round that asked for it, and no other: the process and a number in it name a round,
 *       the replica drops answers to an earlier process, and this node forgets a peer's requests when their session ends.
 *   READINDEX-6. No index rests on the word of a disk that this node knows to be replaced.
 */
import { UnderWay } from "../../base/index.ts";
import { ballotsEqual, type Ballot, type NodeId } from "../../omnipaxos/index.ts";
import type { ReplicaMessage, RequestName } from "../../protocol/messages/index.ts";

/** What the reads need to know of the consensus core. */
export interface ReadView {
  readonly pid: NodeId;
  /** Of this process; part of the name of each of its requests. */
  readonly boot: number;
  readonly peers: readonly NodeId[];
  readonly writeQuorum: number;
  readonly promise: Ballot;
  readonly decidedIdx: number;
  readonly acceptedIdx: number;
  /** Leader of `promise`, accepting, log not sealed. */
  readonly isAcceptingLeader: boolean;
  readonly adoptedIdx: number;
}

/** A batch that asks for one index: its reads have all arrived before its round starts. */
interface Round<R> {
  readonly id: number;
  reads: readonly R[];
  readonly startedTick: number;
  /** Quorum read: the nodes that answered, and the greatest accepted index they named. */
  readonly heard: NodeId[];
  quorumIdx: number;
  readonly leaderless: boolean;
}

/** A node's request for an index, in that node's own numbers. */
interface IndexRequest extends RequestName {
  readonly from: NodeId;
}

/** Leader: one probe of the peers that confirms requests of others and our own rounds. */
interface Probe {
  readonly id: number;
  readonly n: Ballot;
  /** This node and those that answered, each once. */
  readonly acks: NodeId[];
  readonly idx: number;
  requests: readonly IndexRequest[];
  readonly startedTick: number;
  /** Peers not asked yet: a quorum is enough, while it answers. */
  rest: readonly NodeId[];
}

/** After so many ticks without a quorum the rest is asked too. */
const PROBE_REST_TICKS = 1;

export interface ReadsOptions {
  /** Rounds that may be under way at once; more reads wait for the next one and share it. */
  readonly roundsMax: number;
  /** Ticks after which an unanswered round is started again. */
  readonly retryTicks: number;
}

export class ReadIndex<R extends { readonly isGone: boolean }> {
  readonly #view: ReadView;
  readonly #options: ReadsOptions;
  readonly #send: (to: NodeId, message: ReplicaMessage) => void;
  readonly #ready: (idx: number, reads: readonly R[]) => void;
  #waiting: R[] = [];
  /** Reads that have not been handed over, those that are gone included. */
  #reads = 0;
  #gone = 0;
  readonly #rounds = new UnderWay<Round<R>>();
  readonly #probes = new UnderWay<Probe>();
  /** Requests from followers that arrived in this turn and need a probe. */
  #requests: (IndexRequest & { readonly n: Ballot })[] = [];
  /** The peer that answered a probe last comes first. */
  #probeOrder: readonly NodeId[];
  #nextId = 1;
  #tick = 0;

  /** @param ready called when `reads` may be answered from any state that has applied [0, idx) */
  constructor(
    view: ReadView,
    options: ReadsOptions,
    send: (to: NodeId, message: ReplicaMessage) => void,
    ready: (idx: number, reads: readonly R[]) => void,
  ) {
    this.#view = view;
    this.#options = options;
    this.#send = send;
    this.#ready = ready;
    this.#probeOrder = view.peers;
  }

  add(read: R): void {
    this.#reads += 1;
    this.#waiting.push(read);
  }

  /**
   * A read that waits here is gone: it timed out, or a neighbour is to serve it. Those that are gone are taken out once they are
   * more than half, so that none of them looks at all others; a few may be handed over.
   */
  left(): void {
    this.#gone += 1;
    if (2 * this.#gone <= this.#reads) return;
    this.#reads -= this.#gone;
    this.#gone = 0;
    const stays = ({ isGone }: R): boolean => !isGone;
    this.#waiting = this.#waiting.filter(stays);
    this.#rounds.takeWhere((round) => {
      round.reads = round.reads.filter(stays);
      return round.reads.length === 0;
    });
  }

  tick(): void {
    this.#tick += 1;
    const { retryTicks } = this.#options;
    this.#probes.takeWhere(({ startedTick }) => this.#tick - startedTick > 4 * retryTicks);
    for (const probe of this.#probes.items) {
      if (this.#tick - probe.startedTick <= PROBE_REST_TICKS || probe.rest.length === 0) continue;
      this.#sendProbe(probe.rest, probe.id, probe.n);
      probe.rest = [];
    }
    const late = this.#rounds.takeWhere(
      ({ startedTick }) => this.#tick - startedTick >= retryTicks,
    );
    // The leader may have changed or an answer was lost. Every second attempt goes without a leader.
    for (const round of late) this.#start(round.reads, !round.leaderless);
  }

  /** End of turn: starts a round for the waiting reads, and one probe for the requests of followers. */
  flush(): void {
    if (this.#waiting.length > 0 && this.#rounds.size < this.#options.roundsMax) {
      const reads = this.#waiting;
      this.#waiting = [];
      this.#start(reads, false);
    }
    if (this.#requests.length > 0) {
      const requests = this.#requests.filter((request) => this.#confirmAtOnce(request));
      this.#requests = [];
      if (requests.length > 0) this.#probe(requests);
    }
  }

  /**
   * The session with a peer ended, and with it the peer's requests: another process might read the answer. The peer's own answers
   * stay true, unless its disk is replaced: each tells of a moment that has passed.
   * @returns how many of its requests are dropped
   */
  sessionEnded(peer: NodeId): number {
    let dropped = 0;
    const stays = ({ from }: IndexRequest): boolean => {
      if (from !== peer) return true;
      dropped += 1;
      return false;
    };
    this.#requests = this.#requests.filter(stays);
    this.#probes.takeWhere((probe) => {
      probe.requests = probe.requests.filter(stays);
      return probe.requests.length === 0;
    });
    return dropped;
  }

  /**
   * Another disk stands behind this peer, and may have done so when the peer answered: then what it said tells nothing of the
   * cluster (READINDEX-6). What counted it begins anew, under another number.
   */
  replaced(peer: NodeId): void {
    for (const round of this.#rounds.takeWhere(({ heard }) => heard.includes(peer))) {
      this.#start(round.reads, round.leaderless);
    }
    for (const probe of this.#probes.takeWhere(({ acks }) => acks.includes(peer))) {
      const goesOn = this.#view.isAcceptingLeader && ballotsEqual(this.#view.promise, probe.n);
      if (goesOn) this.#probe(probe.requests);
      else for (const request of probe.requests) this.#answer(request, null);
    }
  }

  /** The caller passes on only answers to this process: READINDEX-5. */
  receive(from: NodeId, message: ReplicaMessage): void {
    switch (message.type) {
      case "readRequest":
        this.#requests.push({ from, boot: message.boot, id: message.id, n: message.n });
        return;
      case "readProbe": {
        const { boot, id, n } = message;
        if (ballotsEqual(this.#view.promise, n)) this.#send(from, { type: "readAck", boot, id, n });
        return;
      }
      case "readAck":
        this.#onAck(from, message.id, message.n);
        return;
      case "readIndex":
        this.#finish(message.id, message.idx);
        return;
      case "readRefused": {
        const round = this.#rounds.get(message.id);
        if (round === undefined || round.leaderless) return;
        this.#rounds.take(message.id);
        this.#start(round.reads, true);
        return;
      }
      case "quorumRead":
        // Entries that are accepted but not yet durable can only make the answer larger, which is safe.
        this.#send(from, {
          type: "quorumReadAck",
          boot: message.boot,
          id: message.id,
          acceptedIdx: this.#view.acceptedIdx,
        });
        return;
      case "quorumReadAck":
        this.#onQuorumReadAck(from, message.id, message.acceptedIdx);
        return;
      default:
        return;
    }
  }

  #start(reads: readonly R[], leaderless: boolean): void {
    const view = this.#view;
    const id = this.#nextId++;
    const round: Round<R> = {
      id,
      reads,
      startedTick: this.#tick,
      heard: [view.pid],
      quorumIdx: view.acceptedIdx,
      leaderless,
    };
    this.#rounds.add(id, round);
    const { boot } = view;
    if (leaderless) {
      for (const peer of view.peers) this.#send(peer, { type: "quorumRead", boot, id });
      this.#finishQuorumRead(round);
    } else if (view.isAcceptingLeader) {
      this.#requests.push({ from: view.pid, boot, id, n: view.promise });
    } else if (view.promise.pid !== view.pid && view.promise.pid !== 0) {
      this.#send(view.promise.pid, { type: "readRequest", boot, id, n: view.promise });
    }
  }

  /** READINDEX-3: asker and leader may already be a write quorum. @returns true when a probe is needed */
  #confirmAtOnce(request: IndexRequest & { readonly n: Ballot }): boolean {
    const view = this.#view;
    if (!view.isAcceptingLeader) {
      this.#answer(request, null);
      return false;
    }
    const askerAcks = request.from !== view.pid && ballotsEqual(request.n, view.promise);
    if ((askerAcks ? 2 : 1) < view.writeQuorum) return true;
    this.#answer(request, Math.max(view.decidedIdx, view.adoptedIdx));
    return false;
  }

  #probe(requests: readonly IndexRequest[]): void {
    const view = this.#view;
    const id = this.#nextId++;
    const n = view.promise;
    const enough = view.writeQuorum - 1;
    this.#probes.add(id, {
      id,
      n,
      acks: [view.pid],
      idx: Math.max(view.decidedIdx, view.adoptedIdx),
      requests,
      startedTick: this.#tick,
      rest: this.#probeOrder.slice(enough),
    });
    this.#sendProbe(this.#probeOrder.slice(0, enough), id, n);
  }

  #sendProbe(peers: readonly NodeId[], id: number, n: Ballot): void {
    const { boot } = this.#view;
    for (const peer of peers) this.#send(peer, { type: "readProbe", boot, id, n });
  }

  #onAck(from: NodeId, id: number, n: Ballot): void {
    if (this.#probeOrder[0] !== from) {
      this.#probeOrder = [from, ...this.#probeOrder.filter((peer) => peer !== from)];
    }
    const probe = this.#probes.get(id);
    if (probe === undefined || !ballotsEqual(probe.n, n)) return;
    addOnce(probe.acks, from);
    if (probe.acks.length < this.#view.writeQuorum) return;
    this.#probes.take(id);
    // Our own promise must still be n too: it is one of the acks.
    const valid = this.#view.isAcceptingLeader && ballotsEqual(this.#view.promise, n);
    for (const request of probe.requests) this.#answer(request, valid ? probe.idx : null);
  }

  #answer({ from, boot, id }: IndexRequest, idx: number | null): void {
    const message: ReplicaMessage =
      idx === null ? { type: "readRefused", boot, id } : { type: "readIndex", boot, id, idx };
    if (from === this.#view.pid) this.receive(from, message);
    else this.#send(from, message);
  }

  #onQuorumReadAck(from: NodeId, id: number, acceptedIdx: number): void {
    const round = this.#rounds.get(id);
    if (round === undefined || !round.leaderless) return;
    addOnce(round.heard, from);
    round.quorumIdx = Math.max(round.quorumIdx, acceptedIdx);
    this.#finishQuorumRead(round);
  }

  #finishQuorumRead(round: Round<R>): void {
    const needed = this.#view.peers.length + 1 - this.#view.writeQuorum + 1;
    if (round.heard.length >= needed) this.#finish(round.id, round.quorumIdx);
  }

  #finish(id: number, idx: number): void {
    const round = this.#rounds.take(id);
    if (round === undefined) return;
    this.#reads -= round.reads.length;
    for (const { isGone } of round.reads) if (isGone) this.#gone -= 1;
    this.#ready(idx, round.reads);
  }
}

/** A set of a few, for each round anew. */
function addOnce(nodes: NodeId[], node: NodeId): void {
  if (!nodes.includes(node)) nodes.push(node);
}
