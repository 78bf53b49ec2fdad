/** A client of the cluster: the real client core on a host of its own, and its requests. */
import { operationOf } from "../../client/keys/index.ts";
import {
  type Answer,
  ClientCore,
  type CredentialOptions,
  type Operation as WireOperation,
} from "../../client/core/index.ts";
import type { CasCondition, KeyRequest, NodeAddress } from "../../client/terms/index.ts";
import { assert, type ErrorCode, type KvError, unreachable } from "../../base/index.ts";
import { STATUS } from "../../store/index.ts";
import {
  ANSWERED_WITH,
  OPERATIONS,
  PLAIN_REQUESTS,
  type AnsweredWith,
  type FieldName,
} from "../../store/operations/index.ts";
import type { Coverage } from "./coverage.ts";
import {
  adds,
  describeOperation,
  PIECE_START,
  type ClientOperation,
  type Expected,
  type History,
  type OperationRecord,
  type Outcome,
} from "./history.ts";
import type { SeededRandom } from "../../machine/ports/index.ts";
import type { SimClock } from "./sim-clock.ts";
import type { SimNetwork } from "./sim-network.ts";
import type { Trace } from "./trace.ts";

export interface SimClientOptions {
  readonly index: number;
  readonly clock: SimClock;
  readonly network: SimNetwork;
  readonly random: SeededRandom;
  readonly trace: Trace;
  readonly coverage: Coverage;
  readonly history: History;
  readonly nodes: readonly NodeAddress[];
  /** The only node it asks; null: any. */
  readonly node: number | null;
  readonly keys: number;
  /** Comes to read, half of the time a key that is its own. */
  readonly isNewcomer: boolean;
  readonly operations: number;
  readonly pipeline: number;
  readonly thinkMsMax: number;
  readonly valueBytes: number;
  /** Of a hundred writes, so many are other operations that write a value. */
  readonly others: number;
  readonly timeoutMs: number;
  /** Left out: clients need not sign in. */
  readonly credentials?: CredentialOptions;
  /** It was told that a node is not of the cluster that it knows, or not any more. */
  readonly onWrongCluster: (text: string) => void;
}

const ABSENT: ReadonlySet<Outcome["kind"]> = new Set(["notFound", "deleted", "missing"]);
const FORGED: ReadonlySet<ErrorCode> = new Set(["BAD_REQUEST", "STALE_REQUEST"]);
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class SimClient {
  readonly host: string;
  readonly #options: SimClientOptions;
  readonly #core: ClientCore;
  /** By key. A value of null: it is known when the key was written, and not what it holds. */
  readonly #seen = new Map<string, { readonly value: string | null; readonly revision: number }>();
  readonly #otherDice: SeededRandom;
  #left: number;
  #pending = 0;
  #values = 0;
  #stopped = false;

  constructor(options: SimClientOptions) {
    const { index, clock, network, random, nodes, node, timeoutMs } = options;
    this.host = `c${index}`;
    this.#options = options;
    this.#left = options.operations;
    this.#otherDice = random.fork("other operations");
    this.#core = new ClientCore({
      nodes: node === null ? nodes : nodes.filter(({ id }) => id === node),
      clock: clock.fork(),
      random: random.fork("core"),
      network: network.host(this.host),
      timeoutMs,
      connectTimeoutMs: 200,
      attemptTimeoutMs: random.pick([60, 150, 400]),
      failFast: random.chance(0.3),
      ...options.credentials,
    });
  }

  /** The only node it asks, by id; null: any. */
  get node(): number | null {
    return this.#options.node;
  }

  get isIdle(): boolean {
    return this.#pending === 0;
  }

  start(): void {
    for (let i = 0; i < this.#options.pipeline; i++) this.#think();
  }

  /** Nothing new is asked any more. */
  stopAsking(): void {
    this.#stopped = true;
  }

  close(): void {
    this.#core.close();
  }

  /** Asks for this at once, beside other requests under way. */
  submit(
    operation: ClientOperation,
    done: (record: OperationRecord) => void,
    timeoutMs?: number,
  ): void {
    const { history, trace, coverage, index } = this.#options;
    const record = history.invoke(index, operation);
    if (trace.isRead) trace.remark(this.host, `asks ${describeOperation(record)}`);
    this.#pending += 1;
    this.#core.submit(wireOperation(operation), { node: null, timeoutMs }, (error, answer) => {
      this.#pending -= 1;
      const outcome = answer === null ? failed(operation, error) : answered(operation, answer);
      history.complete(record, outcome);
      // It keeps to the rules, so no other client can have used its numbers or raised its floor.
      assert(
        error === null || !FORGED.has(error.code),
        `client ${index} was refused as if it had broken the rules: ${error?.code}: ${describeOperation(record)}`,
      );
      history.checkKey(record);
      if (error?.code === "WRONG_CLUSTER") this.#options.onWrongCluster(error.message);
      if (error !== null)
        coverage.hit(`error ${error.code}${error.definite ? "" : " (unknown outcome)"}`);
      coverage.hit(`${operation.kind}${isLocal(operation)} ${outcome.kind}`);
      this.#remember(operation, outcome);
      trace.event(
        this.host,
        `gets ${describeOperation(record)}${error === null ? "" : ` ${error.code}: ${error.message}`}`,
      );
      done(record);
    });
  }

  #think(): void {
    const { clock, random, thinkMsMax } = this.#options;
    clock.after((random.uint32() / 2 ** 32) * thinkMsMax, () => {
      if (this.#stopped || this.#left === 0) return;
      this.#left -= 1;
      this.submit(this.#draw(), () => this.#think());
    });
  }

  #draw(): ClientOperation {
    const { random, keys, isNewcomer } = this.#options;
    const key = isNewcomer && random.chance(0.5) ? `k-${this.host}` : `k${random.below(keys)}`;
    if (isNewcomer && random.chance(0.6)) return { kind: "read", key, local: false };
    const dice = random.below(100);
    if (dice < 38) return this.#drawWrite(key);
    if (dice < 64) return { kind: "read", key, local: false };
    if (dice < 78) return { kind: "read", key, local: true };
    if (dice < 94)
      return { kind: "cas", key, expected: this.#expected(key), value: this.#newValue() };
    return { kind: "delete", key };
  }

  /** By dice of its own: runs whose plans know of no other operation stay what they were. */
  #drawWrite(key: string): ClientOperation {
    const isOther = OTHER_WRITES.length > 0 && this.#otherDice.below(100) < this.#options.others;
    if (!isOther) return { kind: "write", key, value: this.#newValue() };
    const kind = this.#otherDice.pick(OTHER_WRITES);
    const value = this.#newValue(adds(kind) ? PIECE_START : "");
    return { kind, key, value };
  }

  /** Never the same twice, so that a read tells which write it saw. */
  #newValue(start = ""): string {
    const { index, valueBytes } = this.#options;
    return `${start}c${index}-${this.#values++}`.padEnd(valueBytes, ".");
  }

  #expected(key: string): Expected {
    const { random } = this.#options;
    const seen = this.#seen.get(key);
    if (seen === undefined || random.chance(0.1)) return { kind: "absent" };
    if (seen.value === null || random.chance(0.3))
      return { kind: "revision", revision: seen.revision };
    return { kind: "value", value: seen.value };
  }

  #remember(operation: ClientOperation, outcome: Outcome): void {
    const { key } = operation;
    if (outcome.kind === "found") this.#seen.set(key, outcome);
    else if (outcome.kind === "written" && "value" in operation) {
      const value = adds(operation.kind) ? null : operation.value;
      this.#seen.set(key, { value, revision: outcome.revision });
    } else if (outcome.kind === "casFailed" && outcome.actual !== null) {
      this.#seen.set(key, { value: outcome.actual, revision: outcome.revision });
    } else if (ABSENT.has(outcome.kind)) this.#seen.delete(key);
  }
}

/** Requests of the table that write a value, beside `write` itself. One without a value is asked for only if `#draw` draws it. */
const OTHER_WRITES = PLAIN_REQUESTS.filter((name) => {
  const answered: AnsweredWith = ANSWERED_WITH[name];
  const fields: readonly FieldName[] = OPERATIONS[name].fields;
  return name !== "write" && answered === "written" && fields.includes("value");
});

function isLocal(operation: ClientOperation): string {
  return operation.kind === "read" && operation.local ? " (local)" : "";
}

function wireOperation(operation: ClientOperation): WireOperation {
  switch (operation.kind) {
    case "read":
      return {
        kind: "read",
        key: encoder.encode(operation.key),
        local: operation.local,
        revision: 0,
      };
    case "cas": {
      const { key, expected, value } = operation;
      return operationOf({ op: "cas", key, condition: conditionOf(expected), value });
    }
    default: {
      const { kind: op, ...fields } = operation;
      // Its fields are those of the request of this name.
      return operationOf({ op, ...fields } as KeyRequest);
    }
  }
}

function conditionOf(expected: Expected): CasCondition {
  switch (expected.kind) {
    case "absent":
      return { absent: true };
    case "revision":
      return { revision: expected.revision };
    case "value":
      return { value: expected.value };
    default:
      return unreachable(expected, "expectation");
  }
}

function failed(operation: ClientOperation, error: KvError | null): Outcome {
  const unknown = operation.kind !== "read" && error?.definite !== true;
  return { kind: unknown ? "unknown" : "refused" };
}

function answered(operation: ClientOperation, answer: Answer): Outcome {
  const { status, revision } = answer;
  const value = answer.value === null ? null : decoder.decode(answer.value);
  switch (status) {
    case STATUS.ok:
      if (operation.kind === "read") return { kind: "found", value: value ?? "", revision };
      if (ANSWERED_WITH[operation.kind] === "deleted") return { kind: "deleted", revision };
      return { kind: "written", revision };
    case STATUS.casFailed:
    case STATUS.casFailedLarge:
      return { kind: "casFailed", actual: value, revision };
    case STATUS.notFound:
      return { kind: operation.kind === "read" ? "notFound" : "missing" };
    default:
      throw new Error(`an answer with status ${status}`);
  }
}
