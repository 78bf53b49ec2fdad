/**
 * Which password the node hashes next. A hash is slow on purpose, so the queue bounds its use, by address and by name of user, and shares
 * it.
 *
 * Invariants:
 *   SIGNINQUEUE-1. One hash runs at a time. At most WAITING_MAX requests wait, of them at most STRANGERS_MAX from addresses without a
 *       recent sign-in (strangers), and at most OF_STRANGER_MAX from one of these. So a user at an address with a recent sign-in always
 *       finds a place that no stranger can take.
 *   SIGNINQUEUE-2. When all places are taken, the address with the most waiting requests gives one up for another address of its kind that
 *       has fewer; of several, the one with more wrong passwords. So an address that has not failed is let in before those that have.
 *   SIGNINQUEUE-3. Strangers and the others take turns, and so do the addresses of each kind: no address waits for more than one hash of
 *       each other address before its own first one.
 *   SIGNINQUEUE-4. After ADDRESS_FAILURES wrong passwords an address may try once a second; after USER_FAILURES for one name, all
 *       strangers together may try that name five times a second. Strangers' attempts on a name do not delay its user at an address with a
 *       recent sign-in.
 */
import { addressOf, KvError } from "../../base/index.ts";

const WAITING_MAX = 64;
const STRANGERS_MAX = 48;
const OF_STRANGER_MAX = 8;
const OF_KNOWN_MAX = 32;
/** Since the last success from there. */
const KNOWN_MS = 60 * 60_000;
const ADDRESS_FAILURES = 20;
const ADDRESS_FAILURES_PER_S = 1;
const USER_FAILURES = 50;
const USER_FAILURES_PER_S = 5;
/** Addresses and names that the queue remembers; it forgets those longest without news. */
const REMEMBERED_MAX = 4096;

/** The result for a password: null says that there was nothing to compare it with. */
export type Verdict = "right" | "wrong" | null;

export interface Entrant {
  /** The connection's address, with its port. */
  readonly remote: string;
  /** Null: no name is tried; the node has already let this user in. */
  readonly user: string | null;
}

interface Job {
  readonly address: string;
  readonly user: string | null;
  run(over: (verdict: Verdict) => void): void;
  givesWay(error: KvError): void;
}

interface Failures {
  /** Falls with time. */
  count: number;
  atMs: number;
}

export class SignInQueue {
  readonly #nowMs: () => number;
  /** In the order in which their turns come (SIGNINQUEUE-3). */
  readonly #strangers = new Map<string, Job[]>();
  readonly #others = new Map<string, Job[]>();
  #waitingStrangers = 0;
  #waitingOthers = 0;
  /** By address: when a user last signed in from there. */
  readonly #knownMs = new Map<string, number>();
  readonly #ofAddress = new Map<string, Failures>();
  readonly #ofUser = new Map<string, Failures>();
  #isBusy = false;
  #lastWasStranger = false;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /**
   * @param run called once when its turn has come, perhaps within this call; it calls `over` when the next may run
   * @param givesWay called instead when the request must leave the queue (SIGNINQUEUE-2)
   * @returns why it cannot wait here now; null: it waits
   */
  enter({ remote, user }: Entrant, run: Job["run"], givesWay: Job["givesWay"]): KvError | null {
    const address = addressOf(remote);
    // A user who changes a password has been let in already.
    const isKnown = user === null || this.#isKnown(address);
    const job: Job = { address, user, run, givesWay };
    if (user !== null) {
      const ofAddress = failuresIn(this.#ofAddress, address, ADDRESS_FAILURES_PER_S, this.#nowMs());
      if (ofAddress > ADDRESS_FAILURES - 1) return new KvError("OVERLOADED", ADDRESS_TEXT);
      const ofUser = failuresIn(this.#ofUser, user, USER_FAILURES_PER_S, this.#nowMs());
      if (!isKnown && ofUser > USER_FAILURES - 1) return new KvError("OVERLOADED", USER_TEXT);
    }
    if (!this.#makeRoom(address, isKnown)) return new KvError("OVERLOADED", CROWDED_TEXT);
    const queues = isKnown ? this.#others : this.#strangers;
    const queue = queues.get(address);
    if (queue === undefined) queues.set(address, [job]);
    else queue.push(job);
    if (isKnown) this.#waitingOthers += 1;
    else this.#waitingStrangers += 1;
    this.#next();
    return null;
  }

  /** SIGNINQUEUE-1 and SIGNINQUEUE-2. */
  #makeRoom(address: string, isKnown: boolean): boolean {
    const own = (isKnown ? this.#others : this.#strangers).get(address)?.length ?? 0;
    if (own >= (isKnown ? OF_KNOWN_MAX : OF_STRANGER_MAX)) return false;
    const isFull = this.#waitingStrangers + this.#waitingOthers >= WAITING_MAX;
    if (isKnown) {
      return (
        !isFull || this.#giveUpOne(this.#strangers, null) || this.#giveUpOne(this.#others, address)
      );
    }
    if (!isFull && this.#waitingStrangers < STRANGERS_MAX) return true;
    return this.#giveUpOne(this.#strangers, address);
  }

  /** @param newcomer the address for which one of the same kind leaves; null: one that goes before all of these */
  #giveUpOne(queues: Map<string, Job[]>, newcomer: string | null): boolean {
    const weigh = (address: string): number => this.#weighs(queues.get(address), address);
    let victim: string | null = newcomer;
    for (const address of queues.keys()) {
      const isHeavier = victim === null || weigh(address) > weigh(victim);
      if (isHeavier) victim = address;
    }
    if (victim === null || victim === newcomer) return false;
    const queue = queues.get(victim);
    const job = queue?.pop();
    if (queue === undefined || job === undefined) return false;
    if (queue.length === 0) queues.delete(victim);
    if (queues === this.#strangers) this.#waitingStrangers -= 1;
    else this.#waitingOthers -= 1;
    job.givesWay(new KvError("OVERLOADED", CROWDED_TEXT));
    return true;
  }

  /** The weight of an address that has these requests, or would have with one more: the heavier address gives way. */
  #weighs(queue: readonly Job[] | undefined, address: string): number {
    const waiting = queue?.length ?? 0;
    const failures = failuresIn(this.#ofAddress, address, ADDRESS_FAILURES_PER_S, this.#nowMs());
    return Math.max(1, waiting) * 1000 + failures;
  }

  #next(): void {
    if (this.#isBusy) return;
    // SIGNINQUEUE-3.
    const job = this.#lastWasStranger
      ? (this.#take(this.#others, false) ?? this.#take(this.#strangers, true))
      : (this.#take(this.#strangers, true) ?? this.#take(this.#others, false));
    if (job === null) return;
    this.#isBusy = true;
    job.run((verdict) => {
      this.#isBusy = false;
      this.#learn(job, verdict);
      this.#next();
    });
  }

  #take(queues: Map<string, Job[]>, areStrangers: boolean): Job | null {
    const [first] = queues;
    if (first === undefined) return null;
    const [address, queue] = first;
    const job = queue.shift();
    queues.delete(address);
    if (queue.length > 0) queues.set(address, queue);
    if (job === undefined) return null;
    if (areStrangers) this.#waitingStrangers -= 1;
    else this.#waitingOthers -= 1;
    this.#lastWasStranger = areStrangers;
    return job;
  }

  #isKnown(address: string): boolean {
    const lastMs = this.#knownMs.get(address);
    return lastMs !== undefined && this.#nowMs() - lastMs < KNOWN_MS;
  }

  #learn({ address, user }: Job, verdict: Verdict): void {
    const nowMs = this.#nowMs();
    if (verdict === "right") keep(this.#knownMs, address, nowMs);
    if (verdict !== "wrong") return;
    fail(this.#ofAddress, address, ADDRESS_FAILURES_PER_S, nowMs);
    if (user !== null) fail(this.#ofUser, user, USER_FAILURES_PER_S, nowMs);
  }
}

function failuresIn(
  map: ReadonlyMap<string, Failures>,
  name: string,
  perSecond: number,
  nowMs: number,
): number {
  const failures = map.get(name);
  if (failures === undefined) return 0;
  return Math.max(0, failures.count - ((nowMs - failures.atMs) / 1000) * perSecond);
}

function fail(map: Map<string, Failures>, name: string, perSecond: number, nowMs: number): void {
  const count = failuresIn(map, name, perSecond, nowMs) + 1;
  keep(map, name, { count, atMs: nowMs });
}

function keep<T>(map: Map<string, T>, name: string, value: T): void {
  map.delete(name);
  map.set(name, value);
  if (map.size <= REMEMBERED_MAX) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}

const CROWDED_TEXT = "too many sign in at this node now: try again in a moment";
const ADDRESS_TEXT =
  "too many wrong passwords came from this address: it may try once a second now";
const USER_TEXT = "too many wrong passwords were tried for this name: try again in a moment";
