import type { ComponentChild } from "preact";
import { formatClock, formatMs } from "./format.ts";
import type { Through } from "../page-actions.ts";
import type { ShownOperation } from "./use-operations.ts";

interface OperationsListProps {
  readonly list: readonly ShownOperation[];
}

export function OperationsList({ list }: OperationsListProps): ComponentChild {
  return (
    <div class="operations">
      <h3>Last operations</h3>
      {list.length === 0 ? <p class="hint">None yet.</p> : null}
      <ol data-testid="last-operations" tabIndex={list.length === 0 ? -1 : 0}>
        {list.map(({ id, begun, through, what, outcome, ms }) => (
          <li key={id} class={outcome === null ? "pending" : outcome.ok ? "" : "failed"}>
            <span class="op-what">{what}</span>
            <span class="op-outcome">
              {outcome === null ? "…" : outcome.text}
              {outcome?.value === null || outcome?.value === undefined ? "" : `: ${outcome.value}`}
            </span>
            <span class="op-where">
              {formatClock(begun)} · {nodeText(outcome?.by ?? through)}
              {ms === null ? "" : ` · ${formatMs(ms)}`}
            </span>
          </li>
        ))}
      </ol>
    </div>
  );
}

function nodeText(node: Through): string {
  return node === null ? "any node" : `node ${node}`;
}

/** The result of the operation that was begun last. */
export function OperationResult({
  operation,
}: {
  readonly operation: ShownOperation | undefined;
}): ComponentChild {
  const outcome = operation?.outcome ?? null;
  const tone =
    operation === undefined ? "idle" : outcome === null ? "doing" : outcome.ok ? "ok" : "failed";
  return (
    <div class={`operation-result task-${tone}`} role="status" data-testid="operation-result">
      {operation === undefined ? (
        "Results are shown here."
      ) : (
        <>
          <span class="result-what">
            {operation.what}: {outcome === null ? "waiting for an answer…" : outcome.text}
          </span>
          {outcome?.value === null || outcome?.value === undefined ? null : (
            <code class="result-value" tabIndex={0}>
              {outcome.value === "" ? "(empty)" : outcome.value}
            </code>
          )}
          {outcome?.more === null || outcome?.more === undefined ? null : (
            <span class="result-more">{outcome.more}</span>
          )}
        </>
      )}
    </div>
  );
}
