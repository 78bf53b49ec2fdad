/**
 * Reports of etcd's robustness tests: a JSON object a line, operations (`operations.json`) or watches (`watch.json`). Reports of one
 * run lie in a folder for each client (`client-1/operations.json`) and belong together: a client alone has seen a part of what happened.
 *
 * The reader skips defragmentation, compaction and grants of leases, as they change no keys, and refused requests (`ClientError`), as
 * they did nothing. It tells values that were too long for the report apart by the hash that stands there.
 */
import { HistoryFormatError } from "../errors.ts";
import type {
  Condition,
  FoundKey,
  KeyRange,
  OpResult,
  StoreHistory,
  StoreOp,
  StoreOperation,
  StoreRequest,
  Watch,
  WatchEvent,
} from "../revisions/store-history.ts";
import { linesOf } from "./lines.ts";

/** One file of a run. */
export interface ReportFile {
  /** For people, and to tell one client from another. */
  readonly name: string;
  readonly text: string;
}

/** Whether a text whose first line this is is a report of etcd's. */
export function isEtcdReport(line: string): boolean {
  return /^\s*\{\s*"(?:ClientId"\s*:|Request"\s*:\s*\{)/.test(line);
}

/**
 * Reads the reports of etcd's robustness tests, one file for each of their clients.
 *
 * @param isWhole whether the files have all that clients did: those of all clients of a run
 * @throws HistoryFormatError
 */
export function parseEtcdReports(files: readonly ReportFile[], isWhole: boolean): StoreHistory {
  const operations: StoreOperation[] = [];
  const watches: Watch[] = [];
  for (const { name, text } of files) {
    for (const [content, line] of linesOf(text)) {
      const record = new Json(parsed(content, line), line);
      const source = `${name === "" ? "" : `${name}, `}line ${line}`;
      if (record.has("Request")) watches.push(readWatch(record, source));
      else {
        const operation = readOperation(record, source);
        if (operation !== null) operations.push(operation);
      }
    }
  }
  return { operations, watches, isWhole };
}

function parsed(content: string, line: number): unknown {
  try {
    return JSON.parse(content);
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    throw new HistoryFormatError("BAD_SYNTAX", line, `expected a JSON object (${problem})`);
  }
}

/** Objects as Go writes them: what is empty may be null, or left out. */
class Json {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #line: number;
  readonly #path: string;

  constructor(value: unknown, line: number, path = "") {
    this.#line = line;
    this.#path = path;
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new HistoryFormatError("BAD_FIELD", line, `${path || "the line"}: expected an object`);
    }
    this.#fields = value as Record<string, unknown>;
  }

  has(name: string): boolean {
    const value = this.#fields[name];
    return value !== undefined && value !== null;
  }

  object(name: string): Json {
    return new Json(this.#fields[name] ?? {}, this.#line, this.#name(name));
  }

  list(name: string): readonly Json[] {
    const value = this.#fields[name] ?? [];
    if (!Array.isArray(value)) return this.#fail(name, "a list");
    return value.map((each) => new Json(each, this.#line, this.#name(name)));
  }

  text(name: string): string {
    const value = this.#fields[name] ?? "";
    return typeof value === "string" ? value : this.#fail(name, "a string");
  }

  number(name: string): number {
    const value = this.#fields[name] ?? 0;
    return typeof value === "number" && Number.isFinite(value)
      ? value
      : this.#fail(name, "a number");
  }

  flag(name: string): boolean {
    const value = this.#fields[name] ?? false;
    return typeof value === "boolean" ? value : this.#fail(name, "true or false");
  }

  label(name: string): string {
    const value = this.#fields[name];
    return typeof value === "number" || typeof value === "string" ? `${value}` : "";
  }

  /** A value, or the hash of one that was too long. */
  value(name: string): string {
    const value = this.object(name);
    if (value.number("Hash") !== 0) return `hash ${value.number("Hash")}`;
    return JSON.stringify(value.text("Value"));
  }

  #name(name: string): string {
    return this.#path === "" ? name : `${this.#path}.${name}`;
  }

  #fail(name: string, expected: string): never {
    const got = JSON.stringify(this.#fields[name]);
    const problem = `${this.#name(name)}: expected ${expected}, got ${got}`;
    throw new HistoryFormatError("BAD_FIELD", this.#line, problem);
  }
}

/** Null: it says nothing about keys. */
function readOperation(record: Json, source: string): StoreOperation | null {
  const output = record.object("Output");
  const request = readRequest(record.object("Input"));
  if (request === null || output.text("ClientError") !== "") return null;
  const error = output.label("Error") || (output.has("Err") ? "error" : "");
  const isPersisted = output.flag("Persisted");
  const common = {
    process: record.label("ClientId"),
    request,
    call: record.number("Call"),
    source,
  };
  if (error !== "" || (isPersisted && output.number("PersistedRevision") === 0)) {
    // A transaction that only reads, and was not answered, says nothing.
    if (request.kind === "range") return null;
    return { ...common, outcome: "unknown", revision: null, answer: null, end: Infinity };
  }
  const revision = isPersisted ? output.number("PersistedRevision") : output.number("Revision");
  const isPart = isPersisted || output.flag("PartialResponse") || output.flag("ResultUnknown");
  return {
    ...common,
    outcome: "ok",
    revision,
    answer: isPart || request.kind === "revoke" ? null : readAnswer(output, request),
    // A request that is only known to have happened has no answer in the report.
    end: isPersisted ? Infinity : record.number("Return"),
  };
}

function readRequest(input: Json): StoreRequest | null {
  switch (input.text("Type")) {
    case "txn": {
      const txn = input.object("Txn");
      return {
        kind: "txn",
        conditions: txn.list("Conditions").map(readCondition),
        success: txn.list("OperationsOnSuccess").map(readOp),
        failure: txn.list("OperationsOnFailure").map(readOp),
      };
    }
    case "range": {
      const range = input.object("Range");
      const at = Math.max(0, range.number("Revision"));
      return { kind: "range", range: readRange(range), limit: range.number("Limit"), at };
    }
    case "leaseRevoke":
      return { kind: "revoke", lease: input.object("LeaseRevoke").label("LeaseID") };
    default:
      return null;
  }
}

function readCondition(condition: Json): Condition {
  const key = condition.text("Key");
  const version = condition.number("ExpectedVersion");
  if (version > 0) return { key, target: "version", expected: version };
  return { key, target: "modRevision", expected: condition.number("ExpectedRevision") };
}

/** As it is, and as it was in earlier reports: fields at the operation itself. */
function readOp(op: Json): StoreOp {
  const type = op.text("Type").replace(/-operation$/, "");
  switch (type) {
    case "put": {
      const put = op.has("Put") ? op.object("Put") : op;
      const lease = put.number("LeaseID");
      const name = lease === 0 ? "" : `${lease}`;
      return { kind: "put", key: put.text("Key"), value: put.value("Value"), lease: name };
    }
    case "delete":
      return { kind: "delete", key: (op.has("Delete") ? op.object("Delete") : op).text("Key") };
    default: {
      const range = op.has("Range") ? op.object("Range") : op;
      return { kind: "range", range: readRange(range), limit: range.number("Limit") };
    }
  }
}

function readRange(range: Json): KeyRange {
  const start = range.has("Start") ? range.text("Start") : range.text("Key");
  if (range.flag("WithPrefix")) return prefixed(start);
  const end = range.text("End");
  if (end === "") return { start, end: null };
  return { start, end: end === "\0" ? "" : end };
}

function prefixed(start: string): KeyRange {
  const last = start.charCodeAt(start.length - 1);
  const end = start === "" ? "" : `${start.slice(0, -1)}${String.fromCharCode(last + 1)}`;
  return { start, end };
}

function readAnswer(output: Json, request: StoreRequest): StoreOperation["answer"] {
  if (request.kind === "range") {
    return { succeeded: true, results: [readResult(output.object("Range"))] };
  }
  const txn = output.object("Txn");
  return { succeeded: !txn.flag("Failure"), results: txn.list("Results").map(readResult) };
}

function readResult(result: Json): OpResult {
  const found = result.list("KVs").map((each): FoundKey => {
    const version = each.number("Version");
    return {
      key: each.text("Key"),
      value: each.value("Value"),
      modRevision: each.number("ModRevision"),
      version: version === 0 ? null : version,
    };
  });
  return { found, count: result.number("Count"), deleted: result.number("Deleted") };
}

function readWatch(record: Json, source: string): Watch {
  const request = record.object("Request");
  const responses = record.list("Responses").map((response) => ({
    events: response.list("Events").map(readEvent),
    isProgress: response.flag("IsProgressNotify"),
    revision: response.number("Revision"),
  }));
  return {
    range: readRange(request),
    from: request.number("Revision"),
    withPrevious: request.flag("WithPrevKV"),
    responses,
    source,
  };
}

function readEvent(event: Json): WatchEvent {
  const isDelete = event.text("Type").startsWith("delete");
  const previous = event.has("PrevValue") ? event.object("PrevValue") : null;
  return {
    key: event.text("Key"),
    value: isDelete ? null : event.value("Value"),
    revision: event.number("Revision"),
    isCreate: event.flag("IsCreate"),
    previous:
      previous === null
        ? null
        : { value: previous.value("Value"), modRevision: previous.number("ModRevision") },
  };
}
