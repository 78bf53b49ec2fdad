/**
 * The one cluster, and the one log of it, that a client works with. Addresses name neither: a wrong port in a list leads to
 * another cluster, and behind the right one all data may have been replaced.
 *
 * Invariants:
 *   SAMECLUSTER-1. The first name and the first origin that a node tells are the client's for good.
 *   SAMECLUSTER-2. The client refuses a node that tells another name or origin before it uses any answer of that node.
 *   SAMECLUSTER-3. An origin that a node has told was in its state, so every linearizable read that is sent later comes from a state
 *       which has it as well. A state without one is then another log's, or lags behind.
 *   SAMECLUSTER-4. Nothing that a node tells of its log counts before the client has compared its origin. The entries that the client has
 *       seen were decided: a linearizable read or a write that is sent later is answered from a state that has them. An answer from
 *       a shorter log means that disks went back in time, or that a copy of them is a cluster of its own. The client does not use it,
 *       nor anything else from that node: its log may grow beyond the index seen, and is still wrong. So the client ends all
 *       requests and watches that are open to that node (`onLeft`), and opens nothing to it again.
 */
import { KvError } from "../../base/index.ts";
import { NO_ORIGIN } from "../../store/commands/index.ts";
import type { Refusal } from "../../links/handshake/index.ts";
import { type Hello, originText } from "../../protocol/handshake/index.ts";

export type NodeSelf = Pick<Hello, "clusterId" | "origin">;

/** The node that tells something. Its name is only asked for when it is to be shown. */
export interface Teller {
  /** "node 1 at 127.0.0.1:4101" */
  readonly name: string;
}

interface Met {
  readonly value: string;
  /** Who told it: "node 1 at 127.0.0.1:4101". */
  readonly by: string;
}

export class KnownCluster {
  #name: Met | null = null;
  #log: Met | null = null;
  #seenIdx = 0;
  #seenBy: Teller | null = null;
  /** Nodes that went back, by name, and the refusal that each is told (SAMECLUSTER-4). */
  readonly #wentBack = new Map<string, Refusal>();
  /** The owners of connections: each is told which node its connections must not lead to any more. */
  readonly #onLeft: ((name: string, error: KvError) => void)[] = [];

  /** The greatest applied index that an answer has told. */
  get seenIdx(): number {
    return this.#seenIdx;
  }

  /** Whether a node has told an origin: an answer from a state without one cannot be right any more (SAMECLUSTER-3). */
  get hasOrigin(): boolean {
    return this.#log !== null;
  }

  /**
   * A node says who it is.
   * @param by "node 1 at 127.0.0.1:4101"
   * @returns why nothing may be asked of it; null: it is welcome, and its word counts from now on
   */
  meet({ clusterId, origin }: NodeSelf, by: string): Refusal | null {
    const wentBack = this.#wentBack.get(by);
    if (wentBack !== undefined) return wentBack;
    const log = origin === null || origin === NO_ORIGIN ? null : originText(origin);
    if (clusterId !== null && differs(this.#name, clusterId)) {
      return otherCluster(
        `is of cluster "${clusterId}"`,
        `cluster "${this.#name.value}"`,
        this.#name,
      );
    }
    if (origin === null && this.#log !== null) {
      return this.#otherLog("runs a version that does not tell which data it has");
    }
    if (log !== null && differs(this.#log, log)) return this.#otherLog(`has ${logText(log)}`);
    if (clusterId !== null) this.#name ??= { value: clusterId, by };
    if (log !== null) this.#log ??= { value: log, by };
    return null;
  }

  /** As `meet`, of an open connection. @throws KvError WRONG_CLUSTER */
  check(origin: number, by: string): void {
    const refusal = this.meet({ clusterId: null, origin }, by);
    if (refusal !== null) throw new KvError("WRONG_CLUSTER", `${by}: ${refusal.text}`);
  }

  /**
   * An answer came from a state that has applied [0, idx).
   * @param since `seenIdx` when it was asked for
   * @throws KvError WRONG_CLUSTER (SAMECLUSTER-4)
   */
  answered(idx: number, since: number, teller: Teller): void {
    if (idx < since) throw this.#goneBack(idx, since, teller);
    if (idx <= this.#seenIdx) return;
    this.#seenIdx = idx;
    this.#seenBy = teller;
  }

  /** For a node that answers from a state without an origin, although the client knew one when it asked (SAMECLUSTER-3). */
  emptied(by: string): KvError {
    return new KvError("WRONG_CLUSTER", `${by}: ${this.#otherLog("has no data at all").text}`);
  }

  /** @param left told of each node that has shown that it lacks entries which this client has seen (SAMECLUSTER-4) */
  onLeft(left: (name: string, error: KvError) => void): void {
    this.#onLeft.push(left);
  }

  /**
   * A node has shown that its log is not the one that this client has seen (SAMECLUSTER-4).
   * @param shown "answered from a state at index 3"
   */
  lacksSeen(shown: string, { name }: Teller): KvError {
    const text =
      `this node ${shown}: its data were put back from an older copy, or it is of another cluster that began ` +
      `as a copy of this one. What was written since the copy is not there. Check the list of nodes; or, if all data were ` +
      `put back on purpose, start this client anew`;
    this.#wentBack.set(name, { code: "WRONG_CLUSTER", text });
    const error = new KvError("WRONG_CLUSTER", `${name}: ${text}`);
    for (const left of this.#onLeft) left(name, error);
    return error;
  }

  /** A node says that its cluster does not have what this client has seen, and a quorum has told it so. */
  refused(teller: Teller): KvError {
    const shown = `says that its cluster has less of the log than index ${this.#seenIdx}, which this client has seen`;
    return this.lacksSeen(`${shown} (${this.#toldBy})`, teller);
  }

  #goneBack(idx: number, since: number, teller: Teller): KvError {
    const shown = `answered from a state at index ${idx}, although this client has seen index ${since}`;
    return this.lacksSeen(`${shown} (${this.#toldBy})`, teller);
  }

  get #toldBy(): string {
    return `told by ${this.#seenBy?.name ?? "a node"}`;
  }

  #otherLog(is: string): Refusal {
    return otherCluster(is, logText(this.#log?.value ?? ""), this.#log);
  }
}

function differs(known: Met | null, value: string): known is Met {
  return known !== null && known.value !== value;
}

function logText(origin: string): string {
  return `the data that began as ${origin}`;
}

function otherCluster(is: string, was: string, met: Met | null): Refusal {
  const text =
    `this node ${is}, and this client works with ${was} (told by ${met?.by ?? "a node"}); the two must not be mixed. ` +
    `Correct the list of nodes; or, if all data were taken away or replaced on purpose, start this client anew`;
  return { code: "WRONG_CLUSTER", text };
}
