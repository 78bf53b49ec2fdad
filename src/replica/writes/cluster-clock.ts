/**
 * The leader's side of the cluster's clock: when it moves on, and by how much. store/keys/leases.ts applies its entries;
 * docs/adr/0012-leases.md says why the clock never runs ahead of real time.
 *
 * Invariants:
 *   CLUSTERCLOCK-1. An entry stands for a stretch of this node's monotonic time. The stretch begins when the entry before it was
 *        proposed, and not before this node was seen to lead in the accept phase of its ballot; it ends before the entry is in the
 *        log. So the clock entries that another leader finds in its log when it begins to lead stand for time before its own.
 *   CLUSTERCLOCK-2. An entry goes into this node's own log or nowhere: this node proposes it in the accept phase of the ballot that
 *        it names, and never again.
 *   CLUSTERCLOCK-3. This node proposes the next entry when it has applied the one before, and all that it took over with its ballot.
 *        So what was decided after two entries was applied at the leader before the second of them (LEASES-2), and a leader that
 *        cannot commit lets no time pass.
 *   CLUSTERCLOCK-4. While there are no leases this node proposes none.
 */
import { CLOCK_STEP_MAX_MS } from "../../base/index.ts";
import {
  buildEntry,
  encodeClock,
  GroupWriter,
  NO_SESSION,
  type KvState,
} from "../../store/index.ts";
import { ballotsEqual, type Ballot, type Phase, type Role } from "../../omnipaxos/index.ts";

/** Milliseconds from one entry to the next, at most, while there are leases. */
export const CLOCK_STEP_MS = 200;
/** And at least, where a lease waits for its time to begin, or is due: so it is late by few of these, and a quiet log is left alone. */
export const CLOCK_STEP_MIN_MS = 50;
/** Of entries that belong to no client's batch. */
const NO_BATCH = 0;

interface LeadingCore {
  readonly role: Role;
  readonly phase: Phase;
  readonly promise: Ballot;
  readonly acceptedIdx: number;
  readonly contradiction: unknown;
  append(entry: Uint8Array): unknown;
}

/** What this node has applied. */
interface Applied {
  readonly state: Pick<KvState, "appliedIdx" | "leases">;
}

/** Since this node leads with this ballot. */
interface Lead {
  readonly ballot: Ballot;
  /** Up to here time has been told, or does not count. */
  toldMs: number;
  /** Entries so far. */
  count: number;
  /** CLUSTERCLOCK-3: to be applied first. */
  waitsForIdx: number;
}

/** How long the next entry may be waited for. */
function stepMs({ hasDue, hasWaiting, nextEndInMs }: KvState["leases"]): number {
  if (hasDue) return 0;
  const wantedMs = hasWaiting ? CLOCK_STEP_MIN_MS : nextEndInMs;
  return Math.min(CLOCK_STEP_MS, Math.max(CLOCK_STEP_MIN_MS, wantedMs));
}

export class ClusterClock {
  readonly #core: LeadingCore;
  readonly #applier: Applied;
  readonly #writes: { readonly hostRefusal: unknown };
  readonly #salt: number;
  readonly #writer = new GroupWriter();
  #lead: Lead | null = null;

  /**
   * @param writes hostRefusal: why this node takes none, as its disk is full; null: it takes them
   * @param salt random per process start
   */
  constructor(
    core: LeadingCore,
    applier: Applied,
    writes: { readonly hostRefusal: unknown },
    salt: number,
  ) {
    this.#core = core;
    this.#applier = applier;
    this.#writes = writes;
    this.#salt = salt;
  }

  /** To be called each turn, after all that came in was taken in. @param nowMs of the monotonic clock, not before that */
  propose(nowMs: number): void {
    const core = this.#core;
    const lead = this.#leadAt(nowMs);
    if (lead === null) return;
    const { appliedIdx, leases } = this.#applier.state;
    if (appliedIdx < lead.waitsForIdx) return;
    if (leases.size === 0) {
      lead.toldMs = nowMs;
      return;
    }
    const passedMs = Math.floor(nowMs - lead.toldMs);
    if (passedMs < stepMs(leases)) return;
    if (this.#writes.hostRefusal !== null) return;
    // What is left of a millisecond is told by no entry: the next one is not to stand for time before this one was proposed, in
    // which a renewal was decided that both were waited for (LEASES-2). So is what is beyond the most, which counts as an
    // interruption: nobody could renew anything at a leader that stood still.
    lead.toldMs = nowMs;
    lead.count += 1;
    core.append(this.#entry(Math.min(passedMs, CLOCK_STEP_MAX_MS), lead));
    lead.waitsForIdx = core.acceptedIdx;
  }

  /** Null: this node does not lead. */
  #leadAt(nowMs: number): Lead | null {
    const { role, phase, promise, acceptedIdx, contradiction } = this.#core;
    if (role !== "leader" || phase !== "accept" || contradiction !== null) {
      this.#lead = null;
    } else if (this.#lead === null || !ballotsEqual(this.#lead.ballot, promise)) {
      this.#lead = { ballot: promise, toldMs: nowMs, count: 0, waitsForIdx: acceptedIdx };
    }
    return this.#lead;
  }

  #entry(passedMs: number, { ballot, count }: Lead): Uint8Array {
    const round = { n: ballot.n, pid: ballot.pid, salt: this.#salt };
    this.#writer.add(0, { kind: "clock", numbers: encodeClock({ passedMs, round, count }) });
    const origin = { node: ballot.pid, nonce: this.#salt, batch: NO_BATCH };
    return buildEntry(origin, [this.#writer.take(NO_SESSION, 0)]);
  }
}
