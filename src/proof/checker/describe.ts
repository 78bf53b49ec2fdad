/** Operations in words. */
import { unreachable } from "../../base/index.ts";
import type { Operation, Request, TimeUnit } from "./operation.ts";

const VALUE_CHARACTERS = 48;

/** Both ends of a long value matter: appends differ at the end. */
export function describeValue(value: string | null): string {
  if (value === null) return "nothing";
  if (value.length <= VALUE_CHARACTERS) return JSON.stringify(value);
  const half = VALUE_CHARACTERS / 2;
  const text = `${value.slice(0, half)}…${value.slice(-half)}`;
  return `${JSON.stringify(text)} (${value.length} characters)`;
}

export function describeRequest(request: Request, key: string): string {
  const name = key === "" ? "" : ` ${JSON.stringify(key)}`;
  switch (request.kind) {
    case "read":
      return `read${name}`;
    case "write":
      return `write${name} = ${describeValue(request.value)}`;
    case "append":
      return `append to${name} ${describeValue(request.value)}`;
    case "delete":
      return `delete${name}`;
    case "cas": {
      const { expected } = request;
      const what =
        expected.kind === "absent"
          ? "nothing"
          : expected.kind === "revision"
            ? `revision ${expected.revision}`
            : describeValue(expected.value);
      return `cas${name} from ${what} to ${describeValue(request.value)}`;
    }
    default:
      return unreachable(request, "request");
  }
}

export function describeAnswer({ outcome, answer, revision }: Operation): string {
  if (outcome === "unknown") return "no answer";
  if (outcome === "fail" || answer === null) return "failed";
  const at = revision === null ? "" : ` at revision ${revision}`;
  switch (answer.kind) {
    case "value":
      return `saw ${describeValue(answer.value)}${at}`;
    case "done":
      return `done${at}`;
    case "deleted":
      if (answer.existed === null) return `done${at}`;
      return answer.existed ? `deleted${at}` : "found nothing to delete";
    case "cas":
      if (answer.swapped) return `swapped${at}`;
      if (answer.actual === undefined) return `did not match${at}`;
      return `did not match: saw ${describeValue(answer.actual)}${at}`;
    default:
      return unreachable(answer, "answer");
  }
}

/** "client 3: read "a", saw "1"". */
export function describeOperation(operation: Operation): string {
  const { process, request, key } = operation;
  return `client ${process}: ${describeRequest(request, key)}, ${describeAnswer(operation)}`;
}

/** @param start what counts as time 0 */
export function describeTimes(
  { call, end, line }: Operation,
  unit: TimeUnit,
  start: number,
): string {
  const where = line === null ? "" : `, line ${line}`;
  if (unit === "events") {
    return end === Number.POSITIVE_INFINITY ? `events ${call} to ?` : `events ${call} to ${end}`;
  }
  const until = end === Number.POSITIVE_INFINITY ? "?" : formatTime(end - start, unit);
  return `${formatTime(call - start, unit)} to ${until}${where}`;
}

function formatTime(time: number, unit: "ns" | "us" | "ms"): string {
  const ms = time / { ns: 1e6, us: 1e3, ms: 1 }[unit];
  return `${Number(ms.toFixed(3))} ms`;
}
