import { compareBallots } from "../../../src/omnipaxos/index.ts";
import type { Ballot, NodeId } from "../../../src/omnipaxos/index.ts";
import { decidedOf } from "./view.ts";
import type { Folded, Message, Node } from "./view.ts";
import type { SimDisk } from "./sim-disk.ts";

/**
 * Watches a cluster from outside.
 * CORE-1. All decided logs are prefixes of one log, across restarts; what was once decided anywhere stays.
 * CORE-2. decidedIdx <= acceptedIdx; within a run decidedIdx never decreases.
 * CORE-3. A node's promise never decreases, and not across a restart below what it told anybody.
 * CORE-4. A ballot is led by one start of one node only.
 * CORE-5. What a message claims is on the sender's disk when it leaves.
 * CORE-6. As long as no disk goes back in time nobody contradicts anybody, or claims what cannot be.
 * CORE-7. Within a run no node replaces an entry it has decided. With `brokenDisks` this is all that can be asked for.
 * CORE-8. What a node says is on disk is what is on disk.
 */
export class SafetyChecker {
  /** The one decided log seen so far; "…" where only a trimmed prefix was seen. */
  readonly canonical: string[] = [];
  brokenDisks = false;
  readonly #decided = new Map<NodeId, number>();
  readonly #kept = new Map<NodeId, string[]>();
  readonly #promises = new Map<NodeId, Ballot>();
  readonly #told = new Map<NodeId, Ballot>();
  readonly #persisted = new Map<NodeId, number>();
  readonly #ledBy = new Map<string, string>();

  check(pid: NodeId, node: Node): void {
    node.checkInvariants();
    this.#keepsDecided(pid, node);
    if (this.brokenDisks) return;
    const { decidedIdx, acceptedIdx, promise } = node;
    const before = this.#decided.get(pid) ?? 0;
    if (decidedIdx < before) throw new Error(`node ${pid}: decided ${before} became ${decidedIdx}`);
    this.#decided.set(pid, decidedIdx);
    if (decidedIdx > acceptedIdx) throw new Error(`node ${pid}: decided beyond its log`);
    const promised = this.#promises.get(pid);
    if (promised !== undefined && compareBallots(promise, promised) < 0) {
      throw new Error(`node ${pid}: its promise went backwards`);
    }
    this.#promises.set(pid, promise);
    const { contradiction, counters } = node;
    if (contradiction !== null) throw new Error(`node ${pid}: ${JSON.stringify(contradiction)}`);
    if (counters.misbehaved > 0) throw new Error(`node ${pid} finds that somebody misbehaves`);
    this.#agree(pid, decidedOf(node));
  }

  restarted(pid: NodeId): void {
    this.#kept.delete(pid);
    this.#decided.delete(pid);
    this.#persisted.delete(pid);
    const told = this.#told.get(pid);
    if (told === undefined) this.#promises.delete(pid);
    else this.#promises.set(pid, told);
  }

  persisted(pid: NodeId, seq: number): void {
    this.#persisted.set(pid, seq);
  }

  persistedSeq(pid: NodeId): number {
    return this.#persisted.get(pid) ?? 0;
  }

  /** CORE-8. */
  durable(pid: NodeId, node: Node, disk: SimDisk<string, Folded>): void {
    const { promise, acceptedRound, entries, compactedIdx, stopSign, decidedIdx } = disk.state;
    const acceptedIdx = compactedIdx + entries.length + (stopSign === null ? 0 : 1);
    const said = JSON.stringify(node.durable);
    const found = JSON.stringify({ promise, acceptedRound, acceptedIdx, decidedIdx });
    if (said !== found)
      throw new Error(`node ${pid} says ${said} is on disk, and there is ${found}`);
  }

  /** A message leaves its node for good. */
  left(pid: NodeId, incarnation: number, disk: SimDisk<string, Folded>, message: Message): void {
    if (this.brokenDisks) return;
    const { promise, acceptedRound, entries, compactedIdx, stopSign, decidedIdx } = disk.state;
    const accepted = compactedIdx + entries.length + (stopSign === null ? 0 : 1);
    const require = (condition: boolean, what: string): void => {
      if (!condition)
        throw new Error(`node ${pid}: ${message.type} left before ${what} was durable`);
    };
    switch (message.type) {
      case "prepare":
        require(compareBallots(promise, message.n) >= 0, "its promise");
        this.#lead(pid, incarnation, message.n);
        break;
      case "promise":
      case "prepareReq":
      case "notAccepted":
        require(compareBallots(promise, message.n) >= 0, "its promise");
        this.#tell(pid, message.n);
        if (message.type === "promise" && compareBallots(promise, message.n) === 0) {
          require(compareBallots(acceptedRound, message.acceptedRound) >= 0, "its accepted round");
          // A copy that waited behind others may leave after its promise was answered: the log is of a newer round then.
          if (compareBallots(acceptedRound, message.acceptedRound) === 0) {
            require(accepted >= message.acceptedIdx, "the log it reports");
          }
        }
        break;
      case "accepted":
        require(compareBallots(promise, message.n) >= 0, "its promise");
        require(compareBallots(acceptedRound, message.n) >= 0, "its accepted round");
        if (compareBallots(acceptedRound, message.n) === 0) {
          require(accepted >= message.acceptedIdx, "the log it names");
        }
        require(decidedIdx >= message.decidedIdx, "the decided index it names");
        this.#tell(pid, message.n);
        break;
      case "acceptSync":
      case "acceptDecide":
        this.#lead(pid, incarnation, message.n);
        break;
      default:
        break;
    }
  }

  #keepsDecided(pid: NodeId, node: Node): void {
    const kept = this.#kept.get(pid) ?? [];
    this.#kept.set(pid, kept);
    const { decidedIdx, compactedIdx } = node;
    if (decidedIdx < kept.length)
      throw new Error(`node ${pid}: decided ${kept.length} became less`);
    for (let idx = compactedIdx; idx < decidedIdx; idx += 1) {
      const entry = node.entryAt(idx) ?? "SS";
      if (kept[idx] !== undefined && kept[idx] !== entry) {
        throw new Error(`node ${pid}: decided ${kept[idx]} at ${idx} became ${entry}`);
      }
      kept[idx] = entry;
    }
  }

  #tell(pid: NodeId, promise: Ballot): void {
    const told = this.#told.get(pid);
    if (told === undefined || compareBallots(promise, told) > 0) this.#told.set(pid, promise);
  }

  #lead(pid: NodeId, incarnation: number, n: Ballot): void {
    const key = `${n.configId}.${n.n}.${n.priority}.${n.pid}`;
    const who = `${pid}#${incarnation}`;
    const before = this.#ledBy.get(key);
    if (before !== undefined && before !== who) {
      throw new Error(`ballot ${key} was led by ${before} and by ${who}`);
    }
    this.#ledBy.set(key, who);
    this.#tell(pid, n);
  }

  #agree(pid: NodeId, decided: readonly string[]): void {
    const { canonical } = this;
    decided.forEach((entry, idx) => {
      const known = canonical[idx];
      if (known === undefined || known === "…") canonical[idx] = entry;
      else if (entry !== "…" && entry !== known) {
        throw new Error(
          `node ${pid}: decided ${entry} at ${idx}, where ${known} was decided before`,
        );
      }
    });
  }
}
