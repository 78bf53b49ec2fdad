/** Requests and answers of a client, and how requests become bytes. */
import {
  KEY_BYTES_MAX,
  KEYS_READ_BYTES_MAX,
  KEYS_READ_MAX,
  KvError,
  unreachable,
} from "../../base/index.ts";
import {
  checkCommand,
  checkKey,
  NO_SESSION,
  wrongTxn,
  type GroupWriter,
  type Status,
} from "../../store/commands/index.ts";
import type { Command, KeyCommand } from "../../store/operations/index.ts";
import {
  type LeasesAnswer,
  OPEN_WITH_ORIGIN,
  type PageAnswer,
  type RangeBytes,
  type ReadsWriter,
  takeWritesFrame,
  type VersionsAnswer,
} from "../../protocol/client/index.ts";

/** A command of the table: its discriminant is the operation's name. */
export type WriteOperation = KeyCommand | Command<"txn" | "leasedTxn" | LeaseCommandName>;

type LeaseCommandName = "leaseGrant" | "leaseKeepAlive" | "leaseRevoke";

interface ReadOperation {
  readonly kind: "read";
  readonly key: Uint8Array;
  /** From the node's own state, at once. */
  readonly local: boolean;
  /** The revision of the state that is asked; 0: the newest. */
  readonly revision: number;
  /** A local read is answered from no state before this revision. None, or 0: from any. */
  readonly atLeast?: number;
}

interface RangeOperation {
  readonly kind: "range";
  readonly range: RangeBytes;
  readonly local: boolean;
  /** As of ReadOperation. */
  readonly atLeast?: number;
}

/** Many keys of one state. */
interface KeysOperation {
  readonly kind: "keys";
  readonly keys: readonly Uint8Array[];
  readonly local: boolean;
  /** As of ReadOperation. */
  readonly revision: number;
  /** As of ReadOperation. */
  readonly atLeast?: number;
}

/** The versions of a key, newest first. */
interface HistoryOperation {
  readonly kind: "history";
  readonly key: Uint8Array;
  readonly local: boolean;
  /** The first one is that of this revision; 0: the newest. */
  readonly revision: number;
  readonly limit: number;
  /** As of ReadOperation. */
  readonly atLeast?: number;
}

/** A lease. */
interface LeaseReadOperation {
  readonly kind: "lease";
  readonly lease: number;
  /** The first of its keys that is wanted; null: none is. */
  readonly start: Uint8Array | null;
  readonly local: boolean;
  /** As of ReadOperation. */
  readonly atLeast?: number;
}

/** Leases in the order of their ids. */
interface LeasesReadOperation {
  readonly kind: "leases";
  /** Only those with a greater id. */
  readonly after: number;
  readonly local: boolean;
  /** As of ReadOperation. */
  readonly atLeast?: number;
}

export type AnyRead =
  | ReadOperation
  | RangeOperation
  | KeysOperation
  | HistoryOperation
  | LeaseReadOperation
  | LeasesReadOperation;

export type Operation = WriteOperation | AnyRead;

const READS: ReadonlySet<string> = new Set([
  "read",
  "range",
  "keys",
  "history",
  "lease",
  "leases",
] satisfies AnyRead["kind"][]);

export function isRead(operation: Operation): operation is AnyRead {
  return READS.has(operation.kind);
}

/** Only valid during the call that hands it over: the next answer is told with the same object. */
export interface Answer {
  /** The node that answered. */
  readonly node: number;
  /** STATUS: txnThen or txnElse of a transaction, else ok, casFailed, casFailedLarge, or notFound (also of a read). */
  readonly status: Status;
  /** The revision of the write; after a read and a failed cas, the one at which the key was last written (0: absent). */
  readonly revision: number;
  /** What was read, or what is there after casFailed, or the results of a transaction: a view of the frame. Null: nothing, or not told. */
  readonly value: Uint8Array | null;
  /** The revision at which the key that was read was made; 0: nothing was found, or it was no read. */
  readonly createRevision: number;
  readonly version: number;
  /** The answer to the read of a range, else null. */
  readonly page: PageAnswer | null;
  /** The answer to the read of a history, else null. */
  readonly versions: VersionsAnswer | null;
  /** The answer to the read of leases, else null. */
  readonly leases: LeasesAnswer | null;
}

/** What is wrong with the operation, before anything is sent. */
export function checkOperation(operation: Operation): KvError | null {
  try {
    if (operation.kind === "range") {
      checkRange(operation.range);
      return null;
    }
    if (operation.kind === "keys") {
      checkKeys(operation.keys);
      return null;
    }
    if (operation.kind === "lease" || operation.kind === "leases") return null;
    if (operation.kind === "read" || operation.kind === "history") checkKey(operation.key);
    else checkCommand(operation);
    if (operation.kind === "txn") return wrongTxn(operation.txn, false);
    if (operation.kind === "leasedTxn") return wrongTxn(operation.txn, true);
    return null;
  } catch (error) {
    if (error instanceof KvError) return error;
    throw error;
  }
}

function checkKeys(keys: readonly Uint8Array[]): void {
  let bytes = 0;
  for (const key of keys) {
    checkKey(key);
    bytes += key.length;
  }
  if (keys.length < 1 || keys.length > KEYS_READ_MAX) {
    const text = `keys: expected 1 to ${KEYS_READ_MAX} at once, got ${keys.length}`;
    throw new KvError("BAD_REQUEST", text);
  }
  if (bytes > KEYS_READ_BYTES_MAX) {
    const text = `keys: together at most ${KEYS_READ_BYTES_MAX} bytes, got ${bytes}`;
    throw new KvError("BAD_REQUEST", text);
  }
}

function checkRange({ start, end, limit, revision }: RangeBytes): void {
  checkBound(start);
  if (end !== null) checkBound(end);
  if (!Number.isSafeInteger(limit) || limit < 1) {
    throw new KvError("BAD_REQUEST", `limit: expected a positive integer, got ${limit}`);
  }
  if (revision !== 0) checkRevision(revision);
}

/** @throws KvError KEY_TOO_LARGE */
export function checkBound(bound: Uint8Array, name = "bound of a range"): void {
  if (bound.length <= KEY_BYTES_MAX + 1) return;
  const text = `${name} of ${bound.length} bytes, the limit is ${KEY_BYTES_MAX + 1}`;
  throw new KvError("KEY_TOO_LARGE", text);
}

function checkRevision(revision: number): void {
  if (Number.isSafeInteger(revision) && revision >= 1) return;
  throw new KvError("BAD_REQUEST", `revision: expected a positive integer, got ${revision}`);
}

/** Bytes of the keys, or of the bounds of a range, and of the fields beside them. */
export function readBytes(operation: AnyRead): number {
  switch (operation.kind) {
    case "read":
    case "history":
      return operation.key.length;
    case "range":
      return operation.range.start.length + (operation.range.end?.length ?? 0);
    case "lease":
      return operation.start?.length ?? 0;
    case "leases":
      return 0;
    case "keys":
      return operation.keys.reduce((bytes, key) => bytes + key.length + 2, 0);
    default:
      return unreachable(operation, "read");
  }
}

export function appendRead(writer: ReadsWriter, number: number, operation: AnyRead): void {
  switch (operation.kind) {
    case "read":
      return writer.read(number, operation.key, operation.revision);
    case "range":
      return writer.range(number, operation.range);
    case "keys":
      return writer.keys(number, operation.keys, operation.revision);
    case "lease":
      return writer.lease(number, operation.lease, operation.start);
    case "leases":
      return writer.leases(number, operation.after);
    case "history":
      return writer.history(number, operation.key, operation.revision, operation.limit);
    default:
      return unreachable(operation, "read");
  }
}

/** The nonce tells which client's answer it is. */
export function openSessionFrame(writer: GroupWriter, nonce: Uint8Array): Uint8Array {
  writer.add(OPEN_WITH_ORIGIN, { kind: "openSession", nonce });
  return takeWritesFrame(writer, NO_SESSION, 0);
}

export function closeSessionFrame(
  writer: GroupWriter,
  session: number,
  number: number,
): Uint8Array {
  writer.add(number, { kind: "closeSession" });
  return takeWritesFrame(writer, session, number);
}
