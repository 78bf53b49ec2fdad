/**
 * Changes of users, roles and permissions, as they stand in the log, and the state that each makes: a function of the state and
 * the change alone.
 *
 *     change := u8 code · field*     names and hashes as texts with their length; a range as start · u8 has an end · [end]
 */
import {
  ByteReader,
  type ByteString,
  ByteWriter,
  KEY_BYTES_MAX,
  unreachable,
} from "../../base/index.ts";
import {
  ACCESS_NAME,
  PASSWORD_HASH_BYTES_MAX,
  PERMISSION_BYTES_MAX,
  permissionBytesOf,
  ROLE_PERMISSIONS_MAX,
  ROLES_MAX,
  ROOT,
  TOKEN_KEY_BYTES,
  USER_ROLES_MAX,
  USERS_MAX,
  type AccessState,
  type Permission,
  type PermissionKind,
  type Role,
  type User,
} from "./access.ts";

/** `start` and `end` name the permission among those of its role. */
export type AccessChange =
  | { readonly kind: "addUser"; readonly user: string; readonly passwordHash: string }
  | { readonly kind: "deleteUser"; readonly user: string }
  | { readonly kind: "setPassword"; readonly user: string; readonly passwordHash: string }
  | { readonly kind: "grantRole"; readonly user: string; readonly role: string }
  | { readonly kind: "revokeRole"; readonly user: string; readonly role: string }
  | { readonly kind: "addRole"; readonly role: string }
  | { readonly kind: "deleteRole"; readonly role: string }
  | ({ readonly kind: "permit"; readonly role: string; readonly may: PermissionKind } & Range)
  | ({ readonly kind: "forbid"; readonly role: string } & Range)
  /** With a new key (ACCESS-4), unless it is on already. */
  | { readonly kind: "turnOn"; readonly tokenKey: string }
  /** In logs from before keys could change: it keeps the key and all sign-ins. No node proposes it any more. */
  | { readonly kind: "turnOnWithFirstKey"; readonly tokenKey: string }
  | { readonly kind: "turnOff" }
  /** A node proposes it in a restored cluster: the key of its tokens, unless it has one. */
  | { readonly kind: "makeTokenKey"; readonly tokenKey: string }
  /** Another key: all tokens end, and every user must sign in anew. */
  | { readonly kind: "rotateTokenKey"; readonly tokenKey: string };

interface Range {
  readonly start: ByteString;
  readonly end: ByteString | null;
}

/** Why a change is refused: the revision of its answer says which. Part of the format. */
export const ACCESS_REFUSAL = {
  exists: 1,
  noUser: 2,
  noRole: 3,
  noPermission: 4,
  tooMany: 5,
  /** Access control is not turned on before `root` can sign in. */
  noRoot: 6,
  /** It would leave no user who may do everything. */
  locksOut: 7,
  /** The role `root` may do everything, and stays. */
  rootRole: 8,
} as const;
export type AccessRefusal = (typeof ACCESS_REFUSAL)[keyof typeof ACCESS_REFUSAL];

export function accessRefusalText(refusal: number): string {
  switch (refusal) {
    case ACCESS_REFUSAL.exists:
      return "there is one of that name already, or the user has that role already";
    case ACCESS_REFUSAL.noUser:
      return "there is no user of that name";
    case ACCESS_REFUSAL.noRole:
      return "there is no such role, or the user does not have it";
    case ACCESS_REFUSAL.noPermission:
      return "the role has no permission for exactly this key, prefix or range";
    case ACCESS_REFUSAL.tooMany:
      return `too many: at most ${USERS_MAX} users, ${ROLES_MAX} roles, ${USER_ROLES_MAX} roles a user and ${ROLE_PERMISSIONS_MAX} permissions a role, and ${PERMISSION_BYTES_MAX / 2 ** 20} MiB of keys in all permissions`;
    case ACCESS_REFUSAL.noRoot:
      return "there must be a user root with a password and the role root first: user add root, user grant-role root root";
    case ACCESS_REFUSAL.locksOut:
      return "while access control is on, the user root stays, with a password and the role root: nobody else could undo this";
    case ACCESS_REFUSAL.rootRole:
      return "the role root is always there and may do everything";
    default:
      return "this change of users and roles cannot be made";
  }
}

/**
 * @param permissionBytesMax beyond which no role gets another permission
 * @returns the state after it (epoch moved on), or why nothing has changed
 */
export function changeAccess(
  state: AccessState,
  change: AccessChange,
  permissionBytesMax = PERMISSION_BYTES_MAX,
): AccessState | AccessRefusal {
  const next = changed(state, change);
  if (typeof next === "number") return next;
  const most = Math.max(permissionBytesMax, state.permissionBytes);
  return next.permissionBytes > most ? ACCESS_REFUSAL.tooMany : { ...next, epoch: state.epoch + 1 };
}

function changed(state: AccessState, change: AccessChange): AccessState | AccessRefusal {
  switch (change.kind) {
    case "addUser": {
      const { user: name, passwordHash } = change;
      if (state.users.has(name)) return ACCESS_REFUSAL.exists;
      if (state.users.size >= USERS_MAX) return ACCESS_REFUSAL.tooMany;
      return withUser(state, { name, passwordHash, generation: state.epoch + 1, roles: [] });
    }
    case "deleteUser":
      if (!state.users.has(change.user)) return ACCESS_REFUSAL.noUser;
      if (state.isOn && change.user === ROOT) return ACCESS_REFUSAL.locksOut;
      return { ...state, users: without(state.users, change.user) };
    case "setPassword": {
      const user = state.users.get(change.user);
      if (user === undefined) return ACCESS_REFUSAL.noUser;
      const { passwordHash } = change;
      if (state.isOn && user.name === ROOT && passwordHash === "") return ACCESS_REFUSAL.locksOut;
      return withUser(state, { ...user, passwordHash, generation: state.epoch + 1 });
    }
    case "grantRole":
      return grantRole(state, change.user, change.role);
    case "revokeRole":
      return revokeRole(state, change.user, change.role);
    case "addRole":
      if (change.role === ROOT) return ACCESS_REFUSAL.rootRole;
      if (state.roles.has(change.role)) return ACCESS_REFUSAL.exists;
      if (state.roles.size >= ROLES_MAX) return ACCESS_REFUSAL.tooMany;
      return withRole(state, { name: change.role, permissions: [] });
    case "deleteRole":
      return deleteRole(state, change.role);
    case "permit":
      return permit(state, change.role, { kind: change.may, start: change.start, end: change.end });
    case "forbid": {
      const role = roleToChange(state, change.role);
      if (typeof role === "number") return role;
      const permissions = role.permissions.filter((one) => !isSameRange(one, change));
      if (permissions.length === role.permissions.length) return ACCESS_REFUSAL.noPermission;
      return withRole(state, { ...role, permissions });
    }
    case "turnOnWithFirstKey":
      if (!hasRoot(state)) return ACCESS_REFUSAL.noRoot;
      return { ...state, isOn: true, tokenKey: state.tokenKey || change.tokenKey };
    case "turnOn": {
      if (!hasRoot(state)) return ACCESS_REFUSAL.noRoot;
      const isAsBefore = state.isOn && state.tokenKey !== "";
      return isAsBefore ? state : { ...withTokenKey(state, change.tokenKey), isOn: true };
    }
    case "turnOff":
      return { ...state, isOn: false };
    case "makeTokenKey":
      // Without a key there are no tokens, so this signs no user out.
      if (state.tokenKey !== "") return ACCESS_REFUSAL.exists;
      return { ...state, tokenKey: change.tokenKey };
    case "rotateTokenKey":
      return withTokenKey(state, change.tokenKey);
    default:
      return unreachable(change, "change of users and roles");
  }
}

function grantRole(state: AccessState, name: string, role: string): AccessState | AccessRefusal {
  const user = state.users.get(name);
  if (user === undefined) return ACCESS_REFUSAL.noUser;
  if (role !== ROOT && !state.roles.has(role)) return ACCESS_REFUSAL.noRole;
  if (user.roles.includes(role)) return ACCESS_REFUSAL.exists;
  if (user.roles.length >= USER_ROLES_MAX) return ACCESS_REFUSAL.tooMany;
  return withUser(state, { ...user, roles: [...user.roles, role].toSorted(byText) });
}

function revokeRole(state: AccessState, name: string, role: string): AccessState | AccessRefusal {
  const user = state.users.get(name);
  if (user === undefined) return ACCESS_REFUSAL.noUser;
  if (!user.roles.includes(role)) return ACCESS_REFUSAL.noRole;
  if (state.isOn && name === ROOT && role === ROOT) return ACCESS_REFUSAL.locksOut;
  return withUser(state, { ...user, roles: user.roles.filter((one) => one !== role) });
}

/** Its users lose it: a role of the same name made later is another one. */
function deleteRole(state: AccessState, name: string): AccessState | AccessRefusal {
  const role = roleToChange(state, name);
  if (typeof role === "number") return role;
  const users = new Map(
    [...state.users].map(([key, user]) => [
      key,
      { ...user, roles: user.roles.filter((one) => one !== name) },
    ]),
  );
  const permissionBytes = state.permissionBytes - permissionBytesOf(role);
  return { ...state, users, roles: without(state.roles, name), permissionBytes };
}

function permit(
  state: AccessState,
  name: string,
  permission: Permission,
): AccessState | AccessRefusal {
  const role = roleToChange(state, name);
  if (typeof role === "number") return role;
  const others = role.permissions.filter((one) => !isSameRange(one, permission));
  if (others.length >= ROLE_PERMISSIONS_MAX) return ACCESS_REFUSAL.tooMany;
  return withRole(state, { ...role, permissions: [...others, permission].toSorted(byRange) });
}

function roleToChange(state: AccessState, name: string): Role | AccessRefusal {
  if (name === ROOT) return ACCESS_REFUSAL.rootRole;
  return state.roles.get(name) ?? ACCESS_REFUSAL.noRole;
}

/** Some user must be able to turn access control off again. */
function hasRoot({ users }: AccessState): boolean {
  const root = users.get(ROOT);
  return root !== undefined && root.passwordHash !== "" && root.roles.includes(ROOT);
}

/** Signs every user out (ACCESS-3): a token forged with the old key may have let a stranger in. */
function withTokenKey(state: AccessState, tokenKey: string): AccessState {
  const generation = state.epoch + 1;
  const users = new Map([...state.users].map(([name, user]) => [name, { ...user, generation }]));
  return { ...state, tokenKey, users };
}

function withUser(state: AccessState, user: User): AccessState {
  return { ...state, users: new Map(state.users).set(user.name, user) };
}

function withRole(state: AccessState, role: Role): AccessState {
  const permissionBytes =
    state.permissionBytes - permissionBytesOf(state.roles.get(role.name)) + permissionBytesOf(role);
  return { ...state, roles: new Map(state.roles).set(role.name, role), permissionBytes };
}

function without<T>(map: ReadonlyMap<string, T>, name: string): ReadonlyMap<string, T> {
  const rest = new Map(map);
  rest.delete(name);
  return rest;
}

function isSameRange(a: Range, b: Range): boolean {
  return a.start === b.start && a.end === b.end;
}

export function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function byRange(a: Range, b: Range): number {
  if (a.start !== b.start) return byText(a.start, b.start);
  if (a.end === b.end) return 0;
  if (a.end === null) return 1;
  return b.end === null ? -1 : byText(a.end, b.end);
}

// ---- bytes -------------------------------------------------------------------------------------------------------

const CODES = {
  addUser: 1,
  deleteUser: 2,
  setPassword: 3,
  grantRole: 4,
  revokeRole: 5,
  addRole: 6,
  deleteRole: 7,
  permit: 8,
  forbid: 9,
  turnOnWithFirstKey: 10,
  turnOff: 11,
  makeTokenKey: 12,
  rotateTokenKey: 13,
  turnOn: 14,
} as const satisfies Record<AccessChange["kind"], number>;

/** As codes, by position. */
export const PERMISSION_KINDS: readonly PermissionKind[] = ["read", "write", "both"];

const kindByCode = new Map<number, AccessChange["kind"]>(
  (Object.entries(CODES) as [AccessChange["kind"], number][]).map(([kind, code]) => [code, kind]),
);

export function encodeAccessChange(change: AccessChange): Uint8Array {
  const out = new ByteWriter(256);
  out.u8(CODES[change.kind]);
  if ("user" in change) out.sizedText(change.user);
  if ("role" in change) out.sizedText(change.role);
  if ("passwordHash" in change) out.sizedText(change.passwordHash);
  if ("tokenKey" in change) out.sizedText(change.tokenKey);
  if ("may" in change) out.u8(PERMISSION_KINDS.indexOf(change.may));
  if ("start" in change) writeRange(out, change);
  return out.copy();
}

/** @returns what is wrong, as a text, when the bytes are no change */
export function decodeAccessChange(body: Uint8Array): AccessChange | string {
  const reader = new ByteReader().reset(body);
  const kind = kindByCode.get(reader.u8());
  if (kind === undefined) return "no known change of users and roles";
  const change = readChange(reader, kind);
  if (!reader.failed && !reader.isAtEnd) reader.fail("the end of the change");
  return reader.failed ? reader.problem : change;
}

function readChange(reader: ByteReader, kind: AccessChange["kind"]): AccessChange {
  switch (kind) {
    case "addUser":
    case "setPassword":
      return { kind, user: readName(reader), passwordHash: readHash(reader) };
    case "deleteUser":
      return { kind, user: readName(reader) };
    case "grantRole":
    case "revokeRole":
      return { kind, user: readName(reader), role: readName(reader) };
    case "addRole":
    case "deleteRole":
      return { kind, role: readName(reader) };
    case "permit": {
      const role = readName(reader);
      const may = readKind(reader);
      return { kind, role, may, ...readRange(reader) };
    }
    case "forbid":
      return { kind, role: readName(reader), ...readRange(reader) };
    case "turnOn":
    case "turnOnWithFirstKey":
    case "makeTokenKey":
    case "rotateTokenKey":
      return { kind, tokenKey: readTokenKey(reader) };
    case "turnOff":
      return { kind };
    default:
      return unreachable(kind, "change of users and roles");
  }
}

export function writeRange(out: ByteWriter, { start, end }: Range): void {
  out.sizedByteString(start);
  out.u8(end === null ? 0 : 1);
  if (end !== null) out.sizedByteString(end);
}

export function readRange(reader: ByteReader): Range {
  const start = readBound(reader);
  const hasEnd = reader.u8();
  if (hasEnd > 1) reader.fail("0 or 1");
  return { start, end: hasEnd === 1 ? readBound(reader) : null };
}

export function readKind(reader: ByteReader): PermissionKind {
  const kind = PERMISSION_KINDS[reader.u8()];
  if (kind === undefined) reader.fail("a known kind of permission");
  return kind ?? "read";
}

export function readName(reader: ByteReader): string {
  const name = readText(reader, 128);
  if (!reader.failed && !ACCESS_NAME.test(name)) reader.fail("a name of a user or role");
  return name;
}

export function readHash(reader: ByteReader): string {
  return readText(reader, PASSWORD_HASH_BYTES_MAX);
}

/** In base64. */
export function readTokenKey(reader: ByteReader): string {
  return readText(reader, 2 * TOKEN_KEY_BYTES);
}

function readText(reader: ByteReader, max: number): string {
  const length = reader.varint();
  if (length > max) reader.fail(`at most ${max} bytes`);
  return reader.failed ? "" : reader.text(length);
}

/** One byte more than a key: the first bound above the longest key. */
function readBound(reader: ByteReader): ByteString {
  const length = reader.varint();
  if (length > KEY_BYTES_MAX + 1) reader.fail(`at most ${KEY_BYTES_MAX + 1} bytes`);
  return reader.byteString(length);
}
