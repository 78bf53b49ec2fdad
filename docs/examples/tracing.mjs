// One write as OpenTelemetry shows it: its client, the node that took it, and every node that applied it, in one trace. It is loaded
// into each of these processes, behind what sets up OpenTelemetry there (npm install @opentelemetry/api and an SDK):
//
//     node --import ./otel.mjs --import ./tracing.mjs program.mjs
//     NODE_OPTIONS="--import ./otel.mjs --import ./tracing.mjs" omnikv server --node 1 ...
//
// Nothing is sent along with the request: a write's revision is the same for its client and on all nodes, so each makes the trace's
// id of it. EVERY=100 takes one write in a hundred, the same ones everywhere.
import { createHash } from "node:crypto";
import { subscribe } from "node:diagnostics_channel";
import { context, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";

const EVERY = Number(process.env.EVERY ?? 1);
const CLUSTER = process.env.CLUSTER ?? "omnikv-local";
const tracer = trace.getTracer("omnikv");

/** What all processes make of one revision. */
function traceOf(revision) {
  const id = createHash("sha256").update(`${CLUSTER} ${revision}`).digest("hex");
  const parent = { traceId: id.slice(0, 32), spanId: id.slice(32, 48), traceFlags: 1 };
  return trace.setSpanContext(context.active(), { ...parent, isRemote: true });
}

function span(name, kind, parent, startTime, endTime, attributes) {
  const made = tracer.startSpan(name, { kind, startTime, attributes }, parent);
  made.end(endTime);
  return trace.setSpan(parent, made);
}

subscribe("omnikv:client:request", ({ operation, node, revision, durationMs, error }) => {
  if (revision !== null && revision % EVERY !== 0) return;
  const parent = revision === null ? context.active() : traceOf(revision);
  const startTime = Date.now() - durationMs;
  const attributes = { "omnikv.node": node ?? 0, "omnikv.revision": revision ?? 0 };
  const options = { kind: SpanKind.CLIENT, startTime, attributes };
  const made = tracer.startSpan(`omnikv ${operation}`, options, parent);
  if (error !== null) made.setStatus({ code: SpanStatusCode.ERROR, message: error });
  made.end(startTime + durationMs);
});

subscribe("omnikv:server:entry", ({ node, idx, revisionBefore, revision, own }) => {
  const now = Date.now();
  const first = Math.floor(revisionBefore / EVERY) * EVERY + EVERY;
  for (let each = first; each <= revision; each += EVERY) {
    const attributes = { "omnikv.node": node, "omnikv.index": idx, "omnikv.revision": each };
    const parent = traceOf(each);
    if (own === null) {
      span(`node ${node} applies`, SpanKind.INTERNAL, parent, now, now, attributes);
      continue;
    }
    const [begin, handedOver] = [now - own.ms, now - own.ms + own.waitedMs];
    const whole = span(`node ${node} writes`, SpanKind.SERVER, parent, begin, now, attributes);
    span("waits for the log", SpanKind.INTERNAL, whole, begin, handedOver, {});
    span("is agreed on and applied", SpanKind.INTERNAL, whole, handedOver, now, {});
  }
});
