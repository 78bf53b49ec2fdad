import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { textOf } from "../../src/base/byte-string.ts";
import { ERRORS } from "../../src/base/errors.ts";
import { CLOCK_STEP_MAX_MS, LEASE_KEYS_MAX, LEASES_MAX } from "../../src/base/limits.ts";
import {
  buildEntry,
  encodeTxn,
  GroupWriter,
  readLease,
  readLeases,
  STATUS,
  validateEntry,
  type FrozenState,
} from "../../src/store/index.ts";
import { snapshotBytes } from "./helpers.ts";
import { bytes, key, loaded, ROUND, snapshotOf, Store, TTL } from "./lease-store.ts";
import { Cell, LeasedCell } from "../../src/store/history/cell.ts";
import { Leases } from "../../src/store/keys/leases.ts";
import { SnapshotDecoder } from "../../src/store/snapshot-decoder.ts";

describe("leases", () => {
  test("a lease ends when its time has passed since the second step after its renewal, with its keys at one revision", () => {
    const store = new Store();
    const lease = store.grant();
    store.put("a", lease);
    store.put("b", lease);
    store.write("c");
    const { revision } = store.state;
    // What passed before the second step does not count.
    store.step(CLOCK_STEP_MAX_MS);
    store.step(CLOCK_STEP_MAX_MS);
    store.pass(TTL - 1);
    expect(store.keys).toEqual(["a", "b", "c"]);
    expect(store.state.leases.view(lease)).toMatchObject({ remainingMs: 1, keys: 2 });
    store.step(1);
    expect(store.keys).toEqual(["c"]);
    expect(store.state).toMatchObject({ revision: revision + 1, expired: 1 });
    expect(store.renew(lease)).toEqual([0]);
    expect(store.state.leases.bytes).toBe(0);
  });

  test("a renewal begins its time anew", () => {
    const store = new Store();
    const [kept, left] = [store.grant(), store.grant()];
    store.put("kept", kept);
    store.put("left", left);
    for (let i = 0; i < 5; i++) {
      expect(store.renew(kept, 999)).toEqual([TTL, 0]);
      store.pass(400);
    }
    expect(store.keys).toEqual(["kept"]);
  });

  test("the leader is told when the next step is wanted, also by a state that was loaded", () => {
    const store = new Store();
    const wanted = (): [boolean, number] => {
      const { hasWaiting, nextEndInMs } = store.state.leases;
      return [hasWaiting, nextEndInMs];
    };
    expect(wanted()).toEqual([false, Infinity]);
    const lease = store.grant();
    store.grant();
    store.step(100);
    expect(wanted()).toEqual([true, Infinity]);
    store.state = loaded(store.state.clone());
    expect(wanted()).toEqual([true, Infinity]);
    store.step(100);
    expect(wanted()).toEqual([false, TTL]);
    store.renew(lease);
    store.step(100);
    expect(wanted()).toEqual([true, TTL - 100]);
    store.state = loaded(store.state.clone());
    expect(wanted()).toEqual([true, TTL - 100]);
    store.step(100);
    store.pass(TTL - 200);
    expect(wanted()).toEqual([false, 200]);
  });

  test("another leader goes on with the time that is left", () => {
    const store = new Store();
    store.grant();
    store.step(0);
    store.step(0);
    store.pass(300);
    store.begin(2);
    store.pass(TTL - 300 - 1);
    expect(store.state.leases.size).toBe(1);
    store.step(1);
    expect(store.state.leases.size).toBe(0);
  });

  test("entries of the clock count once, and only those of the round that the log is in", () => {
    const store = new Store();
    store.step(100);
    const before = store.state.leases.clockMs;
    expect(store.clock(100, 1).status).toBe(ERRORS.BAD_REQUEST.wire);
    expect(store.clock(100, 2, { ...ROUND, n: 0 }).status).toBe(ERRORS.BAD_REQUEST.wire);
    expect(store.clock(100, 2, { ...ROUND, salt: 8 }).status).toBe(ERRORS.BAD_REQUEST.wire);
    expect(store.state.leases.clockMs).toBe(before);
    store.begin(2);
    expect(store.clock(100, 2, ROUND).status).toBe(ERRORS.BAD_REQUEST.wire);
    expect(store.step(100).status).toBe(STATUS.ok);
    expect(store.state.leases.clockMs).toBe(before + 100);
  });

  test("revoking ends a lease, its keys and no others", () => {
    const store = new Store();
    const [one, other] = [store.grant(), store.grant()];
    store.put("a", one);
    store.put("b", other);
    const { revision } = store.state;
    const revoke = { kind: "leaseRevoke", lease: one } as const;
    expect(store.do(revoke)).toMatchObject({ status: STATUS.ok, revision: revision + 1 });
    expect(store.again(revoke)).toMatchObject({ status: STATUS.ok, revision: revision + 1 });
    expect(store.do(revoke)).toMatchObject({ status: STATUS.notFound });
    expect(store.keys).toEqual(["b"]);
    expect(store.state.leases.sortedIds()).toEqual([other]);
  });

  test("a key is bound to the lease of its last write, and to none after a write without", () => {
    const store = new Store();
    const [one, other] = [store.grant(), store.grant()];
    for (const name of ["a", "b", "c", "d", "e"]) store.put(name, one);
    store.write("a");
    store.put("b", other);
    store.put("c");
    store.put("d", null);
    store.put("e", null, null);
    const leases = ["a", "b", "c", "d", "e"].map((name) => store.lease(name));
    expect(leases).toEqual([0, other, 0, one, one]);
    expect(store.state.leases.keysOf(one)).toBe(2);
    store.do({ kind: "delete", key: bytes("d") });
    expect(store.state.leases.keysOf(one)).toBe(1);
    store.write("d");
    store.do({ kind: "leaseRevoke", lease: one });
    expect(store.keys).toEqual(["a", "b", "c", "d"]);
  });

  test("a transaction compares with leases", () => {
    const store = new Store();
    const lease = store.grant();
    store.put("a", lease);
    const where = { key: key("a") };
    expect(store.compares({ where, target: "lease", is: "=", to: lease })).toBe(true);
    expect(store.compares({ where, target: "lease", is: "=", to: 0 })).toBe(false);
    const none = { key: key("none") };
    expect(store.compares({ where: none, target: "lease", is: "=", to: 0 })).toBe(true);
  });

  test("without its lease nothing of a transaction is done, nor later when there is one", () => {
    const store = new Store();
    const put = { op: "put", key: key("a"), value: key("v"), previous: false, lease: 5 } as const;
    const txn = encodeTxn({ compare: [], success: [put], failure: [] });
    const command = { kind: "leasedTxn", txn } as const;
    expect(store.do(command)).toMatchObject({ status: ERRORS.TXN_REFUSED.wire, revision: 4 });
    const other = new Store(loaded(store.state.clone()));
    expect(other.grant(TTL, 5)).toBe(5);
    expect(store.again(command)).toMatchObject({ status: ERRORS.TXN_REFUSED.wire, revision: 4 });
    expect(store.keys).toEqual([]);
  });

  test("a txn of programs that know no leases has none in it", () => {
    const put = { op: "put", key: key("a"), value: key("v"), previous: false, lease: 5 } as const;
    const writer = new GroupWriter();
    writer.add(0, { kind: "txn", txn: encodeTxn({ compare: [], success: [put], failure: [] }) });
    const entry = buildEntry({ node: 1, nonce: 7, batch: 1 }, [writer.take(3, 0)]);
    expect(validateEntry(entry)).toMatchObject({ code: "BAD_REQUEST" });
  });

  test("ids are those that were asked for, or free ones", () => {
    const store = new Store();
    const grant = { kind: "leaseGrant", ttl: TTL, lease: 2 } as const;
    expect(store.do(grant)).toMatchObject({ status: STATUS.ok, revision: 2 });
    expect(store.again(grant)).toMatchObject({ status: STATUS.ok, revision: 2 });
    expect(store.grant(TTL, 2)).toBe(-ERRORS.LEASE_EXISTS.wire);
    expect(store.grant()).toBe(1);
    expect(store.grant()).toBe(3);
    // The answer stays what it was.
    expect(store.do(grant)).toMatchObject({ status: ERRORS.LEASE_EXISTS.wire });
    store.do({ kind: "leaseRevoke", lease: 2 });
    const refused = { kind: "leaseGrant", ttl: TTL, lease: 3 } as const;
    store.do(refused);
    expect(store.again(refused)).toMatchObject({ status: ERRORS.LEASE_EXISTS.wire });
  });

  test("there are so many leases at most, with so many keys", () => {
    const store = new Store();
    const lease = store.grant();
    for (let start = 0; start < LEASE_KEYS_MAX; start += 128) {
      const puts = Array.from({ length: 128 }, (_, i) => ({
        ...({ op: "put", value: key(""), previous: false, lease } as const),
        key: key(`k${start + i}`),
      }));
      expect(store.txn(...puts).status).toBe(STATUS.txnThen);
    }
    expect(store.put("more", lease)).toMatchObject({
      status: ERRORS.TXN_REFUSED.wire,
      revision: 5,
    });
    expect(store.put("k0", lease).status).toBe(STATUS.txnThen);
    while (store.state.leases.size < LEASES_MAX) store.grant();
    expect(store.grant()).toBe(-ERRORS.LEASE_LIMIT.wire);
    const { revision } = store.state;
    store.step(0);
    store.step(0);
    store.pass(TTL);
    // Too many for one entry.
    expect(store.state.leases.hasDue).toBe(true);
    for (let i = 0; i < 10; i++) store.step(0);
    expect(store.state.leases.size).toBe(0);
    expect(store.state).toMatchObject({ size: 0, revision: revision + 1 });
  });

  test("leases and what is bound to them count for the quota", () => {
    const store = new Store();
    const none = store.state.contentBytes;
    const lease = store.grant();
    const granted = store.state.contentBytes;
    expect(granted).toBeGreaterThan(none);
    store.put("a", lease);
    const bound = store.state.contentBytes;
    store.put("a");
    expect(store.state.contentBytes).toBeLessThan(bound);
    store.put("a", lease);
    store.do({ kind: "leaseRevoke", lease });
    expect(store.state.contentBytes).toBe(none);
  });

  test("leases and their keys are read in pages", () => {
    const store = new Store();
    const lease = store.grant();
    for (let i = 0; i < 1500; i++) store.put(`k${1000 + i}`, lease);
    while (store.state.leases.size < 1100) store.grant();
    const looked = { cells: 0 };
    const wanted = { lease, withKeys: true, start: key("k1000"), revision: 0 } as const;
    const first = readLease(store.state.leases, wanted, looked);
    expect(first).toMatchObject({ more: true, leases: [{ id: lease, ttlMs: TTL, keys: 1500 }] });
    const start = key(`${textOf(first.keys.at(-1) ?? key(""))}\0`);
    const second = readLease(store.state.leases, { ...wanted, start }, looked);
    expect(second.more).toBe(false);
    expect([...first.keys, ...second.keys].map(textOf)).toEqual(
      Array.from({ length: 1500 }, (_, i) => `k${1000 + i}`),
    );
    const all = readLeases(store.state.leases, { leasesAfter: 0, revision: 0 }, looked);
    expect(all).toMatchObject({ more: true, keys: [] });
    const leasesAfter = all.leases.at(-1)?.id ?? 0;
    const rest = readLeases(store.state.leases, { leasesAfter, revision: 0 }, looked);
    expect(all.leases.length + rest.leases.length).toBe(1100);
    // To sort them is work too.
    expect(looked.cells).toBeGreaterThan(2 * 1500 + 2 * 1100);
    const none = { ...wanted, lease: 9999 };
    expect(readLease(store.state.leases, none, looked)).toEqual({
      leases: [],
      keys: [],
      more: false,
    });
  });

  test("the keys of a lease are put in order once, which counts as work by their length; pages of them are not", () => {
    const leases = new Leases();
    const lease = leases.grant(0, TTL);
    const [long, count] = ["x".repeat(4000), 2000];
    for (let i = 0; i < count; i++) leases.bind(lease, key(`${long}${count - i}`), 0);
    const lookedAt = (start: string): number => {
      const looked = { cells: 0 };
      readLease(leases, { lease, withKeys: true, start: key(start), revision: 0 }, looked);
      return looked.cells;
    };
    expect(lookedAt("")).toBeGreaterThan((count * 4000) / 128);
    expect(lookedAt("")).toBeLessThan(100);
    expect(lookedAt(`${long}500`)).toBeLessThan(100);
    leases.bind(lease, key("another"), 0);
    expect(lookedAt("")).toBeGreaterThan((count * 4000) / 128);
    leases.unbind(lease, key("another"), 0);
    expect(leases.sortWork(lease)).toBeGreaterThan((count * 4000) / 128);
    expect(leases.sortedKeys(lease)).not.toContain("another");
  });

  test("a new beginning has neither leases nor their keys", () => {
    const store = new Store();
    const lease = store.grant();
    store.put("bound", lease);
    store.write("free");
    const begun = loaded(
      store.state.clone().asBeginning({ origin: 5, historyHash: 6, revision: 7 }),
    );
    expect(begun.readRange({ limit: 9 }).map(({ key: name }) => name)).toEqual(["free"]);
    expect(begun.leases.size).toBe(0);
    expect(begun.size).toBe(1);
    // An id that somebody may still hold is not given to another one.
    expect(new Store(begun).grant()).toBe(lease + 1);
  });
});

test("a snapshot has very many bound keys section by section, and a state binds them again step by step", () => {
  const store = new Store();
  const ids = [store.grant(), store.grant()];
  for (let i = 0; i < 2500; i++) store.put(`k${String(i).padStart(4, "0")}`, ids[i % 3] ?? null);
  const written = snapshotBytes(store.state.clone());
  const decoder = new SnapshotDecoder();
  decoder.push(written);
  let steps = 0;
  while (decoder.step(1 << 20)) steps += 1;
  const again = decoder.finish();
  expect(steps).toBeGreaterThan(0);
  expect(ids.map((id) => again.leases.keysOf(id))).toEqual([834, 833]);
  expect(again.leases.sortedKeys(ids[1]!)).toEqual(store.state.leases.sortedKeys(ids[1]!));
  expect(snapshotBytes(again.clone())).toEqual(written);
});

test("whoever uses no leases has nothing of them looked up or made, while others have some", () => {
  const store = new Store();
  store.put("bound", store.grant());
  const { leases } = store.state;
  const asked = ["has", "keysOf", "bind", "unbind", "areAll", "renew", "view"] as const;
  const spies = asked.map((name) => vi.spyOn(leases, name));
  for (let i = 0; i < 3; i++) store.write("free");
  store.do({ kind: "append", key: bytes("free"), value: bytes("w") });
  store.do({ kind: "casAbsent", key: bytes("free"), value: bytes("w") });
  store.do({ kind: "delete", key: bytes("free") });
  store.write("free");
  for (const spy of spies) expect(spy).not.toHaveBeenCalled();
  const cell = store.state.cells.get(key("free"));
  expect(cell).toBeInstanceOf(Cell);
  expect(cell).not.toBeInstanceOf(LeasedCell);
  expect(store.state.cells.get(key("bound"))).toBeInstanceOf(LeasedCell);
});

const action = fc.oneof(
  fc.record({ do: fc.constant("grant" as const), id: fc.nat(6) }),
  fc.record({ do: fc.constant("renew" as const), id: fc.nat(6) }),
  fc.record({ do: fc.constant("revoke" as const), id: fc.nat(6) }),
  fc.record({ do: fc.constant("put" as const), id: fc.nat(6), name: fc.nat(5) }),
  fc.record({ do: fc.constant("write" as const), name: fc.nat(5) }),
  fc.record({ do: fc.constant("delete" as const), name: fc.nat(5) }),
  fc.record({ do: fc.constant("step" as const), ms: fc.nat(300) }),
  fc.record({ do: fc.constant("load" as const) }),
  fc.record({ do: fc.constant("freeze" as const) }),
);
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

function carryOut(store: Store, each: Action): void {
  switch (each.do) {
    case "grant":
      return void store.grant(TTL, each.id);
    case "renew":
      return void store.renew(each.id);
    case "revoke":
      return void store.do({ kind: "leaseRevoke", lease: each.id });
    case "put":
      return void store.put(`k${each.name}`, each.id);
    case "write":
      return store.write(`k${each.name}`);
    case "delete":
      return void store.do({ kind: "delete", key: bytes(`k${each.name}`) });
    case "step":
      return void store.step(each.ms);
    case "load":
      store.state = loaded(store.state.clone());
      return;
    case "freeze":
      store.state.clone();
  }
}

test("a state that was loaded again and again is the one that was not, by its hash and by its snapshot", () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const [plain, reloaded] = [new Store(), new Store()];
      let frozen: { readonly state: FrozenState; readonly bytes: string } | null = null;
      for (const each of actions) {
        if (each.do === "freeze") {
          const state = plain.state.clone();
          frozen ??= { state, bytes: snapshotOf(state) };
        } else if (each.do !== "load") carryOut(plain, each);
        carryOut(reloaded, each);
      }
      expect(reloaded.state.hash()).toBe(plain.state.hash());
      expect(reloaded.state.leases.hash()).toBe(plain.state.leases.hash());
      expect(snapshotOf(reloaded.state.clone())).toBe(snapshotOf(plain.state.clone()));
      expect(reloaded.state.contentBytes).toBe(plain.state.contentBytes);
      // What was frozen on the way is as it was.
      if (frozen !== null) expect(snapshotOf(frozen.state)).toBe(frozen.bytes);
      for (const id of plain.state.leases.sortedIds()) {
        for (const name of plain.state.leases.sortedKeys(id)) {
          expect(plain.state.read(name)?.lease).toBe(id);
        }
      }
    }),
  );
});
