/** One core with its host, run by hand: a disk that is synced when told so, and messages that wait for it. */
import { assert, unreachable } from "../../../base/index.ts";
import {
  compareBallots,
  OmniPaxos,
  type DurableState,
  type Envelope,
  type NodeId,
  type Outgoing,
  type PaxosMessage,
} from "../../../omnipaxos/index.ts";
import { acceptedOn, MemoryDisk } from "../memory-disk.ts";

export type Message = PaxosMessage<string, never>;
export type Mail = Envelope<string, never>;
export type Durable = DurableState<string, never>;

export type NodeInput =
  | { readonly kind: "receive"; readonly mail: Mail }
  | { readonly kind: "propose"; readonly entry: string }
  | { readonly kind: "lead" }
  /** The resend timer runs out. */
  | { readonly kind: "tick" }
  | { readonly kind: "reconnected"; readonly peer: NodeId }
  /** The oldest write group becomes durable, and the core hears of it. */
  | { readonly kind: "persist" };

export interface NodeSetup {
  readonly nodes: readonly NodeId[];
  /** `sync`: what is written is durable at once. */
  readonly disk: "sync" | "async";
}

/** Ticks that never come: heartbeats play no part. */
const NEVER = 1_000_000;

/**
 * The host's rules are those of src/server/node: effects are taken after every input, messages to one peer leave in order, each
 * when its write group is durable, and messages that waited for a sync leave before the core hears of it.
 */
export class LiveNode {
  readonly #pid: NodeId;
  readonly #core: OmniPaxos<string>;
  readonly #disk: MemoryDisk<string, never>;
  readonly #isSync: boolean;
  #held: Outgoing<string, never>[] = [];
  #durableSeq = 0;
  #left: Mail[] = [];

  constructor(pid: NodeId, setup: NodeSetup, found: Durable | undefined) {
    this.#pid = pid;
    this.#isSync = setup.disk === "sync";
    this.#disk = new MemoryDisk(found);
    this.#core = new OmniPaxos<string>(
      {
        clusterConfig: { configurationId: 1, nodes: setup.nodes },
        pid,
        incarnation: 1,
        electionTickTimeout: NEVER,
        resendMessageTickTimeout: 1,
        flushBatchTickTimeout: NEVER,
      },
      found,
    );
    this.#turn();
  }

  get core(): OmniPaxos<string> {
    return this.#core;
  }

  get disk(): MemoryDisk<string, never> {
    return this.#disk;
  }

  /** All that the node's future may depend on, as text. */
  describe(): string {
    const held = this.#held.map(({ to, message, after }) => ({
      to,
      message,
      after: Math.max(0, after - this.#durableSeq),
    }));
    const staged = this.#disk.staged.map(({ writes }) => writes);
    return JSON.stringify([this.#core.memory(), this.#disk.found, staged, held]);
  }

  /** Messages that have left since the last call. */
  takeLeft(): Mail[] {
    const left = this.#left;
    this.#left = [];
    return left;
  }

  /** @throws InvariantError when the core or its host contradicts itself */
  apply(input: NodeInput): void {
    switch (input.kind) {
      case "receive":
        this.#core.step({ kind: "receive", envelope: input.mail });
        break;
      case "propose":
        this.#core.step({ kind: "append", entry: input.entry });
        break;
      case "lead":
        this.#core.step({ kind: "tryBecomeLeader" });
        break;
      case "tick":
        this.#core.step({ kind: "tick" });
        break;
      case "reconnected":
        this.#core.step({ kind: "reconnected", pid: input.peer });
        break;
      case "persist":
        this.#persist();
        break;
      default:
        unreachable(input, "input");
    }
    this.#turn();
  }

  #persist(): void {
    const seq = this.#disk.sync();
    assert(seq !== null, "something is staged");
    this.#durableSeq = seq;
    this.#release();
    this.#core.step({ kind: "persisted", seq });
  }

  #turn(): void {
    const { writes, messages, contradiction } = this.#core.takeEffects();
    // Disks keep what they acknowledged here, so no node contradicts a decided log (JUDGE-2), or sends what no honest node sends.
    assert(contradiction === null, `node ${this.#pid} reports ${JSON.stringify(contradiction)}`);
    assert(this.#core.counters.misbehaved === 0, `node ${this.#pid} takes a peer for dishonest`);
    this.#disk.stage(writes);
    for (const outgoing of messages) {
      const { type } = outgoing.message;
      if (type !== "heartbeatRequest" && type !== "heartbeatReply") this.#held.push(outgoing);
    }
    this.#release();
    this.#core.checkInvariants();
    if (!this.#isSync || this.#disk.staged.length === 0) return;
    this.#persist();
    this.#turn();
  }

  #release(): void {
    const waiting: Outgoing<string, never>[] = [];
    for (const outgoing of this.#held) {
      const { from, to, message, after } = outgoing;
      if (after > this.#durableSeq || waiting.some((earlier) => earlier.to === to)) {
        waiting.push(outgoing);
        continue;
      }
      checkClaims(this.#pid, this.#disk.state, message);
      this.#left.push({ from, to, message });
    }
    this.#held = waiting;
  }
}

/**
 * What a message tells of its sender is on the sender's disk when it leaves. A disk's promise never goes back, and an accepted log
 * only gives way to that of a higher round, so all that a message has told survives.
 * @throws InvariantError
 */
function checkClaims(pid: NodeId, disk: Durable, message: Message): void {
  const holds = (condition: boolean, what: string): void =>
    assert(condition, `node ${pid}: ${message.type} leaves before ${what} is on its disk`);
  switch (message.type) {
    case "prepare":
    case "prepareReq":
    case "notAccepted":
      holds(compareBallots(disk.promise, message.n) >= 0, "the promise");
      return;
    case "promise": {
      holds(compareBallots(disk.promise, message.n) >= 0, "the promise");
      const order = compareBallots(disk.acceptedRound, message.acceptedRound);
      holds(order >= 0, "the accepted round");
      if (order === 0) holds(acceptedOn(disk) >= message.acceptedIdx, "the log it reports");
      return;
    }
    case "accepted": {
      const order = compareBallots(disk.acceptedRound, message.n);
      holds(order >= 0, "the accepted round");
      if (order === 0) holds(acceptedOn(disk) >= message.acceptedIdx, "the log it names");
      holds(disk.decidedIdx >= message.decidedIdx, "the decided index it names");
      return;
    }
    default:
  }
}
