/** How much may stand in permissions, and what a change of them costs. */
import { describe, expect, test } from "vitest";
import { PERMISSION_BYTES_MAX, type PermissionKind } from "../../src/store/access/access.ts";
import { ACCESS_REFUSAL } from "../../src/store/access/access-change.ts";
import { decodeAccess, encodeAccess } from "../../src/store/access/access-format.ts";
import {
  accessRefusalText,
  buildEntry,
  encodeAccessChange,
  GroupWriter,
  KvState,
  NO_SESSION,
  STATUS,
  type AccessChange,
} from "../../src/store/index.ts";
import { key, RecordingSink } from "./helpers.ts";

class Roles {
  readonly state = new KvState();

  /** @param version of the entry */
  manage(change: AccessChange, version?: number): { status: number; revision: number } {
    const writer = new GroupWriter();
    writer.add(0, { kind: "access", body: encodeAccessChange(change) });
    const groups = [writer.take(NO_SESSION, 0)];
    const sink = new RecordingSink();
    this.state.apply(
      buildEntry({ node: 1, nonce: 1, batch: 1 }, groups, version),
      this.state.appliedIdx,
      sink,
    );
    return sink.answers[0]!;
  }
}

describe("how much stands in permissions", () => {
  const permit = (role: string, i: number, may: PermissionKind = "read"): AccessChange => ({
    ...{ kind: "permit", role, may, start: key(`${"k".repeat(4000)}${i}`), end: null },
  });
  const roles = ["a", "b", "c", "d", "e"];
  const full = (): Roles => {
    const store = new Roles();
    for (const role of roles) store.manage({ kind: "addRole", role });
    for (const role of roles.slice(0, 4)) {
      for (let i = 0; i < 256; i++) store.manage(permit(role, 1000 + i));
    }
    return store;
  };

  test("is bounded, on all roles together; what is taken away makes room", () => {
    const store = full();
    expect(store.state.access.permissionBytes).toBe(4 * 256 * 4004);
    let granted = 0;
    while (store.manage(permit("e", 1000 + granted)).status === STATUS.ok) granted += 1;
    expect(granted).toBe(Math.floor(PERMISSION_BYTES_MAX / 4004) - 4 * 256);
    expect(store.manage(permit("e", 5)).revision).toBe(ACCESS_REFUSAL.tooMany);
    expect(accessRefusalText(ACCESS_REFUSAL.tooMany)).toContain("4 MiB of keys in all permissions");
    // What takes no more room may still be changed.
    expect(store.manage(permit("a", 1000, "write")).status).toBe(STATUS.ok);
    store.manage({ kind: "deleteRole", role: "a" });
    expect(store.manage(permit("e", 2000)).status).toBe(STATUS.ok);
    const { permissionBytes } = store.state.access;
    expect(decodeAccess(encodeAccess(store.state.access))).toMatchObject({ permissionBytes });
    expect(store.state.sizeBytes).toBe(permissionBytes);
  });

  test("a change is hashed by itself; in entries before version 8 with all that there was", () => {
    const [now, before] = [new Roles(), new Roles()];
    const same = new Roles();
    for (const store of [now, same]) store.manage({ kind: "addRole", role: "a" });
    before.manage({ kind: "addRole", role: "a" }, 6);
    expect(now.state.hash()).toBe(same.state.hash());
    expect(now.state.hash()).not.toBe(before.state.hash());
    // Another change to the same end is another past.
    const [longer, shorter] = [new Roles(), new Roles()];
    longer.manage({ kind: "addRole", role: "b" });
    shorter.manage({ kind: "addRole", role: "a" });
    expect(longer.state.hash()).not.toBe(shorter.state.hash());
  });
});
