/** The types of the table of operations. */
import type { FieldName } from "./fields.ts";

/** Bytes as the state holds them: a string with one character (0 to 255) for each byte. */
type ByteText = string;

/** What a key holds. Read only, and valid until the key changes. */
interface Held {
  readonly value: ByteText;
  readonly modRevision: number;
}

/** The command that is carried out. The fields that its operation has may be asked for. */
export interface CommandAtHand {
  readonly valueLength: number;
  value(): ByteText;
  readonly expectedLength: number;
  expectedValue(): ByteText;
  readonly expectedRevision: number;
}

/**
 * The key that a command names, and the ways in which the command may end. An operation makes exactly one of these calls; the
 * state gives out revisions and enforces the quota, so that no operation can forget either.
 */
export interface KeyAtHand {
  /** Undefined: there is no such key. */
  find(): Held | undefined;
  /** The key gets the value that stands in the command; NO_SPACE when it does not fit into the quota. */
  putValue(): void;
  /** The key gets this value of at most VALUE_BYTES_MAX bytes; NO_SPACE when it does not fit into the quota. */
  put(value: ByteText): void;
  /** The key goes away; when there is none, the answer says so. */
  remove(): void;
  /** Nothing changes: the key was not as expected. The answer says what is there. */
  mismatch(found: Held | undefined): void;
  /** Nothing changes, and the value would be longer than a value may be: VALUE_TOO_LARGE. */
  tooLarge(): void;
}

/**
 * Carries a command out. A function of the key's value and of the command alone: it runs on each node, and all nodes must get the
 * same result.
 */
export type Apply = (key: KeyAtHand, command: CommandAtHand) => void;

/** What an answer tells unless it is an error. */
export type AnsweredWith =
  /** The revision of the change. */
  | "written"
  /** Whether there was such a key, and the revision. */
  | "deleted"
  /** Whether the condition held; if not, what is there. */
  | "swapped";

/** A key in the model: null is "absent". */
export interface ModelHeld {
  readonly value: string | null;
  readonly revision: number;
}

/** A command in the model; fields that its operation does not have are empty or 0. */
export interface ModelCommand {
  readonly value: string;
  readonly expected: string;
  readonly revision: number;
}

/**
 * The same operation once more, in one line and without a state: for checkers, which carry out the decided log anew. It never
 * calls `apply`, so a checker finds a mistake there.
 * @returns the key's value then; undefined: nothing changes
 */
type Model = (held: ModelHeld, command: ModelCommand) => string | null | undefined;

interface OperationBase {
  /** The byte that stands for it in logs and frames. Never used again for anything else. */
  readonly code: number;
  /** As a set: their order in a record is that of FIELDS. */
  readonly fields: readonly FieldName[];
  /**
   * The least version of an entry in which it may stand (store/entries/command.ts). A program that does not know the operation does not
   * know the version either, and stops at such an entry instead of passing over it.
   */
  readonly since: EntryRules;
  /** The version of the entries in which it is proposed now. Left out: the least. */
  readonly proposedBy?: EntryRules;
}

/** Rules by which entries are carried out, ascending: each version knows what the ones before it know. */
export type EntryRules = 1 | 2 | 4 | 6 | 8 | 10;

/** Changes one key, in a session: it takes effect once, however often it stands in the log. */
interface KeyOperation extends OperationBase {
  readonly kind: "key";
  readonly answer: AnsweredWith;
  /**
   * How the command's value changes the bytes that the key takes when it takes effect: a node that is short of memory decides
   * by it which commands it does not propose.
   */
  readonly growth: "frees" | "replaces" | "adds";
  /**
   * The client's request that stands for it. `cas` is three operations, one for each kind of condition; every other request
   * is the operation of the same name, with the same fields.
   */
  readonly request: string;
  readonly apply: Apply;
  readonly model: Model;
}

/**
 * Operations on sessions and settings. kv-state carries them out, in a switch that the compiler checks for completeness: they
 * change the table of sessions and the header of the state, which no key operation may touch.
 */
interface ControlOperation extends OperationBase {
  readonly kind: "control";
  /** Whether a session is needed, forbidden, or neither. */
  readonly session: "needed" | "forbidden" | "either";
  /**
   * Who may ask for it. A node puts a manager's operation into the log, and while access control is on it needs root; a node puts
   * its own operations there by itself. No client may send either.
   */
  readonly by: "client" | "management" | "node";
}

/** Changes any number of keys at one revision, in a session: it takes effect once. Its body says how (store/txn/txn.ts). */
interface TxnOperation extends OperationBase {
  readonly kind: "txn";
}

/** Operations on leases, in a session. store/apply/lease-commands.ts carries them out. */
interface LeaseOperation extends OperationBase {
  readonly kind: "lease";
}

export type Operation = KeyOperation | ControlOperation | TxnOperation | LeaseOperation;
