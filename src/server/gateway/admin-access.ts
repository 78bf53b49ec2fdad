/** Requests of management about users and roles. */
import { KvError, unreachable } from "../../base/index.ts";
import {
  byteStringOf,
  bytesOf,
  mayManage,
  ROOT,
  type AccessChange,
  type AccessState,
  type Actor,
  type Asking,
  type Permission,
} from "../../store/index.ts";
import type { Random } from "../../machine/ports/index.ts";
import type { Replica, SettingDone } from "../../replica/index.ts";
import type { AdminAccessChange, AdminResult } from "../../protocol/admin/index.ts";
import type { Identity } from "./identity.ts";
import type { SignIn } from "./sign-in.ts";
import { newTokenKey } from "./token-key.ts";

/** Who asks for a change, and from where. */
export interface Asker extends Asking {
  /** Null: the user is not known. */
  readonly actor: Actor | null;
  readonly remote: string;
}

export interface AdminAccessParts {
  readonly replica: Replica;
  readonly signIn: SignIn;
  readonly machine: { readonly random: Random };
  readonly wake: () => void;
}

/** A page of users and roles ends with the one that reaches it, in bytes, about: a role may have a megabyte of permissions. */
const PAGE_BYTES = 128 * 1024;
/** What a user, a role or a permission takes beside its names and keys. */
const ITEM_BYTES = 64;

/** Permissions in an answer to `whoami`: any user may ask for it, and often. */
const PERMISSIONS_TOLD_MAX = 64;

const LATE_TEXT =
  "users and rights have changed meanwhile, and this request is not allowed any more; it did nothing";

type AdminPermission = AdminResult<"getAccess">["roles"][number]["permissions"][number];

export function whoIs(
  access: AccessState,
  identity: Identity,
  nowMs: number,
): AdminResult<"whoami"> {
  const by = identity.means(access, nowMs);
  const name = by === "none" ? "" : (identity.actor(nowMs)?.name ?? "");
  const roles = by === "secret" ? [ROOT] : [...(access.users.get(name)?.roles ?? [])];
  const permissions = roles.flatMap((role) => access.roles.get(role)?.permissions ?? []);
  const told = permissions.length > PERMISSIONS_TOLD_MAX ? null : permissions.map(toldOf);
  return { isOn: access.isOn, user: name === "" ? null : name, by, roles, permissions: told };
}

function toldOf({ kind, start, end }: Permission): AdminPermission {
  return { may: kind, start: bytesOf(start), end: end === null ? null : bytesOf(end) };
}

/**
 * A page, without hashes of passwords and keys of tokens.
 * @param from so many users and roles were told before, users first
 */
export function accessOf(access: AccessState, from: number): AdminResult<"getAccess"> {
  const { isOn, epoch } = access;
  const users: AdminResult<"getAccess">["users"] = [];
  const roles: AdminResult<"getAccess">["roles"] = [];
  let at = 0;
  let bytes = 0;
  const next = (): AdminResult<"getAccess"> => ({ isOn, epoch, next: at, users, roles });
  for (const user of access.users.values()) {
    if (at >= from) {
      if (bytes >= PAGE_BYTES) return next();
      const { name, passwordHash } = user;
      users.push({ name, hasPassword: passwordHash !== "", roles: [...user.roles] });
      bytes += user.roles.reduce((sum, { length }) => sum + ITEM_BYTES + length, ITEM_BYTES);
    }
    at += 1;
  }
  for (const { name, permissions } of access.roles.values()) {
    if (at >= from) {
      if (bytes >= PAGE_BYTES) return next();
      roles.push({ name, permissions: permissions.map(toldOf) });
      bytes += permissions.reduce(
        (sum, { start, end }) => sum + ITEM_BYTES + start.length + (end?.length ?? 0),
        ITEM_BYTES,
      );
    }
    at += 1;
  }
  return { isOn, epoch, next: null, users, roles };
}

/**
 * @param done told when it holds, or was refused after all; perhaps within this call; never when the proposal is lost
 * @throws KvError when it cannot be proposed
 */
export function changeAccess(
  { replica, signIn, machine, wake }: AdminAccessParts,
  wanted: AdminAccessChange,
  asker: Asker,
  done: SettingDone,
): void {
  const { actor, remote } = asker;
  if (wanted.kind !== "addUser" && wanted.kind !== "setPassword") {
    return replica.settings.changeAccess(changeOf(wanted, machine.random), actor, done);
  }
  const { kind, user, password } = wanted;
  if (password === null) {
    return replica.settings.changeAccess({ kind, user, passwordHash: "" }, actor, done);
  }
  signIn.hash(remote, password, (hash) => {
    if (hash instanceof KvError) return done(hash);
    // Hashing takes a while, and rights may be gone.
    if (!mayManage(replica.state.access, asker))
      return done(new KvError("UNAUTHENTICATED", LATE_TEXT));
    try {
      replica.settings.changeAccess({ kind, user, passwordHash: hash }, actor, done);
      wake();
    } catch (error) {
      if (!(error instanceof KvError)) throw error;
      done(error);
    }
  });
}

export function rangeOf({
  start,
  end,
}: {
  readonly start: Uint8Array;
  readonly end: Uint8Array | null;
}): Pick<Permission, "start" | "end"> {
  return { start: byteStringOf(start), end: end === null ? null : byteStringOf(end) };
}

function changeOf(
  wanted: Exclude<AdminAccessChange, { readonly kind: "addUser" | "setPassword" }>,
  random: Random,
): AccessChange {
  switch (wanted.kind) {
    case "permit":
    case "forbid": {
      const { end } = wanted;
      // One that is there already can be taken away.
      if (wanted.kind === "permit" && end !== null && Buffer.compare(wanted.start, end) >= 0) {
        throw new KvError("BAD_REQUEST", "the range of a permission ends behind its start");
      }
      const range = rangeOf(wanted);
      const { role } = wanted;
      return wanted.kind === "permit"
        ? { kind: "permit", role, may: wanted.may, ...range }
        : { kind: "forbid", role, ...range };
    }
    case "turnOn":
    case "rotateTokenKey":
      return { kind: wanted.kind, tokenKey: newTokenKey(random) };
    case "deleteUser":
    case "grantRole":
    case "revokeRole":
    case "addRole":
    case "deleteRole":
    case "turnOff":
      return wanted;
    default:
      return unreachable(wanted, "change of users and roles");
  }
}
