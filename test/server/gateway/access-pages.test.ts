/** Users and roles are told a page at a time, however many there are. */
import { describe, expect, test } from "vitest";
import { assert } from "../../../src/base/assert.ts";
import { wholeAccess } from "../../../src/client/admin/index.ts";
import {
  decodeAdminAnswer,
  parseAdminResult,
  encodeAdminResult,
} from "../../../src/protocol/admin/index.ts";
import { accessOf } from "../../../src/server/gateway/admin-access.ts";
import { byteStringOf, type AccessState, type Permission } from "../../../src/store/index.ts";

type User = AccessState["users"] extends ReadonlyMap<string, infer T> ? T : never;
type Role = AccessState["roles"] extends ReadonlyMap<string, infer T> ? T : never;

const PAGE_AND_A_ROLE = 3 * 2 ** 20;

function permission(text: string, bytes: number): Permission {
  const start = Buffer.from(text.padEnd(bytes, "x"));
  return {
    kind: "read",
    start: byteStringOf(start),
    end: byteStringOf(Buffer.concat([start, Buffer.of(1)])),
  };
}

function accessWith(users: number, roles: number, permissions: number, bytes: number): AccessState {
  const many = Array.from({ length: permissions }, (_, i) => permission(`${i}`, bytes));
  const named = <T>(count: number, make: (name: string) => T): Map<string, T> =>
    new Map(Array.from({ length: count }, (_, i) => [`n${i}`, make(`n${i}`)] as const));
  return {
    ...{ isOn: true, epoch: 7, tokenKey: "", permissionBytes: 0 },
    users: named(users, (name): User => ({
      name,
      passwordHash: "h",
      generation: 1,
      roles: ["n0"],
    })),
    roles: named(roles, (name): Role => ({ name, permissions: many })),
  };
}

/** As a client asks; each page goes through a frame. */
async function told(
  state: () => AccessState,
): Promise<{ users: string[]; roles: string[]; permissions: number; pages: number; most: number }> {
  let pages = 0;
  let most = 0;
  const access = await wholeAccess(({ from }) => {
    pages += 1;
    const frame = encodeAdminResult(pages, "getAccess", accessOf(state(), from ?? 0));
    most = Math.max(most, frame.length);
    const answer = decodeAdminAnswer(frame);
    assert(answer.ok, "an answer");
    return Promise.resolve(parseAdminResult("getAccess", answer.result));
  });
  const { users, roles } = access;
  return {
    users: users.map(({ name }) => name),
    roles: roles.map(({ name }) => name),
    permissions: roles.reduce((sum, role) => sum + role.permissions.length, 0),
    ...{ pages, most },
  };
}

describe("users and roles", () => {
  test("of a few are one page", async () => {
    const all = await told(() => accessWith(3, 2, 4, 10));
    expect(all).toMatchObject({ users: ["n0", "n1", "n2"], roles: ["n0", "n1"], permissions: 8 });
    expect(all.pages).toBe(1);
    expect(await told(() => accessWith(0, 0, 0, 0))).toMatchObject({
      users: [],
      roles: [],
      pages: 1,
    });
  });

  test.each([
    [2000, 0, 0, 0],
    [2000, 300, 256, 8],
    [10, 4, 256, 4000],
  ])(
    "%i of them and %i roles of %i permissions come in pages, each of them once",
    async (users, roles, permissions, bytes) => {
      const state = accessWith(users, roles, permissions, bytes);
      const all = await told(() => state);
      expect(all.users).toEqual([...state.users.keys()]);
      expect(all.roles).toEqual([...state.roles.keys()]);
      expect(all.permissions).toBe(roles * permissions);
      expect(all.pages).toBeGreaterThan(1);
      expect(all.most).toBeLessThan(PAGE_AND_A_ROLE);
    },
  );

  test("that change between two pages are asked for anew, and not for ever", async () => {
    const state = accessWith(2000, 0, 0, 0);
    let asked = 0;
    const later = (): AccessState => {
      asked += 1;
      return { ...state, epoch: asked === 1 ? 7 : 8 };
    };
    const all = await told(later);
    expect(all.users).toEqual([...state.users.keys()]);
    let epoch = 0;
    await expect(told(() => ({ ...state, epoch: ++epoch }))).rejects.toMatchObject({
      code: "CONFLICT",
    });
  });
});
