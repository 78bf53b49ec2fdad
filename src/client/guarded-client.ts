/** Writes that are made only while a lock is held. */
import { KvError, TXN_OPS_MAX } from "../base/index.ts";
import {
  Atomic,
  checkTxnShape,
  type Transaction,
  type TransactOptions,
  type TransactResult,
  type TransactSource,
  type TxnOperation,
  type TxnRequest,
  type TxnResult,
} from "./txn/index.ts";
import { type Guard, guardedBy, holdingIn, wrongGuard } from "./locks/index.ts";
import {
  type Bytes,
  type DeleteResult,
  type RequestOptions,
  wrongKey,
  wrongValue,
  type WriteResult,
} from "./terms/index.ts";

export interface GuardedSource extends TransactSource {
  /** As `txn`, in one step with the check that the guard's key is there as it was made with its token. Null: it is not. */
  txnWhile(guard: Guard, request: TxnRequest, options?: RequestOptions): Promise<TxnResult | null>;
  transactOn<T>(
    view: TransactSource,
    carryOut: (tx: Transaction) => Promise<T> | T,
    options?: TransactOptions,
  ): Promise<TransactResult<T>>;
}

/**
 * Each write is one step with the check that the holder of this token still holds the lock. When it does not, the write rejects with
 * LOCK_LOST and has certainly had no effect, however late it arrives and whatever its sender believes.
 */
export class GuardedClient implements TransactSource {
  readonly #source: GuardedSource;
  readonly #guard: Guard;

  /** @throws KvError BAD_REQUEST when it is no lock and no term */
  constructor(source: GuardedSource, guard: Guard) {
    const wrong = wrongGuard(guard);
    if (wrong !== null) throw wrong;
    this.#source = source;
    this.#guard = guard;
  }

  /** As of KvClient. */
  async write(key: Bytes, value: Bytes, options?: RequestOptions): Promise<WriteResult> {
    const wrong = wrongKey("key", key) ?? wrongValue("value", value);
    if (wrong !== null) throw wrong;
    const { revision, node } = await this.#change({ op: "put", key, value }, options);
    return { revision, node };
  }

  /** As of KvClient. */
  async delete(key: Bytes, options?: RequestOptions): Promise<DeleteResult> {
    const wrong = wrongKey("key", key);
    if (wrong !== null) throw wrong;
    const { revision, node, results } = await this.#change({ op: "delete", key }, options);
    const [deleted] = results ?? [];
    if (deleted?.op !== "delete") {
      throw new KvError(
        "INTERNAL",
        "it was deleted if it was there; which of the two is not known any more",
      );
    }
    return { existed: deleted.count > 0, revision, node };
  }

  /** As of KvClient, three within each other at most. */
  async txn(request: TxnRequest, options?: RequestOptions): Promise<TxnResult> {
    const guard = this.#guard;
    // The nodes would refuse it anyhow; the signal tells sooner.
    if (guard.signal.aborted) throw lost(guard, guard.signal.reason);
    const answer = await this.#source.txnWhile(guard, request, options);
    if (answer === null) throw lost(guard, undefined);
    return answer;
  }

  #change(operation: TxnOperation, options?: RequestOptions): Promise<TxnResult> {
    // oxlint-disable-next-line no-thenable -- a list, which nobody can call
    return this.txn({ then: [operation] }, options);
  }

  /** As of KvClient. */
  atomic(): Atomic {
    return new Atomic((request, options) => this.txn(request, options));
  }

  /** As of KvClient: what it reads is not guarded, what it writes is. */
  transact<T>(
    carryOut: (tx: Transaction) => Promise<T> | T,
    options?: TransactOptions,
  ): Promise<TransactResult<T>> {
    return this.#source.transactOn(this, carryOut, options);
  }

  /** As of KvClient. */
  snapshot: TransactSource["snapshot"] = (...args) => this.#source.snapshot(...args);
  /** As of KvClient. */
  range: TransactSource["range"] = (...args) => this.#source.range(...args);
  /** As of KvClient. */
  count: TransactSource["count"] = (...args) => this.#source.count(...args);
}

/**
 * Asks in such a way that the list that was taken tells whether it was done: that is known for good, results only for a while. A list of
 * comparisons that is full has no room for the guard: then only the results tell whether the comparisons held.
 * @param txn of a client, whose keys are whole
 */
export async function txnWhile(
  txn: (request: TxnRequest, options?: RequestOptions) => Promise<TxnResult>,
  guard: Guard,
  request: TxnRequest,
  options?: RequestOptions,
): Promise<TxnResult | null> {
  const wrong = wrongGuard(guard);
  if (wrong !== null) throw wrong;
  checkTxnShape(request);
  const { compare = [], else: otherwise = [] } = request;
  const held = guardedBy(guard);
  const isFull = !Array.isArray(compare) || compare.length >= TXN_OPS_MAX;
  const whole: TxnRequest = isFull
    ? // oxlint-disable-next-line no-thenable -- a list, which nobody can call
      { compare: [held], then: [{ ...request, op: "txn" }] }
    : {
        ...request,
        compare: [held, ...compare],
        // oxlint-disable-next-line no-thenable -- a list, which nobody can call
        else: [{ op: "txn", compare: [held], then: otherwise }],
      };
  const answer = await txn(whole, options);
  if (answer.succeeded !== isFull) return isFull ? null : answer;
  if (answer.results === null) {
    if (isFull || mayWrite(otherwise)) {
      const text = "its first answer was lost, and what was done is not known any more";
      throw new KvError("INTERNAL", text);
    }
    // Nothing was written either way, and whether the lock was lost is not known any more.
    return answer;
  }
  const [inner] = answer.results;
  if (inner?.op !== "txn") {
    throw new KvError("INTERNAL", "a transaction was answered with something else");
  }
  const { succeeded, results } = inner;
  if (isFull) return { ...answer, succeeded, results };
  return succeeded ? { ...answer, succeeded: false, results } : null;
}

/** @param operations that nobody has found anything wrong with */
function mayWrite(operations: readonly TxnOperation[] = []): boolean {
  return operations.some((operation) => {
    if (operation.op !== "txn") return operation.op !== "get";
    return mayWrite(operation.then) || mayWrite(operation.else);
  });
}

function lost({ key, token }: Guard, cause: unknown): KvError {
  const text = `${holdingIn(key)} with the token ${token} is over: nothing was written`;
  return new KvError("LOCK_LOST", text, cause === undefined ? {} : { cause });
}
