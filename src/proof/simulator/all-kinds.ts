/**
 * A client that asks one node for everything that a client can ask for, when all is healed. In the time of faults a request may fail, and
 * clients ask again and elsewhere: a node that never answers one kind of request, or loses every other answer, would go unnoticed. Its
 * keys are its own.
 *
 * Invariants:
 *   KINDS-1. Each kind of request is served at each node.
 *   KINDS-2. Once each was, each is answered again, at the first attempt.
 */
import { ClientCore, type Answer, type Operation } from "../../client/core/index.ts";
import type { KvError } from "../../base/index.ts";
import {
  byteStringOf,
  encodeNumbers,
  encodeTxn,
  STATUS,
  type TxnOp,
  type Where,
} from "../../store/index.ts";
import type { AskerOptions } from "./asker.ts";
import { LEASE_TTL_MAX } from "./lease-holder.ts";

export interface AllKindsOptions extends Omit<AskerOptions, "history"> {
  /** The only node that it asks. */
  readonly node: number;
}

/** What is learnt on the way. */
interface Known {
  revision: number;
  lease: number;
}

interface Step {
  readonly what: string;
  readonly operation: (known: Known) => Operation;
  /** What is wrong with the answer; null: nothing. */
  readonly check: (answer: Answer, known: Known) => string | null;
}

const AGAIN_MS = 20;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class AllKinds {
  readonly #options: AllKindsOptions;
  readonly #core: ClientCore;
  readonly #steps: readonly Step[];
  #next = 0;
  #rounds = 0;
  #lastError = "not answered";
  #wrong: string | null = null;
  #isClosed = false;

  constructor(options: AllKindsOptions) {
    this.#options = options;
    const { index, clock, network, random, nodes, node, timeoutMs } = options;
    this.#core = new ClientCore({
      nodes: nodes.filter(({ id }) => id === node),
      clock: clock.fork(),
      random: random.fork("core"),
      network: network.host(`a${index}`),
      timeoutMs,
      connectTimeoutMs: 200,
      attemptTimeoutMs: timeoutMs,
      ...options.credentials,
    });
    this.#steps = stepsOf(`p/${index}`);
  }

  /** KINDS-1 and KINDS-2, or that one of them does not hold. */
  get isOver(): boolean {
    return this.#rounds === 2 || this.#wrong !== null;
  }

  /** Null: nothing. */
  get trouble(): string | null {
    if (this.#rounds === 2) return null;
    return `at node ${this.#options.node} ${this.#wrong ?? this.#lastError}`;
  }

  start(known: Known = { revision: 0, lease: 0 }): void {
    const step = this.#steps[this.#next];
    if (step === undefined) {
      this.#rounds += 1;
      this.#next = 0;
      if (this.isOver) return this.close();
      return this.start();
    }
    this.#core.submit(step.operation(known), { node: null }, (error, answer) => {
      if (this.#wrong !== null || this.isOver) return;
      if (answer !== null) {
        const wrong = step.check(answer, known);
        if (wrong !== null) {
          this.#wrong = `${step.what}: ${wrong}`;
          return;
        }
      } else if (!this.#mayFail(error)) return this.#failed(error);
      this.#next += 1;
      this.start(known);
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#core.close();
  }

  /** Where a setting lets next to no history be kept. */
  #mayFail(error: KvError | null): boolean {
    return error?.code === "COMPACTED";
  }

  #failed(error: KvError | null): void {
    const { what = "" } = this.#steps[this.#next] ?? {};
    this.#lastError = `${what}: ${error?.code}: ${error?.message}`;
    // KINDS-2.
    if (this.#rounds > 0) {
      this.#wrong = this.#lastError;
      return;
    }
    // From the first one on: what failed may have been done.
    this.#next = 0;
    this.#options.clock.after(AGAIN_MS, () => {
      if (!this.#isClosed) this.start();
    });
  }
}

function stepsOf(name: string): readonly Step[] {
  const [key, bound] = [encoder.encode(name), encoder.encode(`${name}/bound`)];
  const where: Where = { key: byteStringOf(key) };
  const end = encoder.encode(`${name}0`);
  const range = { start: key, end, reverse: false, countOnly: false, keysOnly: false };
  const all = { ...range, limit: Number.MAX_SAFE_INTEGER, revision: 0 };
  const get: TxnOp = { op: "get", where, limit: 0, keysOnly: false, countOnly: false };
  const put = (lease: number): TxnOp => {
    const value = byteStringOf(encoder.encode("b"));
    return { op: "put", key: byteStringOf(bound), value, previous: false, lease };
  };
  const value = (text: string): Uint8Array => encoder.encode(text);
  const isNoted = (answer: Answer, known: Known): string | null => {
    known.revision = answer.revision;
    return is(STATUS.ok)(answer);
  };
  return [
    // A round that failed may have left it there, with its lease.
    step(
      "delete of what is left",
      () => ({ kind: "delete", key: bound }),
      () => null,
    ),
    step("write", () => ({ kind: "write", key, value: value("v") }), isNoted),
    step("read", () => ({ kind: "read", key, local: false, revision: 0 }), holds("v")),
    step("local read", () => ({ kind: "read", key, local: true, revision: 0 }), holds("v")),
    step(
      "read of a revision",
      ({ revision }) => ({ kind: "read", key, local: false, revision }),
      holds("v"),
    ),
    step(
      "compare and swap",
      () => ({ kind: "casValue", key, expected: value("v"), value: value("w") }),
      is(STATUS.ok),
    ),
    step(
      "compare and swap that fails",
      () => ({ kind: "casAbsent", key, value: value("x") }),
      (answer) => is(STATUS.casFailed)(answer) ?? holds("w")(answer),
    ),
    step("append", () => ({ kind: "append", key, value: value("+") }), is(STATUS.ok)),
    step("keys", () => ({ kind: "keys", keys: [key, bound], local: false, revision: 0 }), isOfOne),
    step("range", () => ({ kind: "range", range: all, local: false }), isOfOne),
    step(
      "history",
      () => ({ kind: "history", key, local: false, revision: 0, limit: 1 }),
      ({ versions }) => (versions?.items.length === 1 ? null : "not one version"),
    ),
    step(
      "transaction",
      () => ({ kind: "txn", txn: encodeTxn({ compare: [], success: [get], failure: [] }) }),
      is(STATUS.txnThen),
    ),
    step(
      "grant of a lease",
      () => ({ kind: "leaseGrant", ttl: LEASE_TTL_MAX, lease: 0 }),
      (answer, known) => {
        known.lease = answer.revision;
        return is(STATUS.ok)(answer);
      },
    ),
    step(
      "renewal of a lease",
      ({ lease }) => ({ kind: "leaseKeepAlive", numbers: encodeNumbers([lease]) }),
      ({ value: ttls }) => (ttls !== null && ttls.some((byte) => byte > 0) ? null : "it is gone"),
    ),
    step(
      "transaction with a lease",
      ({ lease }) => ({
        kind: "leasedTxn",
        txn: encodeTxn({ compare: [], success: [put(lease)], failure: [] }),
      }),
      is(STATUS.txnThen),
    ),
    step(
      "read of a lease",
      ({ lease }) => ({ kind: "lease", lease, start: new Uint8Array(0), local: false }),
      ({ leases }) => (leases?.keys.length === 1 ? null : "not the key that is bound to it"),
    ),
    step(
      "read of all leases",
      ({ lease }) => ({ kind: "leases", after: lease - 1, local: false }),
      ({ leases }, { lease }) => (leases?.leases[0]?.id === lease ? null : "not this lease"),
    ),
    step("revocation of a lease", ({ lease }) => ({ kind: "leaseRevoke", lease }), is(STATUS.ok)),
    step("delete", () => ({ kind: "delete", key }), is(STATUS.ok)),
  ];
}

function step(what: string, operation: Step["operation"], check: Step["check"]): Step {
  return { what, operation, check };
}

function holds(text: string): (answer: Answer) => string | null {
  return ({ value }) => (value !== null && decoder.decode(value) === text ? null : "another value");
}

function isOfOne({ page }: Answer): string | null {
  if (page === null || page.resume !== null) return "not all of it";
  return Array.from(page.items).length === 1 ? null : "not one key";
}

function is(expected: number): (answer: Answer) => string | null {
  return ({ status }) => (status === expected ? null : `answered with status ${status}`);
}
