/** Carries out `txn`, and puts what came of it into words. */
import type { KvRequests } from "../../client/index.ts";
import type { TxnOperation, TxnOperationResult, TxnResult } from "../../client/txn/index.ts";
import { bytesOf, type KeyValue, type RequestOptions } from "../../client/terms/index.ts";
import {
  bytesField,
  EXIT,
  formatDuration,
  type Outcome,
  quote,
  roundMs,
  type Style,
} from "../terminal/index.ts";
import type { TxnAction } from "../commands/index.ts";

export async function txnOutcome(
  client: Pick<KvRequests, "txn">,
  { op, request }: TxnAction,
  options: RequestOptions,
  style: Style,
  elapsedMs: () => number,
): Promise<Outcome> {
  const answer = await client.txn(request, options);
  const { succeeded, revision, results, node } = answer;
  const ms = elapsedMs();
  const operations = (succeeded ? request.then : request.else) ?? [];
  const lines = (results ?? []).map((result, i) => lineOf(operations[i], result, style));
  return {
    text: [...lines, `${summary(answer, style)} ${style.dim(`(${formatDuration(ms)})`)}`].join(
      "\n",
    ),
    json: {
      ok: true,
      node,
      op,
      succeeded,
      revision,
      results: results?.map(fieldsOf) ?? null,
      ms: roundMs(ms),
    },
    status: EXIT.ok,
  };
}

function summary({ succeeded, revision, results }: TxnResult, style: Style): string {
  const words = succeeded
    ? style.good("then")
    : `${style.warn("else")}, as a condition did not hold`;
  const unknown = results === null ? "; what came of each is not known any more" : "";
  return `${words}, revision ${revision}${unknown}`;
}

function lineOf(
  operation: TxnOperation | undefined,
  result: TxnOperationResult,
  style: Style,
): string {
  const what = nameOf(operation, result);
  switch (result.op) {
    case "put":
      return what;
    case "delete":
      return `${what}: ${keys(result.count)}`;
    case "get": {
      const { found, count } = result;
      const shown = found.map((entry) => entryText(entry, style));
      if (operation?.op === "get" && operation.key !== undefined) {
        return `${what}: ${shown[0] ?? style.warn("(not found)")}`;
      }
      return [
        `${what}: ${keys(count)}`,
        ...found.map(({ key }, i) => `  ${quote(key)} ${shown[i]}`),
      ].join("\n");
    }
    default:
      return what;
  }
}

function nameOf(operation: TxnOperation | undefined, { op }: TxnOperationResult): string {
  if (operation === undefined || operation.op === "txn") return op;
  const { key } = operation;
  if (key !== undefined) return `${op} ${quote(bytesOf(key))}`;
  const { prefix } = operation.range;
  return `${op} ${prefix === undefined ? "a range" : `${quote(bytesOf(prefix))}…`}`;
}

function entryText({ value, modRevision }: KeyValue, style: Style): string {
  return `${style.value(quote(value))} ${style.dim(`(revision ${modRevision})`)}`;
}

function keys(count: number): string {
  return count === 1 ? "1 key" : `${count} keys`;
}

function fieldsOf(result: TxnOperationResult): Readonly<Record<string, unknown>> {
  switch (result.op) {
    case "put":
      return { op: "put" };
    case "delete":
      return { op: "delete", count: result.count };
    case "get": {
      const { count, found } = result;
      return { op: "get", count, keys: found.map(entryFields) };
    }
    default:
      return { op: "txn", succeeded: result.succeeded, results: result.results.map(fieldsOf) };
  }
}

function entryFields({ key, value, ...revisions }: KeyValue): Readonly<Record<string, unknown>> {
  return { ...bytesField("key", key), ...bytesField("value", value), ...revisions };
}
