/**
 * A key-value store with get, put and append, an EDN map a line:
 * `{:process P, :type :invoke|:ok|:fail|:info, :f :get|:put|:append, :key K, :value V}`.
 */
import { HistoryFormatError } from "../errors.ts";
import type { Answer, History, Outcome, Request } from "../operation.ts";
import { EventPairs } from "./event-pairs.ts";
import { excerpt, linesOf } from "./lines.ts";

/** A keyword with its colon, the text of a string or number, or null for nil. */
type Scalar = { readonly kind: "keyword" | "string" | "symbol"; readonly text: string } | null;

const TOKEN = /[\s,]*(?:(\{)|(\})|"((?:[^"\\]|\\.)*)"|(:[^\s,{}"]+)|([^\s,{}":][^\s,{}"]*))/y;
const ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  t: "\t",
  r: "\r",
  '"': '"',
  "\\": "\\",
};

export function isEdn(line: string): boolean {
  return /^\s*\{\s*:/.test(line);
}

/** @throws HistoryFormatError */
export function parseEdnKv(text: string): History {
  const pairs = new EventPairs();
  for (const [content, line] of linesOf(text)) {
    const map = parseMap(content, line);
    const process = scalar(map, ":process", line);
    const type = scalar(map, ":type", line);
    if (type === ":invoke") {
      const key = scalar(map, ":key", line);
      pairs.call({ process, key, request: parseRequest(map, line), call: line, line });
      continue;
    }
    const { request } = pairs.waiting(process, line);
    const outcome = outcomeOf(type, line);
    const isKnown = outcome !== "unknown";
    pairs.answer(process, {
      outcome,
      answer: outcome === "ok" ? answerOf(request, map, line) : null,
      end: isKnown ? line : Number.POSITIVE_INFINITY,
    });
  }
  return { operations: pairs.finish(), unit: "events" };
}

function parseRequest(map: ReadonlyMap<string, Scalar>, line: number): Request {
  const f = scalar(map, ":f", line);
  switch (f) {
    case ":get":
      return { kind: "read" };
    case ":put":
      return { kind: "write", value: scalar(map, ":value", line) };
    case ":append":
      return { kind: "append", value: scalar(map, ":value", line) };
    default:
      throw new HistoryFormatError(
        "BAD_FIELD",
        line,
        `:f: expected :get, :put or :append, got ${f}`,
      );
  }
}

function outcomeOf(type: string, line: number): Outcome {
  if (type === ":ok") return "ok";
  if (type === ":fail") return "fail";
  if (type === ":info") return "unknown";
  throw new HistoryFormatError(
    "BAD_FIELD",
    line,
    `:type: expected :invoke, :ok, :fail or :info, got ${type}`,
  );
}

function answerOf(request: Request, map: ReadonlyMap<string, Scalar>, line: number): Answer {
  if (request.kind !== "read") return { kind: "done" };
  return { kind: "value", value: map.get(":value") === null ? null : scalar(map, ":value", line) };
}

function scalar(map: ReadonlyMap<string, Scalar>, name: string, line: number): string {
  const value = map.get(name);
  if (value !== undefined && value !== null) return value.text;
  const got = value === null ? "nil" : "nothing";
  throw new HistoryFormatError("BAD_FIELD", line, `${name}: expected a value, got ${got}`);
}

function parseMap(content: string, line: number): ReadonlyMap<string, Scalar> {
  const tokens = tokensOf(content, line);
  const fields = tokens.slice(1, -1);
  const isMap = tokens[0] === "{" && tokens.at(-1) === "}" && fields.length % 2 === 0;
  const map = new Map<string, Scalar>();
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at];
    const value = fields[at + 1];
    if (
      typeof name !== "object" ||
      name?.kind !== "keyword" ||
      typeof value === "string" ||
      value === undefined
    )
      break;
    map.set(name.text, value);
  }
  if (isMap && map.size * 2 === fields.length) return map;
  throw new HistoryFormatError(
    "BAD_SYNTAX",
    line,
    `expected a flat EDN map "{:process 0, :type :invoke, …}", got ${excerpt(content)}`,
  );
}

function tokensOf(content: string, line: number): (Scalar | "{" | "}")[] {
  const tokens: (Scalar | "{" | "}")[] = [];
  const text = content.trimEnd();
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null) {
      throw new HistoryFormatError(
        "BAD_SYNTAX",
        line,
        `column ${at + 1}: expected EDN, got ${excerpt(text.slice(at))}`,
      );
    }
    const [, open, close, string, keyword, symbol] = match;
    if (open !== undefined) tokens.push("{");
    else if (close !== undefined) tokens.push("}");
    else if (string !== undefined) {
      const value = string.replace(/\\(.)/g, (_, char: string) => ESCAPES[char] ?? char);
      tokens.push({ kind: "string", text: value });
    } else if (keyword !== undefined) tokens.push({ kind: "keyword", text: keyword });
    else
      tokens.push(
        symbol === "nil" || symbol === undefined ? null : { kind: "symbol", text: symbol },
      );
  }
  return tokens;
}
