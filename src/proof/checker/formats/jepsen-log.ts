/**
 * The log of a Jepsen test of one compare-and-swap register, a line an event:
 * `INFO  jepsen.util - PROCESS :invoke|:ok|:fail|:info :read|:write|:cas ARGUMENT`. `nil` is an unset register.
 */
import { HistoryFormatError } from "../errors.ts";
import type { Answer, History, Request } from "../operation.ts";
import { EventPairs } from "./event-pairs.ts";
import { excerpt, linesOf } from "./lines.ts";

const LINE =
  /^\S+\s+jepsen\.util\s+-\s+(\S+)\s+:(invoke|ok|fail|info)\s+:(read|write|cas)\s+(.*?)\s*$/;
const PAIR = /^\[\s*(\S+)\s+(\S+)\s*\]$/;
const KEY = "register";

export function isJepsenLog(line: string): boolean {
  return /\sjepsen\.util\s/.test(line);
}

/** @throws HistoryFormatError */
export function parseJepsenLog(text: string): History {
  const pairs = new EventPairs();
  for (const [content, line] of linesOf(text)) {
    const match = LINE.exec(content);
    if (match === null) {
      const expected =
        "INFO jepsen.util - PROCESS :invoke|:ok|:fail|:info :read|:write|:cas ARGUMENT";
      throw new HistoryFormatError(
        "BAD_SYNTAX",
        line,
        `expected "${expected}", got ${excerpt(content)}`,
      );
    }
    const [, process = "", type = "", kind = "", argument = ""] = match;
    if (type === "invoke") {
      pairs.call({
        process,
        key: KEY,
        request: parseRequest(kind, argument, line),
        call: line,
        line,
      });
      continue;
    }
    const { request } = pairs.waiting(process, line);
    if (request.kind !== kind) {
      const problem = `process ${process} is answered a ${kind}, but has called a ${request.kind}`;
      throw new HistoryFormatError("BAD_ORDER", line, problem);
    }
    pairs.answer(process, parseAnswer(request, type, argument, line));
  }
  return { operations: pairs.finish(), unit: "events" };
}

function parseRequest(kind: string, argument: string, line: number): Request {
  if (kind === "read") return { kind: "read" };
  if (kind === "write") return { kind: "write", value: argument };
  const pair = PAIR.exec(argument);
  if (pair === null) {
    throw new HistoryFormatError(
      "BAD_FIELD",
      line,
      `expected "[FROM TO]" after :cas, got ${excerpt(argument)}`,
    );
  }
  const [, from = "", to = ""] = pair;
  const expected =
    from === "nil" ? ({ kind: "absent" } as const) : ({ kind: "value", value: from } as const);
  return { kind: "cas", expected, value: to };
}

function parseAnswer(
  request: Request,
  type: string,
  argument: string,
  line: number,
): { outcome: "ok" | "fail" | "unknown"; answer: Answer | null; end: number } {
  const isTimeout = argument === ":timed-out";
  if (type === "info" || (isTimeout && request.kind !== "read")) {
    return { outcome: "unknown", answer: null, end: Number.POSITIVE_INFINITY };
  }
  if (request.kind === "cas") {
    // A cas that fails has looked at the register: it did not hold what was expected.
    return {
      outcome: "ok",
      answer: { kind: "cas", swapped: type === "ok", actual: undefined },
      end: line,
    };
  }
  if (type === "fail") return { outcome: "fail", answer: null, end: line };
  if (request.kind === "write") return { outcome: "ok", answer: { kind: "done" }, end: line };
  return {
    outcome: "ok",
    answer: { kind: "value", value: argument === "nil" ? null : argument },
    end: line,
  };
}
