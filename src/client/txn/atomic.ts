/** A transaction of checks and writes, put together call by call. */
import { KvError, TXN_OPS_MAX } from "../../base/index.ts";
import {
  badArgument,
  type Bytes,
  isPositive,
  namesOf,
  ownBytes,
  type RequestOptions,
  unknownName,
  unreadable,
  wrongKey,
  wrongValue,
} from "../terms/index.ts";
import type {
  AtomicCheck,
  AtomicConflict,
  AtomicResult,
  TxnCompare,
  TxnOperation,
  TxnOperationResult,
  TxnRequest,
  TxnResult,
} from "./txn-types.ts";

const CHECK_NAMES = namesOf<AtomicCheck>({
  revision: true,
  absent: true,
  value: true,
  version: true,
});
const CHECK_EXPECTED = "exactly one of { revision }, { absent: true }, { value } and { version }";

/** Carries a transaction out. */
export type SubmitTxn = (request: TxnRequest, options?: RequestOptions) => Promise<TxnResult>;

/**
 * If all checks hold, all writes are made, at one revision; otherwise none. A wrong argument rejects `commit`, so that calls
 * can be chained. It can be committed again: that is another transaction.
 */
export class Atomic {
  readonly #submit: SubmitTxn;
  readonly #checks: TxnCompare[] = [];
  readonly #writes: TxnOperation[] = [];
  #wrong: KvError | null = null;

  constructor(submit: SubmitTxn) {
    this.#submit = submit;
  }

  /** What the key must be: last written at a revision, absent, of a value, or of a version. */
  check(key: Bytes, must: AtomicCheck): this {
    return this.#noted(() => {
      const compare = compareOf(key, must);
      if (compare instanceof KvError) throw compare;
      this.#checks.push(compare);
    });
  }

  /** Sets the value of a key. */
  put(key: Bytes, value: Bytes): this {
    return this.#noted(() => {
      const wrong = wrongKey("key", key) ?? wrongValue("value", value);
      if (wrong !== null) throw wrong;
      this.#writes.push({ op: "put", key: kept(key), value: kept(value) });
    });
  }

  /** That there is no such key is all right: `check` it. */
  delete(key: Bytes): this {
    return this.#noted(() => {
      const wrong = wrongKey("key", key);
      if (wrong !== null) throw wrong;
      this.#writes.push({ op: "delete", key: kept(key) });
    });
  }

  /**
   * At most 128 checks and 128 writes, each key written at most once. That a check did not hold is a result, not an error.
   * Rejects as `write`, and with TXN_REFUSED.
   */
  async commit(options?: RequestOptions): Promise<AtomicResult> {
    if (this.#wrong !== null) throw this.#wrong;
    for (const [noun, list] of [
      ["checks", this.#checks],
      ["writes", this.#writes],
    ] as const) {
      if (list.length <= TXN_OPS_MAX) continue;
      const text = `atomic: at most ${TXN_OPS_MAX} ${noun} in one commit, got ${list.length}`;
      throw new KvError("BAD_REQUEST", text);
    }
    try {
      return this.#result(await this.#submit(this.#request(false), options), false);
    } catch (error) {
      // The refused transaction had no effect, because its answer would be too large: the client asks again without the values.
      if (!(error instanceof KvError) || error.code !== "TXN_REFUSED") throw error;
      return this.#result(await this.#submit(this.#request(true), options), true);
    }
  }

  /** `commit` rejects with the first thing that is wrong. */
  #noted(add: () => void): this {
    try {
      add();
    } catch (error) {
      this.#wrong ??= unreadable(error);
    }
    return this;
  }

  #result({ results, succeeded, revision, node }: TxnResult, keysOnly: boolean): AtomicResult {
    if (succeeded) return { committed: true, revision, node };
    const conflicts = conflictsOf(this.#checks, results ?? [], keysOnly);
    return { committed: false, conflicts, node };
  }

  /** The request repeats each check as a read, so that the checks that do not hold tell what is there. */
  #request(keysOnly: boolean): TxnRequest {
    return {
      compare: this.#checks,
      // oxlint-disable-next-line no-thenable -- a list, which nobody can call
      then: this.#writes,
      else: this.#checks.map((check) => ({
        op: "txn",
        compare: [check],
        // Checks are of keys.
        else: [{ op: "get", key: check.key ?? "", keysOnly }],
      })),
    };
  }
}

/** The bytes as they were at the call: the caller may reuse its buffer long before the commit. */
function kept(bytes: Bytes): Bytes {
  return typeof bytes === "string" ? bytes : ownBytes(bytes);
}

function compareOf(key: Bytes, must: unknown): TxnCompare | KvError {
  const wrong = wrongKey("key", key);
  if (wrong !== null) return wrong;
  if (typeof must !== "object" || must === null) return badArgument("check", CHECK_EXPECTED, must);
  const unknown = unknownName(must, CHECK_NAMES, "check");
  if (unknown !== null) return unknown;
  const { revision, absent, value, version } = must as Record<string, unknown>;
  const given = [revision, absent, value, version].filter((one) => one !== undefined);
  if (given.length !== 1) return badArgument("check", CHECK_EXPECTED, must);
  const own = kept(key);
  if (value !== undefined) {
    // Checked in the same breath.
    return wrongValue("check.value", value) ?? { key: own, value: kept(value as Bytes) };
  }
  if (absent !== undefined) {
    return absent === true ? { key: own, version: 0 } : badArgument("check.absent", "true", absent);
  }
  const [name, number] = revision === undefined ? ["version", version] : ["revision", revision];
  if (typeof number !== "number" || !isPositive(number)) {
    return badArgument(`check.${name}`, "a positive integer", number);
  }
  return name === "version" ? { key: own, version: number } : { key: own, modRevision: number };
}

function conflictsOf(
  checks: readonly TxnCompare[],
  results: readonly TxnOperationResult[],
  keysOnly: boolean,
): AtomicConflict[] {
  return results.flatMap((result, i) => {
    const key = checks[i]?.key;
    if (result.op !== "txn" || result.succeeded || key === undefined) return [];
    const [get] = result.results;
    if (get?.op !== "get") return [];
    return [{ key, actual: actualOf(get, keysOnly) }];
  });
}

function actualOf(
  { found }: Extract<TxnOperationResult, { op: "get" }>,
  keysOnly: boolean,
): AtomicConflict["actual"] {
  const [held] = found;
  if (held === undefined) return null;
  const { modRevision, createRevision, version } = held;
  return { value: keysOnly ? null : held.value, modRevision, createRevision, version };
}
