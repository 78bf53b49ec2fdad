/**
 * What a user may do, computed from users and roles once for each epoch.
 *
 * Invariant: a user may do only what a role grants. A client that has not signed in, or whose password was changed since it did, may
 * do nothing at all. Nor may one that was let in only because access control was on, and has proved no secret, once it is off.
 */
import { ERRORS, unreachable } from "../../base/index.ts";
import { operationOf, OP } from "../operations/index.ts";
import { ROOT, type AccessState, type Permission, type User } from "../access/access.ts";
import type { Actor } from "../access/actor.ts";
import type { CommandCursor } from "../entries/command-cursor.ts";
import { KeyIntervals } from "../access/key-intervals.ts";
import type { Leases } from "../keys/leases.ts";
import { decodeTxn } from "../txn/txn-format.ts";
import type { Txn, TxnOp, Where } from "../txn/txn.ts";

const FORBIDDEN = ERRORS.FORBIDDEN.wire;
const UNAUTHENTICATED = ERRORS.UNAUTHENTICATED.wire;

export interface Rights {
  /** False: no user is signed in, and the client gets UNAUTHENTICATED instead of FORBIDDEN. */
  readonly isKnown: boolean;
  /** May do everything, management included. */
  readonly isRoot: boolean;
  /** mayRead and mayWrite stay the same two functions for as long as these rights hold, so callers may compare them. */
  readonly mayRead: (where: Where) => boolean;
  readonly mayWrite: (where: Where) => boolean;
}

const NO_RIGHTS: Rights = {
  isKnown: false,
  isRoot: false,
  mayRead: () => false,
  mayWrite: () => false,
};

/** Of a client that has no business here while access control is off (Asking). */
export const SHUT_OUT: Rights = { ...NO_RIGHTS };

const ALL_RIGHTS: Rights = {
  isKnown: true,
  isRoot: true,
  mayRead: () => true,
  mayWrite: () => true,
};

/** Somebody who asks for something. */
export interface Asking {
  /** Null or left out: has not signed in. */
  readonly actor?: Actor | null;
  /**
   * The cluster has a secret, which this client has not proved: it was let in only because access control was on. So it may do nothing
   * while that is off, and not everything. Default: false.
   */
  readonly onlyWhileOn?: boolean;
}

/** By state, which is another object after each change, and by user. */
const known = new WeakMap<AccessState, Map<string, Rights>>();

/** The rights of an actor while access control is on. @param actor null: the client has not signed in */
export function rightsOf(access: AccessState, actor: Actor | null): Rights {
  if (actor === null) return NO_RIGHTS;
  if (actor.name === "") return ALL_RIGHTS;
  const user = access.users.get(actor.name);
  if (user === undefined) return NO_RIGHTS;
  if (actor.generation !== 0 && actor.generation !== user.generation) return NO_RIGHTS;
  let byUser = known.get(access);
  if (byUser === undefined) {
    byUser = new Map();
    known.set(access, byUser);
  }
  let rights = byUser.get(user.name);
  if (rights === undefined) {
    rights = workedOut(access, user);
    byUser.set(user.name, rights);
  }
  return rights;
}

/** The rights of who asks now. @returns null: access control is off, and everything is allowed */
export function rightsNow(access: AccessState, { actor, onlyWhileOn }: Asking): Rights | null {
  if (access.isOn) return rightsOf(access, actor ?? null);
  return onlyWhileOn === true ? SHUT_OUT : null;
}

function workedOut(access: AccessState, user: User): Rights {
  if (user.roles.includes(ROOT)) return ALL_RIGHTS;
  const permissions = user.roles.flatMap((name) => access.roles.get(name)?.permissions ?? []);
  const read = intervals(permissions, "read");
  const write = intervals(permissions, "write");
  return {
    isKnown: true,
    isRoot: false,
    mayRead: (where) => read.covers(where),
    mayWrite: (where) => write.covers(where),
  };
}

function intervals(permissions: readonly Permission[], kind: "read" | "write"): KeyIntervals {
  return new KeyIntervals(permissions.filter((one) => one.kind === kind || one.kind === "both"));
}

/** Whether who asks may read all keys of `where` now. A caller that watches must ask again when the epoch has moved. */
export function mayRead(access: AccessState, asking: Asking, where: Where): boolean {
  return rightsNow(access, asking)?.mayRead(where) ?? true;
}

/** Whether who asks may manage the cluster. */
export function mayManage(access: AccessState, asking: Asking): boolean {
  return rightsNow(access, asking)?.isRoot ?? true;
}

/** Which keys are bound to leases. */
export type BoundKeys = Pick<Leases, "areAll">;

/** The wire number of the error with which this command is refused; 0: it may be carried out. */
export function refusalOf(rights: Rights, command: CommandCursor, bound: BoundKeys): number {
  if (rights.isRoot) return 0;
  return mayCarryOut(rights, command, bound) ? 0 : deniedStatus(rights);
}

export function deniedStatus({ isKnown }: Rights): number {
  return isKnown ? FORBIDDEN : UNAUTHENTICATED;
}

function mayCarryOut(rights: Rights, command: CommandCursor, bound: BoundKeys): boolean {
  if (!rights.isKnown) return command.op === OP.closeSession;
  const operation = operationOf(command.op);
  switch (operation?.kind) {
    case undefined:
      return false;
    case "key": {
      const where = { key: command.key() };
      // A failed condition tells the user what the key holds, so the user must have the right to read it.
      return rights.mayWrite(where) && (operation.answer !== "swapped" || rights.mayRead(where));
    }
    case "txn": {
      const txn = decodeTxn(command.txn());
      return typeof txn !== "string" && mayTransact(rights, txn);
    }
    case "lease":
      // To revoke a lease deletes its keys.
      return command.op !== OP.leaseRevoke || bound.areAll(command.lease, rights.mayWrite);
    case "control":
      return operation.by === "client";
    default:
      return unreachable(operation, "operation");
  }
}

/** The user needs the rights to both lists: else a refusal would tell which list was taken. */
function mayTransact(rights: Rights, { compare, success, failure }: Txn): boolean {
  return (
    compare.every(({ where }) => rights.mayRead(where)) &&
    success.every((op) => mayDo(rights, op)) &&
    failure.every((op) => mayDo(rights, op))
  );
}

function mayDo(rights: Rights, op: TxnOp): boolean {
  switch (op.op) {
    case "put": {
      const where = { key: op.key };
      return rights.mayWrite(where) && (!op.previous || rights.mayRead(where));
    }
    case "delete":
      return rights.mayWrite(op.where) && (!op.previous || rights.mayRead(op.where));
    case "get":
      return rights.mayRead(op.where);
    case "txn":
      return mayTransact(rights, op.txn);
    default:
      return unreachable(op, "operation of a transaction");
  }
}
