/** The definition itself: try every order. Knows nothing of the checker under test but the operations. */
import type { Operation } from "../../../src/proof/checker/index.ts";

type Value = string | null;

/** Whether some order within real time explains all answers; those of unknown outcome may be left out. */
export function isLinearizable(
  operations: readonly Operation[],
  initial: Value = null,
  mustPrecede = (a: Operation, b: Operation): boolean => a.end < b.call,
): boolean {
  const relevant = operations.filter(
    ({ outcome, request }) =>
      outcome === "ok" || (outcome === "unknown" && request.kind !== "read"),
  );
  const place = (left: readonly Operation[], store: ReadonlyMap<string, Value>): boolean => {
    if (left.every(({ outcome }) => outcome === "unknown")) return true;
    return left.some((operation) => {
      const isFirst = !left.some(
        (other) => other.outcome === "ok" && other !== operation && mustPrecede(other, operation),
      );
      if (!isFirst) return false;
      const after = step(store.get(operation.key) ?? initial, operation);
      if (after === undefined) return false;
      const rest = left.filter((other) => other !== operation);
      return place(rest, new Map(store).set(operation.key, after));
    });
  };
  return place(relevant, new Map());
}

function step(value: Value, { request, answer }: Operation): Value | undefined {
  switch (request.kind) {
    case "read":
      return answer?.kind === "value" && answer.value === value ? value : undefined;
    case "write":
      return request.value;
    case "append":
      return (value ?? "") + request.value;
    case "delete": {
      const existed = answer?.kind === "deleted" ? answer.existed : null;
      return existed !== null && existed !== (value !== null) ? undefined : null;
    }
    case "cas": {
      const { expected } = request;
      const isMatch =
        expected.kind === "absent"
          ? value === null
          : expected.kind === "value" && value === expected.value;
      if (answer?.kind === "cas") {
        if (answer.swapped !== isMatch) return undefined;
        if (!isMatch && answer.actual !== undefined && answer.actual !== value) return undefined;
      }
      return isMatch ? request.value : value;
    }
  }
}
