/**
 * What must hold after every step, whatever happens. Stands outside the code it checks and keeps its own memory, which no
 * crash erases.
 */
import { assert } from "../base/assert.ts";
import type { Ballot } from "../omnipaxos/index.ts";
import type { Replica } from "../replica/replica.ts";
import { hashBytes } from "./seeded-random.ts";

interface Life {
  readonly number: number;
  decidedIdx: number;
  appliedIdx: number;
  promise: Ballot;
}

/**
 *   V1. Decided logs agree: whoever decides an index, in whatever life, decides the same entry there.
 *   V2. Within a life, decided and applied index and promise never go back; applied <= decided <= accepted.
 *   V3. A ballot is led by one life of one node only.
 *   V4. Snapshots and states at the same index are the same.
 *   V5. A promise or vote that a peer may have heard of survives a crash.
 */
export class SafetyChecker {
  /** Hash of the decided entry at each index. */
  readonly #decided: number[] = [];
  readonly #lives = new Map<number, Life>();
  readonly #leaders = new Map<string, string>();
  readonly #stateHashes = new Map<number, string>();

  get decidedCount(): number {
    return this.#decided.length;
  }

  onStart(node: number, replica: Replica): void {
    const { core } = replica;
    this.#lives.set(node, {
      number: (this.#lives.get(node)?.number ?? 0) + 1,
      // What it decided and had not on disk it may forget; it is decided all the same, and V1 remembers.
      decidedIdx: core.decidedIdx,
      appliedIdx: replica.appliedIdx,
      promise: core.promise,
    });
  }

  check(node: number, replica: Replica): void {
    const { core } = replica;
    const life = this.#lives.get(node);
    assert(life !== undefined, "a node is checked after its start");
    core.checkInvariants();
    if (core.promise !== life.promise) {
      assert(compare(core.promise, life.promise) >= 0, `node ${node}: promise went back`);
      life.promise = core.promise;
    }
    if (core.decidedIdx !== life.decidedIdx) this.#onDecided(node, life, replica);
    assert(replica.appliedIdx >= life.appliedIdx, `node ${node}: applied index went back`);
    assert(replica.appliedIdx <= core.decidedIdx, `node ${node}: applied what is not decided`);
    life.appliedIdx = replica.appliedIdx;
    if (core.adoptedIdx !== null) this.#onLeading(node, life, core.promise);
  }

  /** V4, when the states of several nodes are at hand. */
  checkState(node: number, appliedIdx: number, hash: string): void {
    const known = this.#stateHashes.get(appliedIdx);
    if (known === undefined) this.#stateHashes.set(appliedIdx, hash);
    else assert(known === hash, `node ${node}: its state at index ${appliedIdx} is not the others'`);
  }

  #onDecided(node: number, life: Life, replica: Replica): void {
    const { core } = replica;
    assert(core.decidedIdx > life.decidedIdx, `node ${node}: decided index went back`);
    for (let idx = Math.max(life.decidedIdx, core.compactedIdx); idx < core.decidedIdx; idx++) {
      const entry = core.entryAt(idx);
      if (entry === undefined) continue;
      const hash = hashBytes(entry);
      const known = this.#decided[idx];
      if (known === undefined) this.#decided[idx] = hash;
      else assert(known === hash, `node ${node}: decided another entry at index ${idx}`);
    }
    life.decidedIdx = core.decidedIdx;
  }

  #onLeading(node: number, life: Life, ballot: Ballot): void {
    const name = `${ballot.n}.${ballot.priority}.${ballot.pid}`;
    const who = `${node} in life ${life.number}`;
    const known = this.#leaders.get(name);
    if (known === undefined) this.#leaders.set(name, who);
    else assert(known === who, `ballot ${name} was led by node ${known} and by node ${who}`);
  }
}

function compare(a: Ballot, b: Ballot): number {
  return a.n - b.n || a.priority - b.priority || a.pid - b.pid;
}
