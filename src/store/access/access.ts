/**
 * Users, roles and what roles may do: a part of the replicated state. The value is immutable: each change makes another one
 * (access-change.ts), so that a snapshot keeps what it began with.
 *
 * Invariants:
 *   ACCESS-1. While access control is on there is the user `root`, with a password and with the role `root`: a user who may do
 *       everything can always sign in.
 *   ACCESS-2. `epoch` grows by one with each change, so rights computed from this value hold for as long as the epoch is the same.
 *   ACCESS-3. A user's generation is the epoch at which the user was made, got its password last, or saw the key of tokens
 *       change. No generation comes twice for a name, even when another user gets that name, and a client that signed in with an
 *       older one counts as not signed in.
 *   ACCESS-4. The key that tokens are made with belongs to one cluster and to one period in which access control is on: a stranger
 *       who finds the key in an older copy of the state can do nothing with it. It is in no backup.
 */
import type { KeyInterval } from "./key-intervals.ts";

export const ROOT = "root";

/** Of names of users and roles: what can be seen, typed and told apart. */
export const ACCESS_NAME = /^[\x21-\x7e]{1,128}$/;
export const ACCESS_NAME_TEXT = "1 to 128 characters that are printable ASCII, without blanks";
// Part of the format: all nodes must refuse the same.
export const USERS_MAX = 2000;
export const ROLES_MAX = 1000;
export const USER_ROLES_MAX = 64;
export const ROLE_PERMISSIONS_MAX = 256;
/** Of the keys and bounds in all permissions of all roles, by entries of version 8: each node keeps them in memory. */
export const PERMISSION_BYTES_MAX = 4 * 1024 * 1024;
/** Of a password's hash with its salt and costs, as its maker writes it. */
export const PASSWORD_HASH_BYTES_MAX = 256;
/** The key that tokens are made with has so many bytes. */
export const TOKEN_KEY_BYTES = 32;

export interface User {
  readonly name: string;
  /** As `Passwords` wrote it on the node that took the password. Empty: the user has none, and signs in with a certificate. */
  readonly passwordHash: string;
  /** ACCESS-3. */
  readonly generation: number;
  /** The names of the roles, sorted. */
  readonly roles: readonly string[];
}

export type PermissionKind = "read" | "write" | "both";

export interface Permission extends KeyInterval {
  readonly kind: PermissionKind;
}

export interface Role {
  readonly name: string;
  /** By start and end, each pair once. */
  readonly permissions: readonly Permission[];
}

export interface AccessState {
  readonly isOn: boolean;
  /** ACCESS-2. */
  readonly epoch: number;
  /** Tokens are made with it; empty: there is none yet, and no token is good. Secret, like the hashes of passwords. */
  readonly tokenKey: string;
  readonly users: ReadonlyMap<string, User>;
  /** The role `root` is not among them: it is always there and may do everything. */
  readonly roles: ReadonlyMap<string, Role>;
  /** Of the keys and bounds in all permissions of all roles. */
  readonly permissionBytes: number;
}

export const EMPTY_ACCESS: AccessState = {
  isOn: false,
  epoch: 0,
  tokenKey: "",
  users: new Map(),
  roles: new Map(),
  permissionBytes: 0,
};

export function permissionBytesOf(role: Role | undefined): number {
  return (
    role?.permissions.reduce((sum, one) => sum + one.start.length + (one.end?.length ?? 0), 0) ?? 0
  );
}

/** ACCESS-4: what may leave the cluster. */
export function withoutTokenKey(access: AccessState): AccessState {
  return access.tokenKey === "" ? access : { ...access, tokenKey: "" };
}
