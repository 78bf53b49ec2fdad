/**
 * By which rules this node may propose: a node that does not know those of an entry stops at it, and so does every other node of its
 * version. Nodes tell each other which they know, with the hashes of their states.
 *
 * Invariant:
 *   RULES-1. What is better proposed by newer rules, and can be by older ones (GroupOutline), is proposed by the newer ones only while
 *       this node has a session with every other one, and each has said in it that it knows them; or once the log has an entry of them,
 *       which every node has to read anyway. So in a cluster whose nodes are upgraded one by one none stops.
 */
import type { NodeId } from "../../omnipaxos/index.ts";
import { type EntryRules, NEWEST_RULES } from "../../store/operations/index.ts";

/** Of a node that says nothing of its rules: the last ones whose programs did not. */
const UNTOLD: EntryRules = 8;

export class RulesOfAll {
  readonly #peers: () => number;
  readonly #met: () => number;
  /** In the session that there is with each. */
  readonly #told = new Map<NodeId, number>();

  /**
   * @param peers how many nodes the cluster has beside this one
   * @param met the newest version of an entry that the log has had for sure
   */
  constructor(peers: () => number, met: () => number) {
    this.#peers = peers;
    this.#met = met;
  }

  /** @param rules the newest that it knows; null: it is of a version that does not tell */
  told(peer: NodeId, rules: number | null): void {
    this.#told.set(peer, rules ?? UNTOLD);
  }

  onSessionEnd(peer: NodeId): void {
    this.#told.delete(peer);
  }

  /** The newest that every node knows, or has to. */
  get known(): number {
    const isTold = this.#told.size === this.#peers();
    return Math.max(this.#met(), isTold ? Math.min(NEWEST_RULES, ...this.#told.values()) : UNTOLD);
  }
}
