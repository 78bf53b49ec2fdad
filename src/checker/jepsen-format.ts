/**
 * Lines of Jepsen's log of one compare-and-swap register:
 * `INFO jepsen.util - PROCESS :invoke|:ok|:fail|:info :read|:write|:cas ARGUMENT`
 */
import { operationsOf, type HistoryEvent } from "./events-to-operations.ts";
import { HistoryFormatError } from "./history-format-error.ts";
import type { RegisterInput, RegisterOutput } from "./models.ts";
import type { Operation } from "./operation.ts";

const LINE =
  /^INFO\s+jepsen\.util\s+-\s+(\d+)\s+:(invoke|ok|fail|info)\s+:(read|write|cas)\s+(.*?)\s*$/;

export function isJepsenHistory(text: string): boolean {
  return /^INFO\s+jepsen\.util/m.test(text);
}

/** @throws HistoryFormatError */
export function parseJepsenHistory(text: string): Operation<RegisterInput, RegisterOutput>[] {
  const events: HistoryEvent<RegisterInput, RegisterOutput>[] = [];
  text.split("\n").forEach((content, index) => {
    const line = index + 1;
    if (!/jepsen\.util/.test(content)) return;
    const match = LINE.exec(content);
    // Other things are logged there too.
    if (match === null) return;
    const [, process = "", kind = "", op = "", argument = ""] = match;
    events.push(event(line, process, kind as HistoryEvent<unknown, unknown>["kind"], op, argument));
  });
  return operationsOf(events);
}

function event(
  line: number,
  process: string,
  kind: HistoryEvent<unknown, unknown>["kind"],
  op: string,
  argument: string,
): HistoryEvent<RegisterInput, RegisterOutput> {
  switch (op) {
    case "read": {
      const value = argument === "nil" ? null : argument;
      return { line, process, kind, input: { op: "read" }, output: { value } };
    }
    case "write":
      return { line, process, kind, input: { op: "write", value: argument }, output: { ok: true } };
    case "cas": {
      const pair = /^\[(\S+)\s+(\S+)\]$/.exec(argument);
      if (pair === null && kind === "invoke") {
        throw new HistoryFormatError(line, `expected :cas [FROM TO], got ${argument}`);
      }
      const [, from = "", to = ""] = pair ?? [];
      // A cas that fails has seen another value: that is an answer.
      const output = { ok: kind === "ok" };
      return { line, process, kind, input: { op: "cas", from, to }, output, failed: "answer" };
    }
    default:
      throw new HistoryFormatError(line, `unknown operation ${op}`);
  }
}
