/**
 * A client of transactions: transfers between accounts, a counter, a set that is never to be empty, and branches within each
 * other. It reads and commits as the library does (client/txn/transact.ts), but in callbacks: nothing here waits for the end of a real
 * turn. What it was told is noted, and held against the decided log when the run is over (txn-check.ts). All its keys begin
 * with TXN_KEYS, so that the other clients' histories stay what they are.
 */
import type { Answer } from "../../client/core/index.ts";
import {
  byteStringOf,
  byteStringOfText,
  encodeTxn,
  STATUS,
  textOf,
  type Compare,
  type Txn,
  type TxnOp,
} from "../../store/index.ts";
import { Asker, type AskerOptions } from "./asker.ts";
import type { TxnRecord } from "./history.ts";

export const TXN_KEYS = "t/";
export const ACCOUNT_PREFIX = "t/a";
export const ACCOUNTS = 4;
/** The balance of an account that no client has written yet. */
export const BALANCE = 100;
export const SET_PREFIX = "t/s/";
const SET_END = "t/s0";
const COUNTER = "t/n";
const BRANCH = "t/b";
/** Short, so that they get into each other's way. */
const PAUSE_MS_MAX = 15;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

type Found = ReadonlyMap<string, { readonly value: string; readonly revision: number }>;

export class Transactor extends Asker<AskerOptions> {
  #made = 0;

  constructor(options: AskerOptions) {
    super(options, "t", options.random.pick([60, 150, 400]), PAUSE_MS_MAX);
  }

  protected ask(): void {
    const dice = this.options.random.below(100);
    if (dice < 30) this.#transfer();
    else if (dice < 40) this.#count();
    else if (dice < 80) this.#change();
    else this.#commit("branches", this.#branches());
  }

  #transfer(): void {
    const { random } = this.options;
    const from = random.below(ACCOUNTS);
    const to = (from + 1 + random.below(ACCOUNTS - 1)) % ACCOUNTS;
    const names = [from, to].map((account) => `${ACCOUNT_PREFIX}${account}`);
    const amount = 1 + random.below(20);
    this.#read(names, (found) => {
      const [source = "", target = ""] = names;
      const balance = (name: string): number => Number(found.get(name)?.value ?? BALANCE);
      this.#commit("transfer", {
        compare: names.map((name) => unchanged(name, found)),
        success: [
          put(source, `${balance(source) - amount}`),
          put(target, `${balance(target) + amount}`),
        ],
        failure: names.map((name) => get(name)),
      });
    });
  }

  #count(): void {
    this.#read([COUNTER], (found) => {
      const next = Number(found.get(COUNTER)?.value ?? 0) + 1;
      this.#commit("counter", {
        compare: [unchanged(COUNTER, found)],
        success: [put(COUNTER, `${next}`)],
        failure: [],
      });
    });
  }

  /** Adds to the set, or takes one away when another one is left: by what a range showed, checked as the library checks it. */
  #change(): void {
    const { random } = this.options;
    this.#readSet(encoder.encode(SET_PREFIX), 0, [], (names, revision) => {
      const where = { start: byteStringOfText(SET_PREFIX), end: byteStringOfText(SET_END) };
      const isTaken = names.length >= 2 && random.chance(0.6);
      const op: TxnOp = isTaken
        ? { op: "delete", where: { key: byteStringOfText(random.pick(names)) }, previous: true }
        : put(`${SET_PREFIX}${this.options.index}-${this.#made}`, "");
      this.#commit(isTaken ? "set: one less" : "set: one more", {
        compare: [
          { where, is: "=", target: "count", to: names.length },
          { where, is: "<", target: "modRevision", to: revision + 1 },
        ],
        success: [op],
        failure: [],
      });
    });
  }

  /** Page by page, all of the revision of the first. */
  #readSet(
    start: Uint8Array,
    revision: number,
    names: readonly string[],
    then: (names: readonly string[], revision: number) => void,
  ): void {
    const range = {
      reverse: false,
      countOnly: false,
      keysOnly: false,
      limit: Number.MAX_SAFE_INTEGER,
      start,
      end: encoder.encode(SET_END),
      revision,
    };
    const local = revision !== 0;
    this.core.submit({ kind: "range", range, local }, { node: null }, (error, answer) => {
      const page = answer?.page ?? null;
      if (page === null) return this.#failed(`set: ${error?.code}`);
      const found = [...names, ...Array.from(page.items, ({ key }) => decoder.decode(key))];
      if (page.resume === null) return then(found, page.revision);
      this.#readSet(Uint8Array.from(page.resume), page.revision, found, then);
    });
  }

  #branches(): Txn {
    const { random } = this.options;
    const [a, b] = [`${BRANCH}${random.below(3)}`, `${BRANCH}${3 + random.below(3)}`];
    const isThere = (name: string): Compare => ({
      where: { key: byteStringOfText(name) },
      is: ">",
      target: "version",
      to: 0,
    });
    const own = `${this.options.index}-${this.#made}`;
    const all = { start: byteStringOfText(BRANCH), end: null };
    const inner: Txn = {
      compare: [isThere(a)],
      success: [{ op: "delete", where: { key: byteStringOfText(b) }, previous: true }],
      failure: [put(b, `else ${own}`)],
    };
    return {
      compare: random.chance(0.5) ? [isThere(b)] : [],
      success: [
        random.chance(0.5)
          ? put(a, own)
          : { op: "delete", where: { key: byteStringOfText(a) }, previous: false },
        { op: "txn", txn: inner },
        { op: "get", where: all, limit: 4, keysOnly: false, countOnly: false },
      ],
      failure: [{ op: "txn", txn: inner }, get(a)],
    };
  }

  #read(names: readonly string[], then: (found: Found) => void): void {
    const keys = names.map((name) => encoder.encode(name));
    const operation = { kind: "keys", keys, local: false, revision: 0 } as const;
    this.core.submit(operation, { node: null }, (error, answer) => {
      if (answer?.page == null) return this.#failed(`read: ${error?.code}`);
      const found = new Map(
        Array.from(answer.page.items, ({ key, value, modRevision }) => [
          decoder.decode(key),
          { value: decoder.decode(value ?? new Uint8Array(0)), revision: modRevision },
        ]),
      );
      then(found);
    });
  }

  /** No two have the same body: what the log has is told apart. */
  #commit(name: string, txn: Txn): void {
    if (this.isStopped) return;
    const { history, index, coverage } = this.options;
    const id = byteStringOfText(`${TXN_KEYS}id/${index}-${this.#made++}`);
    const isMine: Compare = { where: { key: id }, is: "=", target: "count", to: 0 };
    const body = encodeTxn({ ...txn, compare: [...txn.compare, isMine] });
    const record: TxnRecord = {
      client: index,
      body: byteStringOf(body),
      call: history.mark(),
      back: Number.POSITIVE_INFINITY,
      outcome: { kind: "unknown" },
    };
    history.txns.push(record);
    this.core.submit({ kind: "txn", txn: body }, { node: null }, (error, answer) => {
      record.back = history.mark();
      if (answer !== null) record.outcome = told(answer);
      else if (error?.definite === true) record.outcome = { kind: "refused" };
      const { outcome } = record;
      const how = outcome.kind === "told" ? (outcome.succeeded ? "then" : "else") : outcome.kind;
      coverage.hit(`transaction: ${name} ${how}`);
      this.start();
    });
  }

  #failed(what: string): void {
    this.options.coverage.hit(`transaction: ${what}`);
    this.start();
  }
}

function told({ status, revision, value }: Answer): TxnRecord["outcome"] {
  const results = value === null ? null : byteStringOf(value);
  return { kind: "told", succeeded: status === STATUS.txnThen, revision, results };
}

function unchanged(name: string, found: Found): Compare {
  const revision = found.get(name)?.revision ?? 0;
  return { where: { key: byteStringOfText(name) }, is: "=", target: "modRevision", to: revision };
}

function put(name: string, value: string): TxnOp {
  return {
    op: "put",
    key: byteStringOfText(name),
    value: byteStringOfText(value),
    previous: false,
  };
}

function get(name: string): TxnOp {
  const where = { key: byteStringOfText(name) };
  return { op: "get", where, limit: 0, keysOnly: false, countOnly: false };
}

/** For people. */
export function describeTxn({ client, body, outcome }: TxnRecord): string {
  return `transactor ${client}: ${JSON.stringify(textOf(body))} -> ${JSON.stringify(outcome)}`;
}
