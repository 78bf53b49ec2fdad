/** Many independent requests as one call: one promise, and one outcome for each, in their order. */
import { unreachable } from "../base/assert.ts";
import { KvError } from "../base/errors.ts";
import { STATUS } from "../kv/commands.ts";
import { badArgument, wrongBytes, wrongCondition, wrongReadOptions } from "./argument-checks.ts";
import { bytesOf } from "./bytes.ts";
import type { Done } from "./request.ts";
import type { Answer, Operation } from "./frames.ts";
import { casOperation, casResult, readOperation, readResult } from "./results.ts";
import type { BatchOperation, BatchOutcome, BatchResult } from "./types.ts";

/** Under way at once: enough to fill frames, and a small part of what a client may have without an answer. */
const UNDER_WAY_MAX = 8192;

/** What carries out one request, and how one is given up: ClientCore, bound to the options of the call. */
export interface BatchPort<Handle> {
  submit(operation: Operation, done: Done): Handle | null;
  cancel(handle: Handle): void;
}

/**
 * Never rejects for what becomes of an operation: that is its outcome.
 * @param signal gives up what has no answer yet: CANCELLED
 */
export function runBatch<Handle>(
  operations: readonly BatchOperation[],
  port: BatchPort<Handle>,
  signal: AbortSignal | undefined,
): Promise<BatchOutcome[]> {
  const outcomes: BatchOutcome[] = Array.from({ length: operations.length });
  if (operations.length === 0) return Promise.resolve(outcomes);
  const underWay = new Map<number, Handle>();
  return new Promise((resolve) => {
    let next = 0;
    let done = 0;
    const onAbort = (): void => {
      for (const handle of underWay.values()) port.cancel(handle);
    };
    const finish = (at: number, outcome: BatchOutcome): void => {
      outcomes[at] = outcome;
      underWay.delete(at);
      done += 1;
      if (done < operations.length) return;
      signal?.removeEventListener("abort", onAbort);
      resolve(outcomes);
    };
    const fill = (): void => {
      while (next < operations.length && underWay.size < UNDER_WAY_MAX) {
        const at = next++;
        // It is as long as `next` is below its length.
        const asked = operations[at] as BatchOperation;
        const wrong = wrongOperation(asked);
        if (wrong !== null) {
          finish(at, { ok: false, op: asked?.op, error: wrong });
        } else if (signal?.aborted === true) {
          const error = new KvError("CANCELLED", "cancelled before it was sent", {
            definite: true,
          });
          finish(at, { ok: false, op: asked.op, error });
        } else {
          const handle = port.submit(operationOf(asked), (error, answer) => {
            finish(at, outcomeOf(asked, error, answer));
            // Half of them at a time: each refill is then worth a frame.
            if (underWay.size <= UNDER_WAY_MAX / 2) fill();
          });
          if (handle !== null) underWay.set(at, handle);
        }
      }
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    fill();
  });
}

/** What is wrong with the operations as a whole; each is looked at when its turn comes. */
export function wrongBatch(operations: unknown): KvError | null {
  return Array.isArray(operations)
    ? null
    : badArgument("operations", "an array of operations", operations);
}

function wrongOperation(operation: unknown): KvError | null {
  if (typeof operation !== "object" || operation === null) {
    return badArgument("operation", OPERATION_EXPECTED, operation);
  }
  const { op, key, value, condition } = operation as Record<string, unknown>;
  switch (op) {
    case "write":
      return wrongBytes("key", key) ?? wrongBytes("value", value);
    case "read":
      return wrongBytes("key", key) ?? wrongReadOptions(operation);
    case "delete":
      return wrongBytes("key", key);
    case "cas":
      return wrongBytes("key", key) ?? wrongCondition(condition) ?? wrongBytes("value", value);
    default:
      return badArgument("operation.op", '"write", "read", "delete" or "cas"', op);
  }
}

const OPERATION_EXPECTED = 'an operation like { op: "write", key, value }';

function operationOf(asked: BatchOperation): Operation {
  const key = bytesOf(asked.key);
  switch (asked.op) {
    case "write":
      return { kind: "write", key, value: bytesOf(asked.value) };
    case "read":
      return readOperation(key, asked);
    case "delete":
      return { kind: "delete", key };
    case "cas":
      return casOperation(key, asked.condition, bytesOf(asked.value));
    default:
      return unreachable(asked, "operation");
  }
}

function outcomeOf(
  asked: BatchOperation,
  error: KvError | null,
  answer: Answer | null,
): BatchOutcome {
  const { op } = asked;
  if (answer !== null) return { ok: true, ...resultOf(op, answer) };
  return { ok: false, op, error: error ?? new KvError("INTERNAL", "no answer and no error") };
}

function resultOf(op: BatchOperation["op"], answer: Answer): BatchResult {
  const { revision, node, status } = answer;
  switch (op) {
    case "write":
      return { op, result: { revision, node } };
    case "read":
      return { op, result: readResult(answer) };
    case "delete":
      return { op, result: { existed: status === STATUS.ok, revision, node } };
    case "cas":
      return { op, result: casResult(answer) };
    default:
      return unreachable(op, "operation");
  }
}
