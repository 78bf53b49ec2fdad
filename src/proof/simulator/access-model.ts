/**
 * Users, roles and permissions once more, in the simplest way: for checks that go through the decided log anew. It shares the form of
 * a change with the product, and nothing else.
 */
import { unreachable } from "../../base/index.ts";
import type { AccessChange, Actor, Where } from "../../store/index.ts";

interface NaiveUser {
  generation: number;
  hasPassword: boolean;
  readonly roles: Set<string>;
}

interface NaivePermission {
  readonly may: "read" | "write" | "both";
  readonly start: string;
  readonly end: string | null;
}

export class NaiveAccess {
  isOn = false;
  hasTokenKey = false;
  epoch = 0;
  users = new Map<string, NaiveUser>();
  roles = new Map<string, NaivePermission[]>();

  copy(): NaiveAccess {
    const copy = new NaiveAccess();
    copy.isOn = this.isOn;
    copy.hasTokenKey = this.hasTokenKey;
    copy.epoch = this.epoch;
    copy.users = new Map(
      [...this.users].map(([name, user]) => [name, { ...user, roles: new Set(user.roles) }]),
    );
    copy.roles = new Map([...this.roles].map(([name, all]) => [name, [...all]]));
    return copy;
  }

  /** @returns whether anything has changed */
  change(change: AccessChange): boolean {
    const next = this.copy();
    if (!next.#change(change)) return false;
    const root = next.users.get("root");
    if (next.isOn && !(root?.hasPassword === true && root.roles.has("root"))) return false;
    this.isOn = next.isOn;
    this.hasTokenKey = next.hasTokenKey;
    this.users = next.users;
    this.roles = next.roles;
    this.epoch += 1;
    return true;
  }

  /** @param actor null: the client has not signed in */
  isRoot(actor: Actor | null): boolean {
    if (!this.isOn || actor?.name === "") return true;
    return this.#userOf(actor)?.roles.has("root") === true;
  }

  /** Whether the cluster knows the actor: as a user, or as a holder of the secret. */
  isKnown(actor: Actor | null): boolean {
    return this.isRoot(actor) || this.#userOf(actor) !== undefined;
  }

  /** Keys in question: those named, and the bounds of ranges. */
  may(actor: Actor | null, way: "read" | "write", where: Where): boolean {
    if (this.isRoot(actor)) return true;
    const permissions = [...(this.#userOf(actor)?.roles ?? [])]
      .flatMap((role) => this.roles.get(role) ?? [])
      .filter(({ may }) => may === "both" || may === way);
    const permits = (key: string): boolean =>
      permissions.some(({ start, end }) => start <= key && (end === null || key < end));
    if ("key" in where) return permits(where.key);
    const { start, end } = where;
    if (end !== null && end <= start) return true;
    // The permission can change only at keys where one ends or begins.
    const bounds = permissions.flatMap((one) => [one.start, one.end]).filter((key) => key !== null);
    const looked = [start, ...bounds].filter((key) => key >= start && (end === null || key < end));
    return looked.every(permits) && (end !== null || permissions.some((one) => one.end === null));
  }

  #userOf(actor: Actor | null): NaiveUser | undefined {
    if (actor === null) return undefined;
    const user = this.users.get(actor.name);
    return actor.generation === 0 || actor.generation === user?.generation ? user : undefined;
  }

  #change(change: AccessChange): boolean {
    switch (change.kind) {
      case "addUser": {
        if (this.users.has(change.user)) return false;
        const hasPassword = change.passwordHash !== "";
        this.users.set(change.user, { generation: this.epoch + 1, hasPassword, roles: new Set() });
        return true;
      }
      case "deleteUser":
        return this.users.delete(change.user);
      case "setPassword": {
        const user = this.users.get(change.user);
        if (user === undefined) return false;
        user.generation = this.epoch + 1;
        user.hasPassword = change.passwordHash !== "";
        return true;
      }
      case "grantRole": {
        const user = this.users.get(change.user);
        const isRole = change.role === "root" || this.roles.has(change.role);
        if (user === undefined || !isRole || user.roles.has(change.role)) return false;
        user.roles.add(change.role);
        return true;
      }
      case "revokeRole":
        return this.users.get(change.user)?.roles.delete(change.role) === true;
      case "addRole":
        if (change.role === "root" || this.roles.has(change.role)) return false;
        this.roles.set(change.role, []);
        return true;
      case "deleteRole":
        for (const user of this.users.values()) user.roles.delete(change.role);
        return this.roles.delete(change.role);
      case "permit":
      case "forbid": {
        const all = this.roles.get(change.role);
        if (all === undefined) return false;
        const { start, end } = change;
        const rest = all.filter((one) => one.start !== start || one.end !== end);
        if (change.kind === "permit") rest.push({ may: change.may, start, end });
        this.roles.set(change.role, rest);
        return change.kind === "permit" || rest.length < all.length;
      }
      case "turnOn":
        if (!this.isOn || !this.hasTokenKey) this.#takeTokenKey();
        this.isOn = true;
        return true;
      case "turnOnWithFirstKey":
        this.hasTokenKey = true;
        this.isOn = true;
        return true;
      case "turnOff":
        this.isOn = false;
        return true;
      case "makeTokenKey": {
        const isFirst = !this.hasTokenKey;
        this.hasTokenKey = true;
        return isFirst;
      }
      case "rotateTokenKey":
        this.#takeTokenKey();
        return true;
      default:
        return unreachable(change, "change of users and roles");
    }
  }

  /** Every user must sign in anew. */
  #takeTokenKey(): void {
    this.hasTokenKey = true;
    for (const user of this.users.values()) user.generation = this.epoch + 1;
  }
}
