/** omnikv's own histories: one JSON object a line. docs/history-format.md is the reference. */
import { unreachable } from "../../../base/index.ts";
import { HistoryFormatError } from "../errors.ts";
import {
  createOperation,
  type Answer,
  type Expected,
  type History,
  type Operation,
  type Outcome,
  type Request,
  type TimeUnit,
} from "../operation.ts";
import { Fields } from "./fields.ts";
import { linesOf } from "./lines.ts";
import { TimeBase } from "./time-base.ts";

const HISTORY_VERSION = 1;
const FORMAT_NAME = "omnikv-history";
const OPS = ["read", "write", "append", "delete", "cas"] as const;
const OUTCOMES = ["ok", "fail", "failed", "unknown"] as const;
const UNITS = ["ns", "us", "ms", "events"] as const;

interface Call {
  readonly process: string;
  readonly session: string;
  readonly key: string;
  readonly request: Request;
  readonly call: number;
  readonly consistency: "linearizable" | "local";
  readonly node: string | null;
  readonly line: number;
}

export function isJsonLines(line: string): boolean {
  return /^\s*\{\s*"/.test(line);
}

/** @throws HistoryFormatError */
export function parseJsonLines(text: string): History {
  const operations: (Operation | null)[] = [];
  const open = new Map<string, { readonly called: Call; readonly id: number }>();
  let unit: TimeUnit = "ms";
  let isFirst = true;
  const times = new TimeBase();
  for (const [content, line] of linesOf(text)) {
    const fields = new Fields(content, line, times);
    if (isFirst && fields.has("format")) {
      unit = readHeader(fields);
    } else if (!fields.has("event")) {
      const called = readCall(fields, "call");
      operations.push(
        createOperation({ id: operations.length, ...called, ...readEnd(fields, called, "return") }),
      );
    } else if (fields.oneOf("event", ["call", "return"]) === "call") {
      const called = readCall(fields, "time");
      const name = eventName(fields);
      const before = open.get(name);
      if (before !== undefined) {
        const problem = `${name} calls again, but its call in line ${before.called.line} has no return`;
        throw new HistoryFormatError("BAD_ORDER", line, problem);
      }
      open.set(name, { called, id: operations.length });
      operations.push(null);
    } else {
      const name = eventName(fields);
      const begun = open.get(name);
      if (begun === undefined) {
        throw new HistoryFormatError("BAD_ORDER", line, `${name} returns, but has called nothing`);
      }
      open.delete(name);
      const { called, id } = begun;
      operations[id] = createOperation({ id, ...called, ...readEnd(fields, called, "time") });
    }
    isFirst = false;
  }
  for (const { called, id } of open.values()) {
    operations[id] = createOperation({
      id,
      ...called,
      outcome: "unknown",
      answer: null,
      end: Infinity,
    });
  }
  return { operations: operations.filter((operation) => operation !== null), unit };
}

function readHeader(fields: Fields): TimeUnit {
  fields.oneOf("format", [FORMAT_NAME]);
  const version = fields.integer("version");
  if (version !== HISTORY_VERSION) {
    const problem = `version: this omnikv reads version ${HISTORY_VERSION}, got ${version}`;
    throw new HistoryFormatError("UNSUPPORTED_VERSION", fields.line, problem);
  }
  return fields.has("unit") ? fields.oneOf("unit", UNITS) : "ms";
}

function eventName(fields: Fields): string {
  return fields.has("id") ? `id ${fields.label("id")}` : `process ${fields.label("process")}`;
}

function readCall(fields: Fields, timeField: string): Call {
  const process = fields.label("process");
  return {
    process,
    session: fields.has("session") ? fields.label("session") : process,
    key: fields.has("key") ? fields.string("key") : "",
    request: readRequest(fields),
    call: fields.time(timeField),
    consistency: fields.has("consistency")
      ? fields.oneOf("consistency", ["linearizable", "local"])
      : "linearizable",
    node: fields.has("node") ? fields.label("node") : null,
    line: fields.line,
  };
}

function readRequest(fields: Fields): Request {
  const kind = fields.oneOf("op", OPS);
  switch (kind) {
    case "read":
    case "delete":
      return { kind };
    case "write":
    case "append":
      return { kind, value: fields.string("value") };
    case "cas":
      return { kind, expected: readExpected(fields), value: fields.string("value") };
    default:
      return unreachable(kind, "op");
  }
}

function readExpected(fields: Fields): Expected {
  if (fields.has("expectedRevision")) {
    if (fields.has("expected"))
      fields.fail("expectedRevision", "only one of expected and expectedRevision");
    return { kind: "revision", revision: fields.integer("expectedRevision") };
  }
  const value = fields.stringOrNull("expected");
  return value === null ? { kind: "absent" } : { kind: "value", value };
}

function readEnd(
  fields: Fields,
  { request, call }: Call,
  timeField: string,
): Pick<Operation, "outcome" | "answer" | "end" | "revision" | "index" | "node"> {
  const word = fields.has("outcome") ? fields.oneOf("outcome", OUTCOMES) : "ok";
  const outcome: Outcome = word === "failed" ? "fail" : word;
  const isKnown = outcome !== "unknown";
  const end = isKnown ? fields.time(timeField) : Number.POSITIVE_INFINITY;
  if (end < call) fields.fail(timeField, `a time not before the call (${call})`);
  return {
    outcome,
    answer: outcome === "ok" ? readAnswer(fields, request) : null,
    end,
    revision: outcome === "ok" && fields.has("revision") ? fields.integer("revision") : null,
    index: outcome === "ok" && fields.has("index") ? fields.integer("index") : null,
    node: fields.has("node") ? fields.label("node") : null,
  };
}

function readAnswer(fields: Fields, request: Request): Answer {
  switch (request.kind) {
    case "read":
      return { kind: "value", value: fields.stringOrNull("result") };
    case "write":
    case "append":
      return { kind: "done" };
    case "delete":
      return { kind: "deleted", existed: fields.has("existed") ? fields.boolean("existed") : null };
    case "cas": {
      const swapped = fields.boolean("swapped");
      const isTold = !swapped && fields.has("result");
      return { kind: "cas", swapped, actual: isTold ? fields.stringOrNull("result") : undefined };
    }
    default:
      return unreachable(request, "request");
  }
}

/** The history in this format, a line an operation. */
export function formatJsonLines({ operations, unit }: History): string {
  const header = { format: FORMAT_NAME, version: HISTORY_VERSION, unit };
  return [header, ...operations.map(lineOf)].map((line) => `${JSON.stringify(line)}\n`).join("");
}

function lineOf(operation: Operation): Record<string, unknown> {
  const { process, session, node, key, request, call, end, outcome, answer, revision, index } =
    operation;
  return {
    process,
    session: session === process ? undefined : session,
    node: node ?? undefined,
    op: request.kind,
    key,
    ...("value" in request ? { value: request.value } : {}),
    ...(request.kind === "cas" ? expectedFields(request.expected) : {}),
    call,
    return: outcome === "unknown" ? undefined : end,
    outcome,
    consistency: operation.consistency === "local" ? "local" : undefined,
    ...(answer === null ? {} : answerFields(answer)),
    revision: revision ?? undefined,
    index: index ?? undefined,
  };
}

function expectedFields(expected: Expected): Record<string, unknown> {
  if (expected.kind === "revision") return { expectedRevision: expected.revision };
  return { expected: expected.kind === "absent" ? null : expected.value };
}

function answerFields(answer: Answer): Record<string, unknown> {
  switch (answer.kind) {
    case "value":
      return { result: answer.value };
    case "done":
      return {};
    case "deleted":
      return { existed: answer.existed ?? undefined };
    case "cas":
      return { swapped: answer.swapped, result: answer.actual };
    default:
      return unreachable(answer, "answer");
  }
}
