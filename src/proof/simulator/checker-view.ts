/** The clients' history as the checker wants it, and its verdicts. */
import { assert, unreachable } from "../../base/index.ts";
import {
  checkLinearizable,
  checkSequential,
  checkSessionGuarantees,
  createOperation,
  explain,
  kvModel,
  type Answer,
  type History,
  type Operation as CheckedOperation,
  type Request,
} from "../checker/index.ts";
import type { Coverage } from "./coverage.ts";
import type { OperationRecord } from "./history.ts";

/** The same on every machine: a run must not depend on how fast it is. */
const STEP_LIMIT = 2_000_000;

/** The clients' requests for single keys and their answers, as the checker takes them. */
export function checkedHistory(operations: readonly OperationRecord[]): History {
  return { operations: operations.map(checkedOperation), unit: "events" };
}

/** @throws InvariantError with an explanation */
export function checkHistory(operations: readonly OperationRecord[], coverage: Coverage): void {
  const history = checkedHistory(operations);
  const limits = { stepLimit: STEP_LIMIT };
  const linearizable = checkLinearizable(kvModel, history, limits);
  coverage.hit(`checked linearizable: ${linearizable.verdict}`);
  const wrong = linearizable.partitions.find(({ verdict }) => verdict === "violation");
  assert(
    wrong === undefined,
    `not linearizable: ${wrong === undefined ? "" : explain(kvModel, wrong).text}`,
  );
  const [violation] = checkSessionGuarantees(history);
  assert(violation === undefined, `session guarantee broken: ${JSON.stringify(violation)}`);
  const sequential = checkSequential(kvModel, history, limits);
  coverage.hit(`checked sequential: ${sequential.verdict}`);
  assert(
    sequential.verdict !== "violation",
    `not sequentially consistent: ${sequential.partitions.find(({ verdict }) => verdict === "violation")?.state}`,
  );
}

function checkedOperation(
  { client, operation, call, end, outcome }: OperationRecord,
  id: number,
): CheckedOperation {
  const { kind } = outcome;
  const answer = answerOf(outcome);
  const revision = "revision" in outcome ? outcome.revision : null;
  return createOperation({
    id,
    process: String(client),
    key: operation.key,
    request: requestOf(operation),
    outcome: kind === "unknown" ? "unknown" : kind === "refused" ? "fail" : "ok",
    answer: operation.kind === "cas" && kind === "written" ? SWAPPED : answer,
    call,
    end: kind === "unknown" ? Number.POSITIVE_INFINITY : end,
    consistency: operation.kind === "read" && operation.local ? "local" : "linearizable",
    revision: operation.kind === "delete" && kind === "missing" ? null : revision,
  });
}

const SWAPPED: Answer = { kind: "cas", swapped: true, actual: undefined };

function requestOf(operation: OperationRecord["operation"]): Request {
  // The checker has requests of the same names and fields: one that it does not know fails to compile here.
  if (operation.kind === "read") return { kind: "read" };
  const { key: _key, ...request } = operation;
  return request;
}

function answerOf(outcome: OperationRecord["outcome"]): Answer | null {
  switch (outcome.kind) {
    case "unknown":
    case "refused":
      return null;
    case "written":
      return { kind: "done" };
    case "deleted":
      return { kind: "deleted", existed: true };
    case "missing":
      return { kind: "deleted", existed: false };
    case "casFailed":
      return { kind: "cas", swapped: false, actual: actualOf(outcome) };
    case "found":
      return { kind: "value", value: outcome.value };
    case "notFound":
      return { kind: "value", value: null };
    default:
      return unreachable(outcome, "outcome");
  }
}

/** A value too large to come along is not told; that nothing was there, revision 0 tells. */
function actualOf({
  actual,
  revision,
}: {
  readonly actual: string | null;
  readonly revision: number;
}): string | null | undefined {
  return actual === null && revision > 0 ? undefined : actual;
}
