/**
 * Histories in EDN: events one after the other, or in one vector or list, each `{:process P, :type :invoke|:ok|:fail|:info, :f …}`.
 *
 *     a store of strings   :f :get|:put|:append, :key K, :value V
 *     one register         :f :read|:write, :value V; :f :cas, :value [FROM TO]
 *     many, independent    the same with [K V] or [K [FROM TO]] for a value
 *     many registers       :f :txn (or :read, :write), :value [[:r K nil]] or [[:w K V]]
 *     lists                :f :txn, :value [[:r K nil]] or [[:append K V]]
 *
 * `:fail` says that it did not happen. A transaction of several operations is refused: `edn-transactions.ts` reads those. The reader
 * skips events of no client (of a process that is a keyword, like `:nemesis`).
 */
import { HistoryFormatError } from "../errors.ts";
import type { ModelName } from "../models.ts";
import type { Answer, History, Outcome, Request } from "../operation.ts";
import { EdnReader, textOf, type Edn } from "./edn-reader.ts";
import { EventPairs } from "./event-pairs.ts";
import { excerpt } from "./lines.ts";

const REGISTER = "register";
const NIL: Edn = { kind: "nil" };

export function isEdn(line: string): boolean {
  return /^\s*(?:\{\s*:|[[(]\s*(?:[{#;]|$)|#[a-zA-Z_]|;)/.test(line);
}

/** What an event asks for, of which key, and where in its value the answer stands. */
interface Meant {
  readonly key: string;
  readonly request: Request;
  readonly place: "whole" | "tuple" | "micro";
}

/** @throws HistoryFormatError */
export function parseEdn(text: string): History & { readonly model: ModelName } {
  const pairs = new EventPairs();
  const places = new Map<string, Meant["place"]>();
  let model: ModelName = "register";
  let position = 0;
  for (const { value, line } of new EdnReader(text).events()) {
    const event = new Event(value, line);
    const process = event.process();
    if (process === null) continue;
    position += 1;
    const type = event.keyword(":type");
    if (type === ":invoke") {
      const { key, request, place } = event.meant();
      if (event.isOfStrings || request.kind === "append") model = "append";
      places.set(process, place);
      pairs.call({ process, key, request, call: position, line });
      continue;
    }
    const { request } = pairs.waiting(process, line);
    const outcome = event.outcome(type);
    const isKnown = outcome !== "unknown";
    pairs.answer(process, {
      outcome,
      answer: outcome === "ok" ? event.answer(request, places.get(process) ?? "whole") : null,
      end: isKnown ? position : Number.POSITIVE_INFINITY,
    });
  }
  return { operations: pairs.finish(), unit: "events", model };
}

class Event {
  readonly #line: number;
  readonly #entries: ReadonlyMap<string, Edn>;

  constructor(value: Edn, line: number) {
    this.#line = line;
    if (value.kind !== "map") {
      this.#fail("BAD_SYNTAX", `expected an event like "{:process 0, :type :invoke, …}"`, value);
    }
    this.#entries = value.entries;
  }

  /** Null: it was no client. */
  process(): string | null {
    const value = this.#entries.get(":process") ?? NIL;
    if (value.kind === "keyword") return null;
    if (value.kind === "symbol" || value.kind === "string") return value.text;
    return this.#fail("BAD_FIELD", ":process: expected a number", value);
  }

  keyword(name: string): string {
    const value = this.#entries.get(name) ?? NIL;
    if (value.kind === "keyword") return value.text;
    return this.#fail("BAD_FIELD", `${name}: expected a keyword`, value);
  }

  /** A key that is not there reads as the empty string. */
  get isOfStrings(): boolean {
    return [":get", ":put"].includes(this.keyword(":f"));
  }

  meant(): Meant {
    const f = this.keyword(":f");
    const value = this.#value();
    const pair = value.kind === "list" && value.items.length === 2 ? value.items : null;
    const [first = NIL, second = NIL] = pair ?? [];
    switch (f) {
      case ":get":
        return { key: this.#text(":key"), request: { kind: "read" }, place: "whole" };
      case ":put":
        return this.#whole(this.#text(":key"), { kind: "write", value: this.#text(":value") });
      case ":append":
        return this.#whole(this.#text(":key"), { kind: "append", value: this.#text(":value") });
      case ":txn":
        return this.#micro();
      case ":read":
        if (isMicro(value)) return this.#micro();
        if (pair === null) return this.#whole(REGISTER, { kind: "read" });
        return { key: textOf(first), request: { kind: "read" }, place: "tuple" };
      case ":write":
        if (isMicro(value)) return this.#micro();
        if (pair === null)
          return this.#whole(REGISTER, { kind: "write", value: this.#text(":value") });
        return { key: textOf(first), request: written(second), place: "tuple" };
      case ":cas":
        if (second.kind !== "list") return this.#whole(REGISTER, this.#cas(value));
        return { key: textOf(first), request: this.#cas(second), place: "tuple" };
      default:
        throw new HistoryFormatError(
          "BAD_FIELD",
          this.#line,
          `:f: expected :get, :put, :append, :read, :write, :cas or :txn, got ${excerpt(f)}`,
        );
    }
  }

  outcome(type: string): Outcome {
    if (type === ":ok") return "ok";
    if (type === ":fail") return "fail";
    if (type === ":info") return "unknown";
    throw new HistoryFormatError(
      "BAD_FIELD",
      this.#line,
      `:type: expected :invoke, :ok, :fail or :info, got ${excerpt(type)}`,
    );
  }

  answer({ kind }: Request, place: Meant["place"]): Answer {
    if (kind === "cas") return { kind: "cas", swapped: true, actual: undefined };
    if (kind !== "read") return { kind: "done" };
    const read = this.#read(place);
    if (read.kind === "nil") return { kind: "value", value: null };
    const value = read.kind === "list" ? read.items.map(elementText).join("") : textOf(read);
    return { kind: "value", value };
  }

  #read(place: Meant["place"]): Edn {
    const value = this.#value();
    if (place === "whole") return value;
    const tuple = place === "micro" && value.kind === "list" ? value.items[0] : value;
    const read = tuple?.kind === "list" ? tuple.items.at(-1) : undefined;
    return (
      read ?? this.#fail("BAD_FIELD", ":value: expected what was read, and of which key", value)
    );
  }

  /** A transaction of one operation is that operation. */
  #micro(): Meant {
    const value = this.#value();
    const only = value.kind === "list" && value.items.length === 1 ? value.items[0] : undefined;
    if (only?.kind !== "list" || only.items.length !== 3) {
      const expected =
        ":value: expected one operation, like [[:r K nil]]: several in one are for parseTransactions";
      return this.#fail("BAD_FIELD", expected, value);
    }
    const [f = NIL, key = NIL, operand = NIL] = only.items;
    const rest = { key: textOf(key), place: "micro" } as const;
    switch (textOf(f)) {
      case ":r":
      case ":read":
        return { ...rest, request: { kind: "read" } };
      case ":w":
      case ":write":
        return { ...rest, request: written(operand) };
      case ":append":
        return { ...rest, request: { kind: "append", value: elementText(operand) } };
      default:
        return this.#fail("BAD_FIELD", ":value: expected :r, :w or :append", f);
    }
  }

  #whole(key: string, request: Request): Meant {
    return { key, request, place: "whole" };
  }

  #cas(value: Edn): Request {
    if (value.kind !== "list" || value.items.length !== 2) {
      return this.#fail("BAD_FIELD", ':value: expected "[FROM TO]" of a :cas', value);
    }
    const [from = NIL, to = NIL] = value.items;
    const expected =
      from.kind === "nil"
        ? ({ kind: "absent" } as const)
        : ({ kind: "value", value: textOf(from) } as const);
    return { kind: "cas", expected, value: textOf(to) };
  }

  #value(): Edn {
    return this.#entries.get(":value") ?? NIL;
  }

  #text(name: string): string {
    const value = this.#entries.get(name);
    if (value !== undefined && value.kind !== "nil") return textOf(value);
    const got = value === undefined ? "nothing" : "nil";
    throw new HistoryFormatError("BAD_FIELD", this.#line, `${name}: expected a value, got ${got}`);
  }

  #fail(code: "BAD_SYNTAX" | "BAD_FIELD", expected: string, got: Edn): never {
    throw new HistoryFormatError(code, this.#line, `${expected}, got ${excerpt(textOf(got))}`);
  }
}

function written(value: Edn): Request {
  return { kind: "write", value: textOf(value) };
}

function isMicro(value: Edn): boolean {
  return value.kind === "list" && value.items[0]?.kind === "list";
}

/** Of a list: so that lists are texts that one is appended to. */
function elementText(value: Edn): string {
  return `${textOf(value)},`;
}
