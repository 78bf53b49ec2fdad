/** The lines that a client's frame adds to the audit log: each command and read with its keys, and never a value. */
import { mayReadAll, placesOf } from "../../replica/index.ts";
import { KvError, printable } from "../../base/index.ts";
import {
  ACCESS_NAME,
  CommandCursor,
  decodeTxn,
  mayRead,
  refusalOf,
  rightsNow,
  textOf,
  type AccessState,
  type Actor,
  type Asking,
  type ByteString,
  type Leases,
  type Txn,
  type Where,
} from "../../store/index.ts";
import { OP, operationOf, OP_NAMES, OPERATIONS } from "../../store/operations/index.ts";
import type { Audit, AuditRecord } from "../../machine/ports/index.ts";
import type { SignedIn } from "./sign-in.ts";
import { type ClientFrame, forEachRead, type WatchRequest } from "../../protocol/client/index.ts";

export interface Asker extends Asking {
  readonly access: AccessState;
  readonly leases: Leases;
  readonly actor: Actor | null;
  readonly from: string;
}

/** So many characters of a key or bound are noted. */
const KEY_LENGTH_MAX = 200;
/** So many keys of a transaction or of a read of many are noted; and of all that is refused to who has not signed in, so many. */
const KEYS_SHOWN = 16;

type Noted = Pick<AuditRecord, "operation" | "keys" | "allowed">;

/**
 * The records of one frame. Equal refusals are one, with their number. Of a client that has not signed in all refusals of one operation are:
 * with a few bytes anybody could fill the log, and with keys of its own invention. Of a user each key is noted.
 */
class FrameRecords {
  readonly #audit: Audit;
  readonly #who: Pick<AuditRecord, "user" | "from">;
  readonly #refused = new Map<string, { operation: string; keys: string[]; times: number }>();

  constructor(audit: Audit, { actor, from }: Asker) {
    this.#audit = audit;
    this.#who = { user: userOf(actor), from };
  }

  /** @param keys called only when they are noted */
  add(operation: string, allowed: boolean, keys: () => string | null): void {
    if (allowed) return this.#record({ operation, keys: keys(), allowed });
    const isStranger = this.#who.user === null;
    const text = isStranger ? null : keys();
    const name = isStranger ? operation : `${operation} ${text ?? ""}`;
    const same = this.#refused.get(name);
    if (same === undefined) {
      const first = isStranger ? keys() : text;
      this.#refused.set(name, { operation, keys: first === null ? [] : [first], times: 1 });
      return;
    }
    same.times += 1;
    if (!isStranger || same.keys.length >= KEYS_SHOWN) return;
    const another = keys();
    if (another !== null && !same.keys.includes(another)) same.keys.push(another);
  }

  end(): void {
    for (const { operation, keys, times } of this.#refused.values()) {
      const text = keys.length === 0 ? null : keys.join(" ");
      const record = { operation, keys: text, allowed: false };
      if (times === 1) this.#record(record);
      else this.#record({ ...record, times });
    }
  }

  #record(noted: Noted & Pick<AuditRecord, "times">): void {
    this.#audit.record({ ...this.#who, ...noted });
  }
}

/** Judged by the rights that this node knows now; a command that is refused later, where it is applied, was allowed here. */
export function recordFrame(
  audit: Audit,
  asker: Asker,
  bytes: Uint8Array,
  frame: ClientFrame,
): void {
  const records = new FrameRecords(audit, asker);
  if (frame.kind === "writes") recordGroup(records, asker, frame.group);
  else if (frame.kind === "reads") recordReads(records, asker, bytes);
  else recordWatches(records, asker, frame.requests);
  records.end();
}

function recordGroup(records: FrameRecords, asker: Asker, group: Uint8Array): void {
  const { access, leases } = asker;
  const rights = rightsNow(access, asker);
  const cursor = new CommandCursor();
  cursor.resetToGroup(group);
  while (cursor.next()) {
    const allowed = rights === null || refusalOf(rights, cursor, leases) === 0;
    // Writes begin with a session: who is refused that sends none of them, so the refusal is all that there is to take down.
    if (cursor.op === OP.openSession && allowed) continue;
    if (cursor.op === OP.closeSession || cursor.op === OP.noop) continue;
    records.add(nameOf(cursor.op), allowed, () => keysOf(cursor, leases));
  }
}

function recordReads(records: FrameRecords, asker: Asker, frame: Uint8Array): void {
  const { leases } = asker;
  const rights = rightsNow(asker.access, asker);
  forEachRead(frame, (_, wanted) => {
    const where = placesOf(wanted);
    const isOfKeys = typeof wanted !== "string" && "lease" in wanted && wanted.withKeys;
    const allowed =
      rights === null ||
      (mayReadAll(rights, wanted) && (!isOfKeys || leases.areAll(wanted.lease, rights.mayRead)));
    const operation = where === null ? "read leases" : "read";
    records.add(operation, allowed, () => (where === null ? null : shownAll(where)));
  });
}

function recordWatches(
  records: FrameRecords,
  asker: Asker,
  requests: readonly WatchRequest[],
): void {
  for (const request of requests) {
    if (request.kind !== "create") continue;
    const { start, end } = request.wish;
    records.add("watch", mayRead(asker.access, asker, { start, end }), () => shown({ start, end }));
  }
}

/** No user can have this name: names have no blanks. */
const HOLDER = "the holder of the secret";

/**
 * The record of an attempt to sign in: who it was, or else who it claimed to be, if a user can be named so.
 * @returns null: access control is off, and nobody has proved anything
 */
export function signInRecord(
  claimed: string | null,
  from: string,
  result: SignedIn | KvError,
): AuditRecord | null {
  const attempt = { from, operation: "sign in", keys: null };
  if (result instanceof KvError) {
    const user = claimed !== null && ACCESS_NAME.test(claimed) ? claimed : null;
    return { ...attempt, user, allowed: false, isClaim: true };
  }
  return result.actor === null ? null : { ...attempt, user: userOf(result.actor), allowed: true };
}

export function userOf(actor: Actor | null): string | null {
  return actor === null ? null : actor.name === "" ? HOLDER : actor.name;
}

function nameOf(op: number): string {
  return OP_NAMES.find((name) => OPERATIONS[name].code === op) ?? String(op);
}

/** The keys bound to a lease that a command ends: they go with it. */
function keysOf(cursor: CommandCursor, leases: Leases): string | null {
  if (cursor.op === OP.leaseRevoke) return shownBound(cursor.lease, leases);
  const kind = operationOf(cursor.op)?.kind;
  if (kind === "key") return shown({ key: cursor.key() });
  if (kind !== "txn") return null;
  const txn = decodeTxn(cursor.txn());
  return typeof txn === "string" ? null : shownAll(whereIn(txn));
}

function whereIn({ compare, success, failure }: Txn): readonly Where[] {
  const ops = [...success, ...failure].flatMap((op): readonly Where[] => {
    if (op.op === "txn") return whereIn(op.txn);
    return op.op === "put" ? [{ key: op.key }] : [op.where];
  });
  return [...compare.map(({ where }) => where), ...ops];
}

function shownAll(all: readonly Where[]): string {
  const some = all.slice(0, KEYS_SHOWN).map(shown).join(" ");
  return all.length > KEYS_SHOWN ? `${some} and ${all.length - KEYS_SHOWN} more` : some;
}

function shownBound(lease: number, leases: Leases): string {
  const some = leases.someKeys(lease, KEYS_SHOWN).map((key) => shown({ key }));
  const more = leases.keysOf(lease) - some.length;
  return `lease ${lease}: ${some.join(" ")}${more > 0 ? ` and ${more} more` : ""}`.trimEnd();
}

export function shown(where: Where): string {
  if ("key" in where) return text(where.key);
  return `${text(where.start)}..${where.end === null ? "" : text(where.end)}`;
}

function text(key: ByteString): string {
  const whole = printable(textOf(key));
  return whole.length > KEY_LENGTH_MAX ? `${whole.slice(0, KEY_LENGTH_MAX)}…` : whole;
}
