/**
 * Users and roles as a section of a snapshot. Equal states give equal bytes.
 *
 *     access     := u8 is on · varint epoch · token key · varint users · user* · varint roles · role*
 *     user       := name · hash · varint generation · varint roles · name*        (by name)
 *     role       := name · varint permissions · permission*                      (by name)
 *     permission := u8 kind · start · u8 has an end · [end]                      (by range)
 */
import { ByteReader, ByteWriter } from "../../base/index.ts";
import {
  permissionBytesOf,
  ROLE_PERMISSIONS_MAX,
  ROLES_MAX,
  USER_ROLES_MAX,
  USERS_MAX,
  type AccessState,
  type Role,
  type User,
} from "./access.ts";
import {
  byText,
  PERMISSION_KINDS,
  readHash,
  readKind,
  readName,
  readRange,
  readTokenKey,
  writeRange,
} from "./access-change.ts";

export function encodeAccess({ isOn, epoch, tokenKey, users, roles }: AccessState): Uint8Array {
  const out = new ByteWriter(4096);
  out.u8(isOn ? 1 : 0);
  out.varint(epoch);
  out.sizedText(tokenKey);
  out.varint(users.size);
  for (const user of sorted(users)) {
    out.sizedText(user.name);
    out.sizedText(user.passwordHash);
    out.varint(user.generation);
    out.varint(user.roles.length);
    for (const role of user.roles) out.sizedText(role);
  }
  out.varint(roles.size);
  for (const { name, permissions } of sorted(roles)) {
    out.sizedText(name);
    out.varint(permissions.length);
    for (const permission of permissions) {
      out.u8(PERMISSION_KINDS.indexOf(permission.kind));
      writeRange(out, permission);
    }
  }
  return out.copy();
}

/** @returns what is wrong, as a text, when these bytes are none */
export function decodeAccess(bytes: Uint8Array): AccessState | string {
  const reader = new ByteReader().reset(bytes);
  const isOn = reader.u8();
  if (isOn > 1) reader.fail("0 or 1");
  const epoch = reader.varint();
  const tokenKey = readTokenKey(reader);
  const users = list(reader, USERS_MAX, () => readUser(reader));
  const roles = list(reader, ROLES_MAX, () => readRole(reader));
  if (!reader.failed && !reader.isAtEnd) reader.fail("the end of users and roles");
  if (reader.failed) return reader.problem;
  return {
    isOn: isOn === 1,
    epoch,
    tokenKey,
    users: byName(users),
    roles: byName(roles),
    permissionBytes: roles.reduce((sum, role) => sum + permissionBytesOf(role), 0),
  };
}

function readUser(reader: ByteReader): User {
  const name = readName(reader);
  const passwordHash = readHash(reader);
  const generation = reader.varint();
  return {
    name,
    passwordHash,
    generation,
    roles: list(reader, USER_ROLES_MAX, () => readName(reader)),
  };
}

function readRole(reader: ByteReader): Role {
  const name = readName(reader);
  const permissions = list(reader, ROLE_PERMISSIONS_MAX, () => ({
    kind: readKind(reader),
    ...readRange(reader),
  }));
  return { name, permissions };
}

function list<T>(reader: ByteReader, max: number, read: () => T): T[] {
  const count = reader.varint();
  if (count > max) reader.fail(`at most ${max}`);
  const items: T[] = [];
  for (let i = 0; i < count && !reader.failed; i++) items.push(read());
  return items;
}

function byName<T extends { readonly name: string }>(items: readonly T[]): ReadonlyMap<string, T> {
  return new Map(items.map((item) => [item.name, item]));
}

function sorted<T extends { readonly name: string }>(items: ReadonlyMap<string, T>): readonly T[] {
  return [...items.values()].toSorted((a, b) => byText(a.name, b.name));
}
