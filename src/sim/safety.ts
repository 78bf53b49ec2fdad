/**
 * What must hold after every step, whatever happens. Stands outside the code it checks and keeps its own memory, which no
 * crash erases.
 */
import { assert } from "../base/assert.ts";
import { sameBytes } from "../base/bytes.ts";
import { compareBallots, type Ballot } from "../omnipaxos/index.ts";
import type { Replica } from "../replica/replica.ts";
import type { PeerMessage } from "../wire/peer.ts";

interface Life {
  readonly number: number;
  decidedIdx: number;
  appliedIdx: number;
  promise: Ballot;
}

/** What a node has told others, in any life. */
interface Said {
  promise: Ballot | null;
  acceptedRound: Ballot | null;
  acceptedIdx: number;
}

/**
 *   V1. Decided logs agree: whoever decides an index, in whatever life, decides the same entry there.
 *   V2. Within a life, decided and applied index and promise never go back; applied <= decided <= accepted.
 *   V3. A ballot is prepared by one life of one node only.
 *   V4. States at the same index are the same.
 *   V5. A promise or vote that left a node survives every crash of it.
 *   V6. So does the mark that its log has begun, by which a log that was taken away is told from one that never was.
 */
export class SafetyChecker {
  readonly #decided: (Uint8Array | undefined)[] = [];
  readonly #lives = new Map<number, Life>();
  readonly #said = new Map<number, Said>();
  readonly #leaders = new Map<string, string>();
  readonly #stateHashes = new Map<number, string>();

  /** Everything that any node has decided, ever. */
  get decided(): readonly (Uint8Array | undefined)[] {
    return this.#decided;
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
    this.#checkSaid(node, replica);
    this.#checkState(node, replica);
  }

  /** A message leaves a node. */
  onSent(node: number, message: PeerMessage): void {
    if (message.type === "prepare") this.#onLeading(node, message.n);
    if (message.type !== "promise" && message.type !== "accepted") return;
    const said = this.#said.get(node) ?? { promise: null, acceptedRound: null, acceptedIdx: 0 };
    this.#said.set(node, said);
    if (said.promise === null || compareBallots(message.n, said.promise) > 0) {
      said.promise = message.n;
    }
    if (message.type !== "accepted") return;
    const order = said.acceptedRound === null ? 1 : compareBallots(message.n, said.acceptedRound);
    if (order > 0) {
      said.acceptedRound = message.n;
      said.acceptedIdx = message.acceptedIdx;
    } else if (order === 0) {
      said.acceptedIdx = Math.max(said.acceptedIdx, message.acceptedIdx);
    }
  }

  /** @param logBegun what its disk says after the crash */
  onCrash(node: number, logBegun: boolean): void {
    assert(
      logBegun || !this.#said.has(node),
      `node ${node}: its identity does not say that its log has begun, which others have heard of`,
    );
  }

  check(node: number, replica: Replica): void {
    const { core } = replica;
    const life = this.#lives.get(node);
    assert(life !== undefined, "a node is checked after its start");
    core.checkInvariants();
    assert(core.contradiction === null, `node ${node}: contradicted although every disk is honest`);
    if (core.promise !== life.promise) {
      assert(compareBallots(core.promise, life.promise) >= 0, `node ${node}: promise went back`);
      life.promise = core.promise;
    }
    if (core.decidedIdx !== life.decidedIdx) this.#onDecided(node, life, replica);
    if (replica.appliedIdx !== life.appliedIdx) {
      assert(replica.appliedIdx > life.appliedIdx, `node ${node}: applied index went back`);
      assert(replica.appliedIdx <= core.decidedIdx, `node ${node}: applied what is not decided`);
      life.appliedIdx = replica.appliedIdx;
      this.#checkState(node, replica);
    }
  }

  #checkSaid(node: number, { core }: Replica): void {
    const said = this.#said.get(node);
    if (said === undefined) return;
    if (said.promise !== null) {
      assert(
        compareBallots(core.promise, said.promise) >= 0,
        `node ${node}: came back with promise ${ballotText(core.promise)}, had told ${ballotText(said.promise)}`,
      );
    }
    if (said.acceptedRound === null) return;
    const order = compareBallots(core.acceptedRound, said.acceptedRound);
    const name = `${ballotText(said.acceptedRound)} up to ${said.acceptedIdx}`;
    const has = `${ballotText(core.acceptedRound)} up to ${core.acceptedIdx}`;
    assert(
      order > 0 || (order === 0 && core.acceptedIdx >= said.acceptedIdx),
      `node ${node}: came back having accepted ${has}, had told ${name}`,
    );
  }

  #checkState(node: number, { appliedIdx, state }: Replica): void {
    const hash = state.hash();
    const known = this.#stateHashes.get(appliedIdx);
    if (known === undefined) this.#stateHashes.set(appliedIdx, hash);
    else {
      assert(known === hash, `node ${node}: its state at index ${appliedIdx} is not the others'`);
    }
  }

  #onDecided(node: number, life: Life, replica: Replica): void {
    const { core } = replica;
    assert(core.decidedIdx > life.decidedIdx, `node ${node}: decided index went back`);
    for (let idx = Math.max(life.decidedIdx, core.compactedIdx); idx < core.decidedIdx; idx++) {
      const entry = core.entryAt(idx);
      if (entry === undefined) continue;
      const known = this.#decided[idx];
      if (known === undefined) this.#decided[idx] = Uint8Array.from(entry);
      else assert(sameBytes(known, entry), `node ${node}: decided another entry at index ${idx}`);
    }
    life.decidedIdx = core.decidedIdx;
  }

  #onLeading(node: number, ballot: Ballot): void {
    const name = ballotText(ballot);
    const who = `${node} in life ${this.#lives.get(node)?.number}`;
    const known = this.#leaders.get(name);
    if (known === undefined) this.#leaders.set(name, who);
    else assert(known === who, `ballot ${name} was led by node ${known} and by node ${who}`);
  }
}

export function ballotText({ n, priority, pid }: Ballot): string {
  return `${n}.${priority}.${pid}`;
}
