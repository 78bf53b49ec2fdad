/** A result as one page that needs nothing else: a timeline per key, the order that was found, and what is wrong. */
import { unreachable } from "../../../base/index.ts";
import { describeAnswer, describeOperation, describeTimes, describeValue } from "../describe.ts";
import type { Explanation } from "../explain.ts";
import type { Operation, TimeUnit } from "../operation.ts";
import type { CheckResult, PartitionResult } from "../result.ts";
import { PAGE_SCRIPT } from "./page-script.ts";
import { PAGE_STYLE } from "./page-style.ts";

/** What the page says beside the result. */
export interface HtmlOptions {
  /** What was checked: a file name. */
  readonly title?: string;
  /** @default "events" */
  readonly unit?: TimeUnit;
  /** From `explain`, for the partitions that they are about. */
  readonly explanations?: readonly Explanation[];
}

/** A page that shows the operations on a time-line and what could not be ordered; it needs nothing beside itself. */
export function renderHtml(result: CheckResult, options: HtmlOptions = {}): string {
  const { title = "history", unit = "events", explanations = [] } = options;
  const partitions = result.partitions.map((partition) =>
    partitionData(
      partition,
      unit,
      explanations.find(({ key }) => key === partition.key),
    ),
  );
  const heading = `${capitalized(result.property)} of ${title}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>${escapeHtml(heading)}</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<header>
<h1>${escapeHtml(heading)} <span class="verdict ${result.verdict}">${result.verdict}</span></h1>
<p class="dim">${escapeHtml(factsOf(result))}</p>
</header>
<main>
<nav>
<label>Part <select id="partition"></select></label>
<span id="part-verdict" class="verdict"></span>
<span id="part-facts" class="dim"></span>
</nav>
<section id="why" hidden><h2>What cannot be ordered</h2><pre id="explanation"></pre></section>
<section>
<nav>
<input id="search" type="search" placeholder="Find a client, key or value" aria-label="Find">
<span id="found" class="dim"></span>
<button id="narrower" type="button" title="Narrower">−</button><button id="wider" type="button" title="Wider">+</button>
<span class="key"><i style="background:var(--read)"></i>read</span>
<span class="key"><i style="background:var(--write)"></i>write, append</span>
<span class="key"><i style="background:var(--cas)"></i>cas</span>
<span class="key"><i style="background:var(--delete)"></i>delete</span>
<span class="key"><i style="border-color:var(--core)"></i>cannot be ordered</span>
<span class="key"><i style="border-color:var(--bad)"></i>could not come next</span>
</nav>
<div id="chart"></div>
<p class="dim">From left to right in the order of calls and answers; distances are not durations. Pale: not in the order below.</p>
</section>
<section><h2 id="order-title"></h2><ol id="order"></ol><p id="state" class="dim"></p></section>
</main>
<div id="tip"></div>
<script type="application/json" id="data">${embedJson({ partitions })}</script>
<script>${PAGE_SCRIPT}</script>
</body>
</html>
`;
}

function partitionData(
  partition: PartitionResult,
  unit: TimeUnit,
  explanation: Explanation | undefined,
): Record<string, unknown> {
  const { key, operations, order, blocked, verdict, steps, configurations } = partition;
  const start = operations[0]?.call ?? 0;
  const rank: (number | null)[] = operations.map(() => null);
  order.forEach((position, place) => (rank[position] = place));
  const core = new Set(explanation?.operations.map(({ id }) => id));
  return {
    name: key === null ? "all keys" : key === "" ? "(no key)" : key,
    verdict,
    facts: `${operations.length} operations, ${configurations} configurations, ${steps} steps`,
    operations: operations.map((operation) => operationData(operation, key === null, unit, start)),
    order,
    rank,
    blocked,
    core: operations.flatMap(({ id }, position) => (core.has(id) ? [position] : [])),
    state: partition.state,
    explanation: explanation?.text ?? null,
  };
}

function operationData(
  operation: Operation,
  withKey: boolean,
  unit: TimeUnit,
  start: number,
): Record<string, unknown> {
  const { process, request, call, end, node, index, session } = operation;
  const key = withKey ? `${operation.key} ` : "";
  const more = [
    node === null ? "" : `node ${node}`,
    index === null ? "" : `log index ${index}`,
    session === process ? "" : `session ${session}`,
  ].filter((text) => text !== "");
  return {
    process,
    kind: request.kind,
    label: `${key}${labelOf(operation)}`,
    text: describeOperation(operation),
    times: describeTimes(operation, unit, start),
    more: more.length === 0 ? "" : `\n${more.join(", ")}`,
    call,
    // JSON knows no infinity.
    end: end === Number.POSITIVE_INFINITY ? null : end,
  };
}

/** Shortens a text to what fits on a bar. */
function labelOf(operation: Operation): string {
  const { request, answer } = operation;
  switch (request.kind) {
    case "read":
      return answer?.kind === "value" ? describeValue(answer.value) : describeAnswer(operation);
    case "write":
      return `= ${describeValue(request.value)}`;
    case "append":
      return `+ ${describeValue(request.value)}`;
    case "delete":
      return "delete";
    case "cas": {
      const { expected } = request;
      const from = expected.kind === "value" ? describeValue(expected.value) : expected.kind;
      const sign = answer?.kind === "cas" && !answer.swapped ? "≠" : "→";
      return `${from} ${sign} ${describeValue(request.value)}`;
    }
    default:
      return unreachable(request, "request");
  }
}

function factsOf({ model, partitions, leftOut, elapsedMs, reason }: CheckResult): string {
  const count = partitions.reduce((sum, { operations }) => sum + operations.length, 0);
  const left = Object.entries(leftOut)
    .filter(([, number]) => number > 0)
    .map(([name, number]) => `${number} ${name}`);
  return [
    `model ${model}`,
    `${count} operations in ${partitions.length} part${partitions.length === 1 ? "" : "s"}`,
    left.length === 0 ? "" : `left out: ${left.join(", ")}`,
    elapsedMs === 0 ? "" : `${Math.round(elapsedMs)} ms`,
    reason === null ? "" : `undecided: ${reason}`,
  ]
    .filter((text) => text !== "")
    .join(" · ");
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function escapeHtml(text: string): string {
  const names: Readonly<Record<string, string>> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  };
  return text.replace(/[&<>"']/g, (character) => names[character] ?? character);
}

/** No "<" at all: neither "</script>" nor "<!--" can end or change the element it stands in. */
function embedJson(value: unknown): string {
  return JSON.stringify(value).replace(/</g, "\\u003c");
}
