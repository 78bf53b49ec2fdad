/** The actor of the present commands, and whether it may do them by the users and roles at this place in the log (KvState, STATE-10). */
import { assert, hashOfArray } from "../../base/index.ts";
import { OP, operationOf, type ControlOp } from "../operations/index.ts";
import { PERMISSION_BYTES_MAX, type AccessState } from "../access/access.ts";
import { changeAccess, decodeAccessChange } from "../access/access-change.ts";
import { encodeAccess } from "../access/access-format.ts";
import { readActor } from "../access/actor.ts";
import type { CommandCursor } from "../entries/command-cursor.ts";
import { deniedStatus, refusalOf, rightsOf, type BoundKeys, type Rights } from "./rights.ts";

export class Judge {
  #access: AccessState;
  /** The rights of the present group's actor; null: access control is off, and everything is allowed. */
  #rights: Rights | null = null;
  readonly #bound: BoundKeys;

  constructor(access: AccessState, bound: BoundKeys) {
    this.#access = access;
    this.#bound = bound;
  }

  /** Another object after each change. */
  get access(): AccessState {
    return this.#access;
  }

  /** @param cursor at the first command of a group: an actor, which stands there only, is passed over */
  beginGroup(cursor: CommandCursor): void {
    const isActor = cursor.op === OP.actor;
    if (this.#access.isOn) {
      this.#rights = rightsOf(this.#access, isActor ? readActor(cursor.body()) : null);
    } else this.#rights = null;
    if (isActor) cursor.next();
  }

  /** The wire number of the error with which the command of a session is refused; 0: it may be carried out. */
  refusalOf(cursor: CommandCursor): number {
    return this.#rights === null ? 0 : refusalOf(this.#rights, cursor, this.#bound);
  }

  /** The same, of a command without a session. */
  refusalOfControl(op: ControlOp): number {
    if (this.#rights === null || this.#rights.isRoot || !needsRoot(op)) return 0;
    return deniedStatus(this.#rights);
  }

  /**
   * Changes users and roles.
   * @param isBefore8 the entry's version is below 8
   * @returns what the history hash takes in (states that agree in it agree in users and roles), or the number of the refusal
   *   (ACCESS_REFUSAL): then nothing has changed
   */
  change(body: Uint8Array, isBefore8: boolean): { readonly hash: number } | number {
    const change = decodeAccessChange(body);
    assert(typeof change !== "string", "a change is checked before it is proposed");
    const next = changeAccess(this.#access, change, isBefore8 ? Infinity : PERMISSION_BYTES_MAX);
    if (typeof next === "number") return next;
    this.#access = next;
    // To hash all that came of it, as before, is as much work as there are permissions.
    return { hash: hashOfArray(isBefore8 ? encodeAccess(next) : body) };
  }
}

/** The other commands without a session are of clients that begin, and of nodes themselves. */
function needsRoot(op: ControlOp): boolean {
  const operation = operationOf(op);
  return operation?.kind === "control" && operation.by === "management";
}
