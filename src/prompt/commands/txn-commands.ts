/**
 * `txn` at the client prompt: a transaction in one line of words.
 *
 *     txn if k=v k2@3 !k3 then put a 1 del b else get k
 *
 * Every operation takes as many words as it takes, so nothing stands between them, and words that a shell would take for its own
 * are not needed.
 */
import type { TxnCompare, TxnOperation, TxnRequest } from "../../client/txn/index.ts";
import { type CommandSpec, textOf, type Token, UsageError } from "../terminal/index.ts";

export interface TxnAction {
  readonly family: "txn";
  readonly op: "txn";
  readonly request: TxnRequest;
}

const WORDS_MAX = 1000;
const EXPECTED = "put KEY VALUE, del KEY, get KEY, range PREFIX, count PREFIX or delrange PREFIX";

/** The second of the words is empty when it takes one. */
type Build = (first: Uint8Array, second: Uint8Array) => TxnOperation;

const NOTHING = new Uint8Array(0);
const put: Build = (key, value) => ({ op: "put", key, value });
const remove: Build = (key) => ({ op: "delete", key });
const get: Build = (key) => ({ op: "get", key });

/** By name: how many words each takes, and what it is. */
const OPERATIONS = new Map<string, readonly [words: 1 | 2, build: Build]>([
  ["put", [2, put]],
  ["write", [2, put]],
  ["set", [2, put]],
  ["del", [1, remove]],
  ["delete", [1, remove]],
  ["get", [1, get]],
  ["read", [1, get]],
  ["range", [1, (prefix) => ({ op: "get", range: { prefix } })]],
  ["count", [1, (prefix) => ({ op: "get", range: { prefix }, countOnly: true })]],
  ["delrange", [1, (prefix) => ({ op: "delete", range: { prefix } })]],
]);

export const TXN_COMMAND: CommandSpec<TxnAction> = {
  name: "txn",
  synonyms: ["transaction", "multi", "atomic"],
  forms: ["[if CONDITION...] then OPERATION... [else OPERATION...]"],
  summary: "carries out several operations as one step, if conditions hold",
  details: [
    "Conditions: KEY=VALUE, KEY!=VALUE, KEY@N (last written at revision N), KEY#N (its version), KEY (it exists), !KEY",
    `Operations: ${EXPECTED}.`,
    "At a terminal `1 txn` alone asks for them over several lines.",
    "All changes get one revision, exactly once. No key may be changed twice. In a key of a condition there can be no =.",
  ],
  examples: [
    "1 txn if account=5 then put account 4 put spent 1 else get account",
    "1 txn if k2@3 !k3 then put a 1 del b",
    "2 txn then get a get b range app/",
  ],
  arguments: ["text"],
  count: [1, WORDS_MAX],
  overLines:
    "conditions and operations, as in `help txn`, over as many lines as you like; an empty line ends it",
  build: ({ positionals }) => ({ family: "txn", op: "txn", request: requestIn(positionals) }),
};

function requestIn(words: readonly Token[]): TxnRequest {
  const [first] = words;
  const compare: TxnCompare[] = [];
  let at = 0;
  if (first?.text === "if") {
    for (at = 1; at < words.length && words[at]?.text !== "then"; at++) {
      compare.push(conditionIn(words[at]));
    }
    if (at === words.length) throw new UsageError('behind the conditions comes "then"');
    if (compare.length === 0) throw new UsageError('behind "if" comes a condition, like KEY=VALUE');
  }
  if (words[at]?.text === "then") at += 1;
  const then: TxnOperation[] = [];
  const otherwise: TxnOperation[] = [];
  let list = then;
  while (at < words.length) {
    if (words[at]?.text === "else" && list === then) {
      list = otherwise;
      at += 1;
      continue;
    }
    const name = words[at]?.text ?? "";
    const [count, build] = OPERATIONS.get(name) ?? [];
    if (count === undefined || build === undefined) {
      throw new UsageError(`"${name}" is no operation: they are ${EXPECTED}`);
    }
    const given = words.slice(at + 1, at + 1 + count).map(({ bytes }) => bytes);
    if (given.length < count) throw new UsageError(`${name}: too few words: ${EXPECTED}`);
    list.push(build(given[0] ?? NOTHING, given[1] ?? NOTHING));
    at += 1 + count;
  }
  // oxlint-disable-next-line no-thenable -- a list, which nobody can call
  return { compare, then, else: otherwise };
}

const EQUALS = 0x3d;
const NOT = 0x21;

function conditionIn(word: Token | undefined): TxnCompare {
  const bytes = word?.bytes ?? NOTHING;
  const equals = bytes.indexOf(EQUALS);
  if (equals !== -1) {
    const isNot = equals > 1 && bytes[equals - 1] === NOT;
    const key = keyIn(bytes.subarray(0, isNot ? equals - 1 : equals));
    return { key, value: bytes.subarray(equals + 1), is: isNot ? "!=" : "=" };
  }
  if (bytes[0] === NOT) return { key: keyIn(bytes.subarray(1)), version: 0 };
  const numbered = /^(.+)([@#])(\d{1,15})$/su.exec(textOf(bytes) ?? "");
  const [, name = "", sign, digits] = numbered ?? [];
  if (numbered === null) return { key: keyIn(bytes), version: 0, is: ">" };
  const key = keyIn(new TextEncoder().encode(name));
  return sign === "@" ? { key, modRevision: Number(digits) } : { key, version: Number(digits) };
}

function keyIn(bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0) throw new UsageError("a key is at least one byte long");
  return bytes;
}
