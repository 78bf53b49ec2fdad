/**
 * How a newcomer gets its leader's log (trust/joining.ts): it answers a Prepare with a message of its own kind, and promises only when the
 * leader's log comes.
 *
 * Invariants:
 *   FETCH-1. The core hears a Prepare just before the AcceptSync of its round. A leader sends that only with a prepare quorum behind it,
 *       so every later leader has a higher ballot. Had the newcomer promised at the Prepare, and the candidate died, it would wait
 *       for ever: it cannot tell the next leader, whose ballot may be lower, what it has promised.
 *   FETCH-2. An AcceptSync is taken only while the log is of the round that the request named. In between the log may have grown
 *       within that round, but not lost what the leader takes for its own.
 */
import {
  ballotsEqual,
  compareBallots,
  type Ballot,
  type NodeId,
  type OmniPaxos,
} from "../../omnipaxos/index.ts";
import type { CatchUp } from "./catch-up.ts";
import type {
  ReplicaMessage,
  NodePaxosMessage,
  SnapshotName,
} from "../../protocol/messages/index.ts";

type Core = OmniPaxos<Uint8Array, SnapshotName>;
type JoinRequest = Extract<ReplicaMessage, { type: "joinRequest" }>;
type Prepare = Extract<NodePaxosMessage, { type: "prepare" }>;
type AcceptSync = Extract<NodePaxosMessage, { type: "acceptSync" }>;

interface Asked {
  readonly leader: NodeId;
  readonly n: Ballot;
  /** Null: the core has promised n already. */
  readonly prepare: Prepare | null;
  /** Of the log that the request named. */
  readonly acceptedRound: Ballot;
}

export interface LogFetchOptions {
  readonly core: Core;
  readonly send: (to: NodeId, message: JoinRequest) => void;
  readonly catchUp: Pick<CatchUp, "isFetchingFor">;
}

export class LogFetch {
  readonly #options: LogFetchOptions;
  #asked: Asked | null = null;

  constructor(options: LogFetchOptions) {
    this.#options = options;
  }

  /** @returns whether the message may go on to the core */
  admit(from: NodeId, message: NodePaxosMessage): boolean {
    if (message.type === "acceptSync") return this.#onAcceptSync(from, message);
    if (message.type !== "prepare") return true;
    this.#onPrepare(from, message);
    return false;
  }

  #onPrepare(from: NodeId, prepare: Prepare): void {
    const { core } = this.#options;
    const order = compareBallots(prepare.n, core.promise);
    if (order < 0 || (order === 0 && core.phase === "accept")) return;
    // It is promised already. A session that has ended since must not cost the log that waits for its snapshot (CATCHUP-5).
    if (order === 0 && this.#isComing)
      return core.receive({ from, to: core.pid, message: prepare });
    this.#ask({ leader: from, n: prepare.n, prepare });
  }

  #onAcceptSync(from: NodeId, { n }: AcceptSync): boolean {
    const { core } = this.#options;
    const asked = this.#asked;
    if (asked === null || from !== asked.leader || !ballotsEqual(n, asked.n)) return false;
    if (!ballotsEqual(core.acceptedRound, asked.acceptedRound)) {
      this.#ask(asked);
      return false;
    }
    this.#asked = null;
    if (asked.prepare !== null) core.receive({ from, to: core.pid, message: asked.prepare });
    if (ballotsEqual(core.promise, n)) return true;
    // This node has compacted more than the leader knew to be decided when it prepared: it knows more by now.
    core.reconnected(from);
    return false;
  }

  /** The leader's answer may be lost, or its snapshot may have gone before it was here. */
  repeat(): void {
    const { core } = this.#options;
    const { promise, phase } = core;
    if (this.#isComing) return;
    if (this.#asked !== null) this.#ask(this.#asked);
    else if (phase === "recover") core.reconnected(promise.pid);
    else if (phase === "prepare") this.#ask({ leader: promise.pid, n: promise, prepare: null });
  }

  /** The snapshot that the log of the promised round begins with is being fetched. */
  get #isComing(): boolean {
    const { catchUp, core } = this.#options;
    return catchUp.isFetchingFor(core.promise);
  }

  #ask({ leader, n, prepare }: Omit<Asked, "acceptedRound">): void {
    const { core, send } = this.#options;
    const { acceptedRound, acceptedIdx, decidedIdx } = core;
    this.#asked = { leader, n, prepare, acceptedRound };
    send(leader, { type: "joinRequest", n, acceptedRound, acceptedIdx, decidedIdx });
  }
}

/** JOIN-4. The leader takes it for a late promise while accepting, and answers that with all that its sender lacks. */
export function lateJoiner(core: Core, request: JoinRequest): NodePaxosMessage | null {
  const { n, acceptedRound, acceptedIdx, decidedIdx } = request;
  if (core.adoptedIdx === null || !ballotsEqual(core.promise, n)) return null;
  return { type: "promise", n, acceptedRound, acceptedIdx, decidedIdx, logSync: null };
}
