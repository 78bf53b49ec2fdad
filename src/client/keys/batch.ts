/** Many independent requests as one call: one promise, and one outcome for each, in their order. */
import { KvError } from "../../base/index.ts";
import {
  badArgument,
  type BatchOperation,
  type BatchOutcome,
  type BatchResult,
  onAbort,
  cancelled,
  unreadable,
  withReason,
} from "../terms/index.ts";
import type { Answer, Done, Operation } from "../core/index.ts";
import { operationOf, resultOf, wrongRequest } from "./requests.ts";
import { notUnderstood } from "./results.ts";

/** Under way at once: enough to fill frames, and a small part of what a client may have without an answer. */
const UNDER_WAY_MAX = 8192;

/** Carries out one request, or gives it up: ClientCore, bound to the options of the call. */
export interface BatchPort<Handle> {
  submit(operation: Operation, done: Done): Handle | null;
  cancel(handle: Handle): void;
}

/**
 * Never rejects for what becomes of an operation: that is its outcome.
 * @param signal gives up the operations without an answer: CANCELLED
 */
export function runBatch<Handle>(
  operations: readonly BatchOperation[],
  port: BatchPort<Handle>,
  signal: AbortSignal | undefined,
): Promise<BatchOutcome[]> {
  const outcomes: BatchOutcome[] = Array.from({ length: operations.length });
  if (operations.length === 0) return Promise.resolve(outcomes);
  // Handles are only kept for a caller that may give the requests up.
  const handles = signal === undefined ? null : new Map<number, Handle>();
  let underWay = 0;
  return new Promise((resolve) => {
    let next = 0;
    let done = 0;
    const stopListening =
      signal === undefined
        ? null
        : onAbort(signal, () => {
            for (const handle of handles?.values() ?? []) port.cancel(handle);
          });
    const finish = (at: number, outcome: BatchOutcome): void => {
      outcomes[at] = outcome;
      handles?.delete(at);
      done += 1;
      if (done < operations.length) return;
      stopListening?.();
      resolve(outcomes);
    };
    const fill = (): void => {
      while (next < operations.length && underWay < UNDER_WAY_MAX) {
        const at = next++;
        // It is as long as `next` is below its length.
        const asked = operations[at] as BatchOperation;
        const operation = operationIn(asked);
        if (operation instanceof KvError) {
          finish(at, { ok: false, op: opOf(asked), error: operation });
        } else if (signal?.aborted === true) {
          finish(at, { ok: false, op: opOf(asked), error: cancelled("it was sent", signal) });
        } else {
          underWay += 1;
          const handle = port.submit(operation, (error, answer) => {
            underWay -= 1;
            finish(at, outcomeOf(asked, error === null ? null : withReason(error, signal), answer));
            // Half of them at a time: each refill is then worth a frame.
            if (underWay <= UNDER_WAY_MAX / 2) fill();
          });
          if (handle !== null) handles?.set(at, handle);
        }
      }
    };
    fill();
  });
}

/** What is wrong with the operations as a whole; each is looked at when its turn comes. */
export function wrongBatch(operations: unknown): KvError | null {
  return Array.isArray(operations)
    ? null
    : badArgument("operations", "an array of operations", operations);
}

/**
 * What is wrong with it, if anything is. Refills look at operations while an answer is being taken, where nothing may be thrown; and
 * programs without types hand in what throws when it is looked at.
 */
function operationIn(asked: BatchOperation): Operation | KvError {
  try {
    return wrongRequest(asked) ?? operationOf(asked);
  } catch (thrown) {
    return unreadable(thrown);
  }
}

function opOf(asked: BatchOperation): BatchOperation["op"] {
  try {
    return asked?.op;
  } catch {
    // An outcome names what the operation names; this one has no name that could be read.
    return undefined as never;
  }
}

function outcomeOf(
  asked: BatchOperation,
  error: KvError | null,
  answer: Answer | null,
): BatchOutcome {
  const op = opOf(asked);
  if (answer === null) {
    return { ok: false, op, error: error ?? new KvError("INTERNAL", "no answer and no error") };
  }
  try {
    // The result is the one of this name.
    return { ok: true, ...({ op, result: resultOf(op)(answer) } as BatchResult) };
  } catch (thrown) {
    return { ok: false, op, error: notUnderstood(thrown) };
  }
}
