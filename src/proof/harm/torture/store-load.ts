/** Clients of transactions and of ranges, which note their requests and answers; and one that compacts the history. */
import { KvError } from "../../../base/index.ts";
import type { KvClient } from "../../../client/index.ts";
import type { KeyValue, ReadResult } from "../../../client/terms/index.ts";
import type { Transaction } from "../../../client/txn/index.ts";
import type { AdminCore } from "../../../client/admin/index.ts";
import { pause } from "../../../measure/index.ts";
import type { SeededRandom } from "../../../machine/ports/index.ts";
import { checkStore, type FoundKey } from "../../checker/index.ts";
import {
  ACCOUNT_PREFIX,
  ACCOUNTS,
  BALANCE,
  Carried,
  COUNTER,
  noted,
  PREFIX,
  rangeOf,
  SET_PREFIX,
  StoreNotes,
  told,
} from "./store-notes.ts";

export interface StoreLoad {
  readonly notes: StoreNotes;
  /** Ends the clients after what they are doing, and reads all once more. */
  stop(): Promise<void>;
}

const THINK_MS_MAX = 15;
const COMPACT_MS = 700;
/** What is kept, in revisions, at the least and at the most. */
const KEPT = [20, 400] as const;
const FIRST_WRITE_MAX_MS = 30_000;
/** So that the set does not grow with the length of a run. */
const MEMBERS_MAX = 12;

const microseconds = (): number => Math.round(performance.now() * 1000);

/** The accounts are filled before it returns. */
export async function startStoreLoad(
  clients: readonly KvClient[],
  admin: Pick<AdminCore, "call">,
  nodes: readonly number[],
  random: SeededRandom,
): Promise<StoreLoad> {
  const notes = new StoreNotes();
  const [first] = clients;
  if (first === undefined) return { notes, stop: async () => {} };
  await open(first, notes);
  const stop = new AbortController();
  const run = async (client: KvClient, index: number): Promise<void> => {
    const user = new StoreUser(client, notes, `t${index}`, random.fork(`store ${index}`));
    while (!stop.signal.aborted) {
      await user.act();
      await pause(random.below(THINK_MS_MAX));
    }
  };
  const running = clients.map(run);
  const compacting = compact(admin, nodes, notes, random.fork("compact"), stop.signal);
  return {
    notes,
    stop: async () => {
      stop.abort();
      await Promise.all([...running, compacting]);
      const user = new StoreUser(first, notes, "final", random);
      const { length } = notes.operations;
      while (notes.operations.length === length) await user.lookAtAll();
    },
  };
}

/** @returns what the checker says of all answers; what was wrong at once stands in the notes */
export function judgeStore({ operations, counts }: StoreNotes): {
  readonly violations: readonly string[];
  readonly text: string;
} {
  const startedMs = performance.now();
  const history = { operations, watches: [], isWhole: true, isShared: true, emptyRevision: 0 };
  const { anomalies, leftOut } = checkStore(history);
  const ms = Math.round(performance.now() - startedMs);
  const did =
    `${counts.transfers} transfers, ${counts.counted} numbers, ${counts.sets} changes of the set, ` +
    `${counts.states} states, ${counts.old} of them old, ${counts.compacted} were compacted`;
  const verdict = anomalies.length === 0 ? "strictly serializable" : "NOT strictly serializable";
  const unsure = `${leftOut.unseen + leftOut.unsure} without a place`;
  return {
    violations: anomalies.map(({ text }) => text),
    text: `${did}\n${verdict}: ${operations.length} transactions and ranges, ${unsure}, checked in ${ms} ms`,
  };
}

async function open(client: KvClient, notes: StoreNotes): Promise<void> {
  const carried = new Carried();
  for (let i = 0; i < ACCOUNTS; i++) carried.put(`${ACCOUNT_PREFIX}${i}`, `${BALANCE}`);
  const puts = carried.ops.flatMap((op) =>
    op.kind === "put" ? [{ op: "put", key: op.key, value: op.value } as const] : [],
  );
  const callUs = microseconds();
  // oxlint-disable-next-line no-thenable -- a list, which nobody can call
  const { revision } = await client.txn({ then: puts }, { timeoutMs: FIRST_WRITE_MAX_MS });
  const { request, results } = carried;
  notes.add(noted("first", callUs, { request, revision, results }));
}

async function compact(
  admin: Pick<AdminCore, "call">,
  nodes: readonly number[],
  notes: StoreNotes,
  random: SeededRandom,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await pause(random.below(COMPACT_MS));
    const revision = notes.seen - random.between(...KEPT);
    if (revision < 1) continue;
    try {
      await admin.call(random.pick(nodes), "compact", { revision }, { timeoutMs: 2000 });
    } catch (error) {
      // Servers are away; the next one may be there.
      if (!(error instanceof KvError)) throw error;
    }
  }
}

class StoreUser {
  readonly #client: KvClient;
  readonly #notes: StoreNotes;
  readonly #who: string;
  readonly #random: SeededRandom;
  #made = 0;

  constructor(client: KvClient, notes: StoreNotes, who: string, random: SeededRandom) {
    this.#client = client;
    this.#notes = notes;
    this.#who = who;
    this.#random = random;
  }

  async act(): Promise<void> {
    const dice = this.#random.below(100);
    if (dice < 30) return this.#transfer();
    if (dice < 45) return this.#count();
    if (dice < 65) return this.#change();
    if (dice < 80) return this.lookAtAll();
    if (dice < 95) return this.#lookBack();
    return this.#page();
  }

  async #transfer(): Promise<void> {
    const random = this.#random;
    const from = random.below(ACCOUNTS);
    const to = (from + 1 + random.below(ACCOUNTS - 1)) % ACCOUNTS;
    const amount = 1 + random.below(20);
    const done = await this.#transact(async (tx, carried) => {
      const [a, b] = [`${ACCOUNT_PREFIX}${from}`, `${ACCOUNT_PREFIX}${to}`];
      const source = await read(tx, carried, a);
      const target = await read(tx, carried, b);
      write(tx, carried, a, `${Number(source?.value) - amount}`);
      write(tx, carried, b, `${Number(target?.value) + amount}`);
    });
    if (done !== null) this.#notes.counts.transfers += 1;
  }

  async #count(): Promise<void> {
    const done = await this.#transact(async (tx, carried) => {
      const next = Number((await read(tx, carried, COUNTER))?.value ?? 0) + 1;
      write(tx, carried, COUNTER, `${next}`);
      return next;
    });
    if (done !== null) this.#notes.counted(done.result, this.#who);
  }

  /** Adds one, or takes one away when another one is left. */
  async #change(): Promise<void> {
    const done = await this.#transact(async (tx, carried) => {
      const members: FoundKey[] = [];
      for await (const entry of tx.range({ prefix: SET_PREFIX })) members.push(foundOf(entry));
      carried.range(SET_PREFIX, members);
      const isTaken = members.length >= 2 && this.#random.chance(0.5);
      if (isTaken || members.length >= MEMBERS_MAX) {
        const { key } = this.#random.pick(members);
        tx.delete(key);
        carried.delete(key);
      } else write(tx, carried, `${SET_PREFIX}${this.#who}-${this.#made++}`, "");
    });
    if (done === null) return;
    this.#notes.counts.sets += 1;
    this.#notes.filled(done.revision);
  }

  /** The newest state, with its revision. */
  async lookAtAll(): Promise<void> {
    const callUs = microseconds();
    await this.#look(async () => {
      const get = { op: "get", range: { prefix: PREFIX } } as const;
      // oxlint-disable-next-line no-thenable -- a list, which nobody can call
      const { results, revision } = await this.#client.txn({ then: [get] });
      const [result] = results ?? [];
      if (result?.op !== "get") return;
      const found = result.found.map(foundOf);
      const carried = new Carried();
      carried.range(PREFIX, found);
      const request = { ...carried.request, conditions: [] };
      const { results: seen } = carried;
      this.#notes.add(noted(this.#who, callUs, { request, revision, results: seen }));
      this.#notes.state(found, revision, this.#who);
    });
  }

  /** A state of the past, page by page. */
  async #lookBack(): Promise<void> {
    const { seen } = this.#notes;
    const revision = Math.max(1, seen - this.#random.below(this.#random.pick([10, 100, 500])));
    if (revision < (this.#notes.operations[0]?.revision ?? Infinity)) return;
    const callUs = microseconds();
    await this.#look(async () => {
      const found = await this.#found(revision);
      const request = { kind: "range", range: rangeOf(PREFIX), limit: 0, at: revision } as const;
      this.#notes.add(noted(this.#who, callUs, { request, revision, results: [told(found)] }));
      this.#notes.state(found, revision, this.#who);
      this.#notes.counts.old += 1;
    }, revision);
  }

  /** The newest state, page by page: no answer names its revision. */
  async #page(): Promise<void> {
    await this.#look(async () => {
      this.#notes.state(await this.#found(undefined), null, this.#who);
    });
  }

  async #found(revision: number | undefined): Promise<FoundKey[]> {
    const found: FoundKey[] = [];
    const options = revision === undefined ? {} : { revision };
    const range = { prefix: PREFIX };
    for await (const entry of this.#client.range(range, options)) found.push(foundOf(entry));
    return found;
  }

  async #look(action: () => Promise<void>, asked: number | null = null): Promise<void> {
    try {
      await action();
    } catch (error) {
      if (!(error instanceof KvError)) throw error;
      if (error.code !== "COMPACTED" || asked === null) return;
      this.#notes.refused({ asked, oldest: error.oldestRevision }, this.#who);
    }
  }

  /** @returns null: it did not happen, or its outcome is unknown */
  async #transact<T>(
    carryOut: (tx: Transaction, carried: Carried) => Promise<T>,
  ): Promise<{ readonly result: T; readonly revision: number } | null> {
    const callUs = microseconds();
    let carried = new Carried();
    let isCommitted = false;
    try {
      const { result, revision } = await this.#client.transact(async (tx) => {
        carried = new Carried();
        isCommitted = false;
        const done = await carryOut(tx, carried);
        isCommitted = true;
        return done;
      });
      const { request, results } = carried;
      // What it read has not changed: that is told by its commit, and its conditions are not.
      const plain = { ...request, conditions: [] };
      this.#notes.add(noted(this.#who, callUs, { request: plain, revision, results }));
      return { result, revision };
    } catch (error) {
      if (!(error instanceof KvError)) throw error;
      if (isCommitted && !error.definite) {
        this.#notes.add(
          noted(this.#who, callUs, { request: carried.request, revision: null, results: [] }),
        );
      }
      return null;
    }
  }
}

function foundOf({ key, value, modRevision, version }: KeyValue): FoundKey {
  return {
    key: Buffer.from(key).toString(),
    value: Buffer.from(value).toString(),
    modRevision,
    version,
  };
}

async function read(tx: Transaction, carried: Carried, key: string): Promise<FoundKey | null> {
  const result: ReadResult = await tx.get(key);
  const found: FoundKey | null = result.found
    ? {
        key,
        value: result.text(),
        modRevision: result.modRevision,
        version: result.version,
      }
    : null;
  carried.read(key, found);
  return found;
}

function write(tx: Transaction, carried: Carried, key: string, value: string): void {
  tx.put(key, value);
  carried.put(key, value);
}
