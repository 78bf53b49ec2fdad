/**
 * The invariants that must hold after every step. This stands outside the code it checks and keeps its own memory, which no crash
 * erases.
 */
import { assert, sameBytes } from "../../base/index.ts";
import {
  BALLOT_BOTTOM,
  ballotText,
  compareBallots,
  type Ballot,
  type DurableMark,
} from "../../omnipaxos/index.ts";
import type { Divergence, Replica } from "../../replica/index.ts";
import type { PeerMessage } from "../../protocol/peer/index.ts";
import type { Trust } from "./trust.ts";

interface Life {
  readonly number: number;
  decidedIdx: number;
  appliedIdx: number;
  promise: Ballot;
  durable: DurableMark;
  /** It holds all that it has told, so that what it tells counts. */
  counts: boolean;
  alarm: Divergence | null;
}

/** The state that a node has reported, to others or itself, as being on its disk, in any life. */
interface Said {
  promise: Ballot;
  acceptedRound: Ballot;
  acceptedIdx: number;
  decidedIdx: number;
}

/**
 *   SAFETY-1. Decided logs agree: every node that decides an index, in any life, decides the same entry there.
 *   SAFETY-2. Within a life, decided and applied index and promise never go back; applied <= decided <= accepted.
 *   SAFETY-3. A ballot is prepared by one life of one node only.
 *   SAFETY-4. States at the same index are the same.
 *   SAFETY-5. A promise or vote that left a node survives every crash of it.
 *   SAFETY-6. So does the mark that its log has begun, by which a log that was taken away is told from one that never was.
 *   SAFETY-7. No node finds that its state is not that of another one (which SAFETY-4 says of all of them, from outside).
 *   SAFETY-8. An empty disk that takes the place of a lost one has everything that was decided until the old one was gone, and
 *       until it has its place it says nothing that counts as a vote.
 *
 * Of a disk that lacks something SAFETY-5 holds no longer: `Trust` says what must become of it. When the run is beyond what can be
 * promised, what is broken is collected rather than thrown: then it must be noticed.
 */
export class SafetyChecker {
  readonly #trust: Trust;
  readonly #decided: (Uint8Array | undefined)[] = [];
  readonly #lives = new Map<number, Life>();
  /** By node: what twins have told counts together. */
  readonly #said = new Map<number, Said>();
  readonly #leaders = new Map<string, { readonly node: number; readonly life: number }>();
  readonly #stateHashes = new Map<number, string>();
  readonly #leases = new Map<number, readonly number[]>();
  /** What each node has decided on its disk, by index. */
  readonly #own = new Map<number, (Uint8Array | undefined)[]>();
  /** How far any node had decided when the node lost the disk that had last taken part for it. */
  readonly #decidedBefore = new Map<number, number>();
  /** Nodes for which no disk has taken part since: what happens to one that only waits for the place moves nothing. */
  readonly #placeless = new Set<number>();
  readonly #joining = new Map<number, Replica>();
  readonly #broken: string[] = [];
  #mayDiverge = false;

  constructor(trust: Trust) {
    this.#trust = trust;
  }

  /** What was broken while the run is beyond what can be promised. */
  get broken(): readonly string[] {
    return this.#broken;
  }

  /** Two of these nodes have decided different entries at one index; null: none have. */
  differenceOf(nodes: readonly number[]): string | null {
    for (const [i, a] of nodes.entries()) {
      for (const b of nodes.slice(i + 1)) {
        const [one, other] = [this.#own.get(a) ?? [], this.#own.get(b) ?? []];
        const idx = one.findIndex((entry, at) => isOther(entry, other[at]));
        if (idx >= 0) return `nodes ${a} and ${b} have decided different entries at index ${idx}`;
      }
    }
    return null;
  }

  /** Everything that any node has decided, ever. */
  get decided(): readonly (Uint8Array | undefined)[] {
    return this.#decided;
  }

  /** The ids of leases that nodes had when they had applied so much of the log. */
  get leasesAt(): ReadonlyMap<number, readonly number[]> {
    return this.#leases;
  }

  /** Whether states differ on purpose: then SAFETY-4 and SAFETY-7 do not hold, and the product must notice. */
  get mayDiverge(): boolean {
    return this.#mayDiverge;
  }

  allowDivergence(): void {
    this.#mayDiverge = true;
  }

  /** The node's disk is another one from now on, or not what it was. */
  onDiskChanged(node: number): void {
    if (!this.#placeless.has(node)) this.#decidedBefore.set(node, this.#decided.length);
    this.#own.delete(node);
    this.#joining.delete(node);
    const life = this.#lives.get(node);
    if (life !== undefined) life.counts = false;
  }

  /** What the node has told of votes and this disk does not hold; null: nothing. */
  lackOf(node: number, { core }: Replica): string | null {
    const said = this.#said.get(this.#trust.nodeAt(node));
    if (said === undefined) return null;
    if (compareBallots(core.promise, said.promise) < 0) {
      return `promise ${ballotText(core.promise)}, had told ${ballotText(said.promise)}`;
    }
    if (core.decidedIdx < said.decidedIdx) {
      return `${core.decidedIdx} entries decided, had told ${said.decidedIdx}`;
    }
    const order = compareBallots(core.acceptedRound, said.acceptedRound);
    if (order > 0 || (order === 0 && core.acceptedIdx >= said.acceptedIdx)) return null;
    const name = `${ballotText(said.acceptedRound)} up to ${said.acceptedIdx}`;
    const has = `${ballotText(core.acceptedRound)} up to ${core.acceptedIdx}`;
    return `having accepted ${has}, had told ${name}`;
  }

  /** @param isWhole the disk is to hold all that it has told */
  onStart(node: number, replica: Replica, isWhole: boolean): void {
    const { core } = replica;
    const joins = replica.joining !== null || this.#joining.has(node);
    const lack = joins ? null : this.lackOf(node, replica);
    if (joins) {
      this.#joining.set(node, replica);
      this.#placeless.add(node);
    } else if (lack === null) this.#placeless.delete(node);
    if (isWhole) this.#hold(lack === null, `node ${node}: came back with ${lack}`);
    if (!isWhole && this.#trust.nodeAt(node) === node) this.#forgetBallots(node);
    this.#lives.set(node, {
      number: (this.#lives.get(node)?.number ?? 0) + 1,
      // What it decided and had not on disk it may forget; it is decided all the same, and SAFETY-1 remembers.
      decidedIdx: core.decidedIdx,
      appliedIdx: replica.appliedIdx,
      promise: core.promise,
      durable: core.durable,
      counts: lack === null && !joins,
      alarm: null,
    });
    // This includes state that a crash left on disk and no node was told of yet: the node will report it now.
    this.#raise(node, core.durable);
    // What was decided and not on disk may be decided anew.
    const own = this.#own.get(node);
    if (own !== undefined) own.length = Math.min(own.length, core.decidedIdx);
    this.#checkState(node, replica);
  }

  /** A message leaves a node. */
  onSent(node: number, message: PeerMessage): void {
    if (message.type === "prepare") this.#onLeading(node, message.n);
    this.#checkVote(node, message.type);
    const nothing = { promise: BALLOT_BOTTOM, acceptedRound: BALLOT_BOTTOM };
    if (message.type === "promise") {
      this.#raise(node, { ...nothing, promise: message.n, acceptedIdx: 0, decidedIdx: 0 });
    } else if (message.type === "accepted") {
      const { n, acceptedIdx, decidedIdx } = message;
      this.#raise(node, { promise: n, acceptedRound: n, acceptedIdx, decidedIdx });
    }
  }

  /** @param logBegun what its disk says after the crash */
  onCrash(node: number, logBegun: boolean): void {
    // A disk that was emptied has said nothing yet.
    const said =
      this.#lives.get(node)?.counts === false
        ? undefined
        : this.#said.get(this.#trust.nodeAt(node));
    assert(
      logBegun || said === undefined || said.promise.n === 0,
      `node ${node}: its identity does not say that its log has begun, which others have heard of`,
    );
  }

  check(node: number, replica: Replica): void {
    const { core } = replica;
    const life = this.#lives.get(node);
    assert(life !== undefined, "a node is checked after its start");
    core.checkInvariants();
    const [alarm] = replica.alarms;
    if (alarm !== undefined && alarm !== life.alarm) {
      life.alarm = alarm;
      this.#trust.onAlarm();
    }
    this.#hold(
      alarm === undefined || this.#mayDiverge,
      `node ${node}: its state is not that of node ${(alarm?.peer ?? 0) - 1} at ${alarm?.differsIdx}, it says`,
    );
    this.#hold(
      core.contradiction === null,
      `node ${node}: contradicted although every disk that lacks something is refused`,
    );
    if (this.#joining.has(node)) this.#checkVote(node, "report");
    if (core.durable !== life.durable) {
      life.durable = core.durable;
      this.#raise(node, core.durable);
    }
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

  /** SAFETY-8. */
  #checkVote(node: number, type: PeerMessage["type"]): void {
    const replica = this.#joining.get(node);
    if (replica === undefined) return;
    if (replica.joining !== null) {
      const text = `node ${node} says ${type} before it has its place`;
      return this.#hold(!COUNTS.has(type), text);
    }
    this.#joining.delete(node);
    this.#placeless.delete(node);
    this.#trust.onPlaced(node);
    // From here on this disk answers for the node; what the lost one had told is told no more.
    const { durable } = replica.core;
    this.#said.set(this.#trust.nodeAt(node), { ...durable });
    const life = this.#lives.get(node);
    if (life !== undefined) life.counts = true;
    const before = this.#decidedBefore.get(node) ?? 0;
    const { acceptedIdx } = durable;
    this.#hold(
      acceptedIdx >= before,
      `node ${node} takes its place with ${acceptedIdx} entries, and ${before} had been decided`,
    );
  }

  /** What is broken is a failure, or, beyond what can be promised, has to be noticed. */
  #hold(condition: boolean, text: string): void {
    if (condition) return;
    assert(this.#trust.beyond !== null, text);
    this.#broken.push(text);
  }

  /** On another disk a node may use a ballot again that it has drawn and led no node with. */
  #forgetBallots(node: number): void {
    const own = `.${node + 1}`;
    for (const name of this.#leaders.keys()) if (name.endsWith(own)) this.#leaders.delete(name);
  }

  #raise(node: number, told: Said): void {
    if (this.#lives.get(node)?.counts === false) return;
    const id = this.#trust.nodeAt(node);
    const said = this.#said.get(id);
    if (said === undefined) {
      this.#said.set(id, { ...told });
      return;
    }
    if (compareBallots(told.promise, said.promise) > 0) said.promise = told.promise;
    said.decidedIdx = Math.max(said.decidedIdx, told.decidedIdx);
    const order = compareBallots(told.acceptedRound, said.acceptedRound);
    if (order < 0 || (order === 0 && told.acceptedIdx <= said.acceptedIdx)) return;
    said.acceptedRound = told.acceptedRound;
    said.acceptedIdx = told.acceptedIdx;
  }

  #checkState(node: number, { appliedIdx, state }: Replica): void {
    if (this.#mayDiverge) return;
    const { oldest, hash: versions, bytes } = state.cells.history;
    const leases = state.leases.sortedIds();
    const hash = `${state.hash()} ${oldest} ${versions} ${bytes} ${leases.join()}`;
    const known = this.#stateHashes.get(appliedIdx);
    if (known === undefined) {
      this.#stateHashes.set(appliedIdx, hash);
      this.#leases.set(appliedIdx, leases);
    } else {
      this.#hold(
        known === hash,
        `node ${node}: its state at index ${appliedIdx} is not the others'`,
      );
    }
  }

  #onDecided(node: number, life: Life, replica: Replica): void {
    const { core } = replica;
    assert(core.decidedIdx > life.decidedIdx, `node ${node}: decided index went back`);
    const own = this.#own.get(node) ?? [];
    this.#own.set(node, own);
    for (let idx = Math.max(life.decidedIdx, core.compactedIdx); idx < core.decidedIdx; idx++) {
      const entry = core.entryAt(idx);
      if (entry === undefined) continue;
      const known = this.#decided[idx] ?? Uint8Array.from(entry);
      this.#decided[idx] ??= known;
      const isSame = sameBytes(known, entry);
      own[idx] = isSame ? known : Uint8Array.from(entry);
      this.#hold(isSame, `node ${node}: decided another entry at index ${idx}`);
    }
    life.decidedIdx = core.decidedIdx;
  }

  #onLeading(node: number, ballot: Ballot): void {
    const name = ballotText(ballot);
    const who = { node, life: this.#lives.get(node)?.number ?? 0 };
    const known = this.#leaders.get(name);
    if (known === undefined) {
      this.#leaders.set(name, who);
      return;
    }
    const id = this.#trust.nodeAt(node);
    if (known.node !== node && this.#trust.nodeAt(known.node) === id) {
      this.#trust.onLedTwice(id, name);
    }
    const isSame = known.node === node && known.life === who.life;
    this.#hold(
      isSame,
      `ballot ${name} was led by node ${known.node} in life ${known.life} and by node ${node} in life ${who.life}`,
    );
  }
}

/** What a quorum may be made of. */
const COUNTS: ReadonlySet<PeerMessage["type"]> = new Set([
  "heartbeatRequest",
  "heartbeatReply",
  "prepare",
  "promise",
  "accepted",
  "acceptSync",
  "acceptDecide",
  "readAck",
  "readIndex",
  "quorumReadAck",
]);

function isOther(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a !== undefined && b !== undefined && a !== b && !sameBytes(a, b);
}
