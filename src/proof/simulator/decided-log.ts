/**
 * The meaning of the decided log, computed anew by a small state machine without bounds on memory or time: which write took effect at which revision,
 * and the value of each key in between. It shares nothing with the product's but the format of an entry, how sessions get their
 * numbers, and the models of the table of operations, which the product never calls.
 */
import { unreachable } from "../../base/index.ts";
import {
  OP,
  operationOf,
  type ControlOpName,
  type FieldName,
} from "../../store/operations/index.ts";
import {
  byteStringOf,
  byteStringOfText,
  CommandCursor,
  decodeAccessChange,
  decodeClock,
  decodeNumbers,
  decodeTxn,
  hashedSessionName,
  readActor,
  textOf,
  validateEntry,
  type Actor,
  type ByteString,
  type Txn,
  type TxnResult,
  type Where,
} from "../../store/index.ts";
import { NaiveAccess } from "./access-model.ts";
import { LeaseModel } from "./lease-model.ts";
import { settingName } from "./setting-name.ts";
import { carryOut, type Content } from "./txn-model.ts";
import type { LoggedEvent, LoggedVersion } from "./watch-check.ts";

/** The bound of the history while nobody sets anything, as the product has it. No run is long enough to come near. */
const DEFAULT_REVISIONS = 50_000;
const DEFAULT_BYTES = 16 * 1024 * 1024;

/** A key's content from this revision on. */
export interface Version {
  readonly revision: number;
  /** Null: deleted. */
  readonly value: string | null;
}

/** What came of a transaction that is in the log. */
export interface DecidedTxn {
  readonly succeeded: boolean;
  readonly revision: number;
  readonly results: readonly TxnResult[];
}

/** In the place of a key: it was a transaction that made the revision. */
const BY_TXN = "";

/** Written out once more: this file puts the product's table to the test, so it must not use it. */
const BY_ROOT_ALONE: Readonly<Record<ControlOpName, boolean>> = {
  access: true,
  setQuota: true,
  setHistory: true,
  compact: true,
  openSession: false,
  closeSession: false,
  noop: false,
  actor: false,
  clock: false,
};
const NEEDS_ROOT: ReadonlySet<number> = new Set(
  (Object.keys(BY_ROOT_ALONE) as ControlOpName[])
    .filter((name) => BY_ROOT_ALONE[name])
    .map((name) => OP[name]),
);

/** What a transaction needs, whichever list is taken. */
function needsOf({ compare, success, failure }: Txn): (readonly ["read" | "write", Where])[] {
  const ops = [...success, ...failure].flatMap((op): (readonly ["read" | "write", Where])[] => {
    switch (op.op) {
      case "put":
        return needs({ key: op.key }, true, op.previous);
      case "delete":
        return needs(op.where, true, op.previous);
      case "get":
        return needs(op.where, false, true);
      case "txn":
        return needsOf(op.txn);
      default:
        return unreachable(op, "operation of a transaction");
    }
  });
  return [...compare.map(({ where }) => ["read", where] as const), ...ops];
}

function needs(
  where: Where,
  write: boolean,
  read: boolean,
): (readonly ["read" | "write", Where])[] {
  return [
    ...(write ? [["write", where] as const] : []),
    ...(read ? [["read", where] as const] : []),
  ];
}

export class DecidedLog {
  /** The key that each revision changed; the first is revision 1. Of a transaction BY_TXN, and no value. */
  readonly changes: { readonly key: string; readonly value: string | null }[] = [];
  /** From which revisions on the store can be read, one after the other. */
  readonly oldests: number[] = [0];
  /** Users and roles after each change, the first state included. */
  readonly access: NaiveAccess[] = [new NaiveAccess()];
  /** Every change of users and rights, setting and compaction, and whether it had its effect. */
  readonly settings: { readonly idx: number; readonly name: string; readonly held: boolean }[] = [];
  /** By revision: the epochs in which the store was at it. */
  readonly epochs: { first: number; last: number }[] = [{ first: 0, last: 0 }];
  /** The actor of the group at hand. */
  #actor: Actor | null = null;
  #group = -1;
  /** What each revision's change takes to be kept, which is what was there before. */
  readonly #costs: number[] = [];
  #revisionsMax = DEFAULT_REVISIONS;
  #bytesMax = DEFAULT_BYTES;
  /** By body, each time that one was carried out. */
  readonly txns = new Map<ByteString, DecidedTxn[]>();
  /** After each transaction. */
  readonly contents: { readonly revision: number; readonly content: Content }[] = [];
  #content: Content = new Map();
  readonly #keys = new Map<string, Version[]>();
  readonly leases = new LeaseModel();
  /** Name of the round that the log is in. */
  #round = "";
  readonly #floors = new Map<number, number>();
  readonly #executed = new Set<string>();
  /** Those that were refused for want of rights: they keep that answer, even if the right is granted later. */
  readonly #denied = new Set<string>();

  constructor(entries: readonly Uint8Array[]) {
    const cursor = new CommandCursor();
    entries.forEach((entry, idx) => {
      // What cannot be read changes nothing.
      if (validateEntry(entry) !== null) return;
      cursor.reset(entry);
      const before = this.revision;
      this.#group = -1;
      const { round } = cursor;
      if (round !== null) this.#round = `${round.n} ${round.pid} ${round.salt}`;
      for (let position = 0; cursor.next(); position++) {
        if (cursor.groupIndex !== this.#group) {
          this.#group = cursor.groupIndex;
          this.#actor = null;
        }
        if (cursor.op === OP.actor) {
          this.#actor = readActor(cursor.body());
          // It has no place among the commands.
          position -= 1;
        } else if (NEEDS_ROOT.has(cursor.op) && !this.#now.isRoot(this.#actor)) {
          continue;
        } else if (cursor.op === OP.access) {
          const body = cursor.body();
          this.#note(idx, settingName("access", byteStringOf(body)), this.#changeAccess(body));
        } else if (cursor.op === OP.openSession) {
          this.#floors.set(hashedSessionName(cursor.nonce(), idx, position, 0).id, 0);
        } else if (cursor.op === OP.setHistory) {
          this.#revisionsMax = cursor.historyRevisions || DEFAULT_REVISIONS;
          this.#bytesMax = cursor.historyBytes || DEFAULT_BYTES;
          this.#bound();
          const { historyRevisions, historyBytes } = cursor;
          this.#note(idx, settingName("history", historyRevisions, historyBytes), true);
        } else if (cursor.op === OP.compact) {
          const { compactRevision } = cursor;
          const isKnown = compactRevision <= this.revision;
          if (isKnown) this.#compactTo(compactRevision);
          this.#note(idx, settingName("compact", compactRevision), isKnown);
        } else if (cursor.op === OP.clock) {
          const step = decodeClock(cursor.numbers());
          const ended = step === null ? [] : this.leases.step(idx, step, this.#round);
          for (const id of ended) this.#endLease(idx, id, "time");
        } else if (cursor.session !== 0) {
          this.#command(cursor, idx);
          this.leases.settle(idx, this.#boundNow());
        }
      }
      if (this.revision > before) this.#bound();
    });
  }

  get revision(): number {
    return this.changes.length;
  }

  /** From here on. */
  get oldest(): number {
    return this.oldests.at(-1) ?? 0;
  }

  /** All that there was at a revision, in order of keys. */
  at(revision: number): [key: string, value: string, revision: number][] {
    const found: [string, string, number][] = [];
    for (const [key, versions] of this.#keys) {
      const version = versions.findLast((other) => other.revision <= revision);
      if (version !== undefined && version.value !== null) {
        found.push([key, version.value, version.revision]);
      }
    }
    return found.sort(([a], [b]) => (byteStringOfText(a) < byteStringOfText(b) ? -1 : 1));
  }

  /** All that were ever written. */
  keys(): Iterable<string> {
    return this.#keys.keys();
  }

  /** In order of revisions. */
  versionsOf(key: string): readonly Version[] {
    return this.#keys.get(key) ?? [];
  }

  /** What each revision did, in order of keys; the first is that of revision 0, which did nothing. */
  events(): readonly (readonly LoggedEvent[])[] {
    const byRevision: LoggedEvent[][] = Array.from({ length: this.revision + 1 }, () => []);
    for (const [key, versions] of this.#keys) {
      let previous = null as LoggedVersion | null;
      for (const { revision, value } of versions) {
        const put: LoggedVersion | null =
          value === null
            ? null
            : {
                value,
                createRevision: previous?.createRevision ?? revision,
                modRevision: revision,
                version: (previous?.version ?? 0) + 1,
              };
        byRevision[revision]?.push({ key, put, previous });
        previous = put;
      }
    }
    for (const events of byRevision) events.sort(byKey);
    return byRevision;
  }

  /** By key, without what is deleted. */
  content(): Map<string, Version> {
    const latest = [...this.#keys].flatMap(([key, versions]) => {
      const version = versions.at(-1);
      return version === undefined || version.value === null ? [] : [[key, version] as const];
    });
    return new Map(latest);
  }

  #lease(cursor: CommandCursor, idx: number): void {
    switch (cursor.op) {
      case OP.leaseGrant:
        return this.leases.grant(idx, cursor.lease, cursor.ttlMs, cursor.version);
      case OP.leaseRevoke:
        return this.#endLease(idx, cursor.lease, "revoke");
      default:
        for (const id of decodeNumbers(cursor.numbers()) ?? []) this.leases.renew(idx, id);
    }
  }

  /** All its keys go at one revision. */
  #endLease(idx: number, id: number, by: "time" | "revoke"): void {
    if (!this.leases.has(id)) return;
    this.leases.end(idx, id, by);
    const after = new Map([...this.#content].filter(([, { lease }]) => lease !== id));
    const gone = [...this.#content.keys()].filter((key) => !after.has(key));
    this.#content = after;
    if (gone.length > 0) {
      this.changes.push({ key: BY_TXN, value: null });
      this.#noteEpoch();
    }
    for (const key of gone) this.#version(textOf(key as ByteString), null);
  }

  /** The leases to which keys are bound. */
  #boundNow(): ReadonlySet<number> {
    return new Set([...this.#content.values()].map(({ lease }) => lease ?? 0));
  }

  #command(cursor: CommandCursor, idx: number): void {
    const { session, sequence } = cursor;
    const before = this.#floors.get(session);
    if (before === undefined) return;
    const floor = Math.max(before, cursor.floor);
    this.#floors.set(session, floor);
    const name = `${session} ${sequence}`;
    const isRenewal = cursor.op === OP.leaseKeepAlive;
    if (sequence < floor || this.#denied.has(name)) return;
    if (!isRenewal && this.#executed.has(name)) return;
    const operation = operationOf(cursor.op);
    if (cursor.op !== OP.closeSession && !this.#isPermitted(cursor)) {
      this.#denied.add(name);
      return;
    }
    this.#executed.add(name);
    if (operation?.kind === "txn") return this.#txn(cursor.txn());
    if (operation?.kind === "lease") return this.#lease(cursor, idx);
    if (operation?.kind !== "key") {
      if (cursor.op === OP.closeSession) this.#floors.delete(session);
      return;
    }
    const has = (field: FieldName): boolean => operation.fields.includes(field);
    const key = textOf(cursor.key());
    const current = this.#keys.get(key)?.at(-1);
    const held = { value: current?.value ?? null, revision: current?.revision ?? 0 };
    const next = operation.model(held, {
      value: has("value") ? textOf(cursor.value()) : "",
      expected: has("expected") ? textOf(cursor.expectedValue()) : "",
      revision: has("revision") ? cursor.expectedRevision : 0,
    });
    if (next !== undefined) this.#change(key, next);
  }

  get #now(): NaiveAccess {
    return this.access.at(-1) ?? new NaiveAccess();
  }

  /** @returns whether anything has changed */
  #changeAccess(body: Uint8Array): boolean {
    const change = decodeAccessChange(body);
    const next = this.#now.copy();
    if (typeof change === "string" || !next.change(change)) return false;
    this.access.push(next);
    this.#noteEpoch();
    return true;
  }

  #note(idx: number, name: string, held: boolean): void {
    this.settings.push({ idx, name, held });
  }

  #noteEpoch(): void {
    const { epoch } = this.#now;
    const known = this.epochs[this.revision];
    if (known === undefined) this.epochs[this.revision] = { first: epoch, last: epoch };
    else known.last = epoch;
  }

  #isPermitted(cursor: CommandCursor): boolean {
    const access = this.#now;
    const actor = this.#actor;
    if (access.isRoot(actor)) return true;
    const operation = operationOf(cursor.op);
    if (operation?.kind === "key") {
      const where = { key: cursor.key() };
      const isRead = operation.request === "cas";
      return access.may(actor, "write", where) && (!isRead || access.may(actor, "read", where));
    }
    if (cursor.op === OP.leaseRevoke) {
      // With the lease its keys go.
      const bound = [...this.#content].filter(([, { lease }]) => lease === cursor.lease);
      const mayEnd = ([key]: readonly [string, unknown]): boolean =>
        access.may(actor, "write", { key: key as ByteString });
      return access.isKnown(actor) && bound.every(mayEnd);
    }
    if (operation?.kind !== "txn") return access.isKnown(actor);
    const txn = decodeTxn(cursor.txn());
    if (typeof txn === "string") return false;
    return needsOf(txn).every(([way, where]) => access.may(actor, way, where));
  }

  #txn(body: Uint8Array): void {
    const txn = decodeTxn(body);
    const next = this.revision + 1;
    const carried =
      typeof txn === "string"
        ? null
        : carryOut(this.#content, txn, next, (id) => this.leases.has(id));
    if (carried === null) return;
    const { succeeded, after, results } = carried;
    const before = this.#content;
    const changed = [...new Set([...before.keys(), ...after.keys()])].filter(
      (key) => before.get(key) !== after.get(key),
    );
    this.#content = after;
    if (changed.length > 0) {
      this.changes.push({ key: BY_TXN, value: null });
      this.#noteEpoch();
    }
    for (const key of changed) {
      // They are byte strings, although the map has the type string.
      const value = after.get(key)?.value;
      this.#version(textOf(key as ByteString), value === undefined ? null : textOf(value));
    }
    const name = byteStringOf(body);
    const times = this.txns.get(name) ?? [];
    this.txns.set(name, [...times, { succeeded, revision: this.revision, results }]);
    this.contents.push({ revision: this.revision, content: after });
  }

  #change(key: string, value: string | null): void {
    this.changes.push({ key, value });
    this.#noteEpoch();
    this.#version(key, value);
    const content = new Map(this.#content);
    const name = byteStringOfText(key);
    const old = content.get(name);
    if (value === null) content.delete(name);
    else {
      content.set(name, {
        value: byteStringOfText(value),
        createRevision: old?.createRevision ?? this.revision,
        modRevision: this.revision,
        version: (old?.version ?? 0) + 1,
      });
    }
    this.#content = content;
  }

  #version(key: string, value: string | null): void {
    const versions = this.#keys.get(key) ?? [];
    const old = byteStringOfText(versions.at(-1)?.value ?? "").length;
    const cost = 100 + byteStringOfText(key).length + old + (value === null ? 200 : 0);
    this.#costs[this.revision - 1] = (this.#costs[this.revision - 1] ?? 0) + cost;
    this.#keys.set(key, versions);
    versions.push({ revision: this.changes.length, value });
  }

  /** No more revisions than are to be kept, and no more bytes. */
  #bound(): void {
    let oldest = Math.max(this.oldest, this.revision - this.#revisionsMax);
    let bytes = this.#costs.slice(oldest).reduce((sum, cost) => sum + cost, 0);
    while (bytes > this.#bytesMax) bytes -= this.#costs[oldest++] ?? 0;
    this.#compactTo(oldest);
  }

  #compactTo(revision: number): void {
    if (revision > this.oldest) this.oldests.push(revision);
  }
}

function byKey(a: LoggedEvent, b: LoggedEvent): number {
  return byteStringOfText(a.key) < byteStringOfText(b.key) ? -1 : 1;
}
