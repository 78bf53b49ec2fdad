/** Leases of writes: such a lease ends with the last key that is bound to it, and not before it has had one. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { STATUS, SnapshotError, encodeTxn, type TxnOp } from "../../src/store/index.ts";
import { WRITE_LEASE_ID_END, WRITE_LEASE_ID_MIN } from "../../src/store/commands/index.ts";
import { fromSnapshot } from "./helpers.ts";
import { bytes, key, loaded, snapshotOf, Store, TTL } from "./lease-store.ts";

/** Ids of writes. */
const [ONE, TWO, THREE] = [WRITE_LEASE_ID_MIN, WRITE_LEASE_ID_MIN + 1, WRITE_LEASE_ID_END - 1];

function bind(name: string, lease?: number | null): TxnOp {
  const put = { op: "put", key: key(name), value: key("v"), previous: false } as const;
  return lease === undefined ? put : { ...put, lease };
}

/** A key that is bound to a lease of its own write. */
function written(): Store {
  const store = new Store();
  store.grant(TTL, ONE);
  store.put("a", ONE);
  return store;
}

const ids = (store: Store): readonly number[] => store.state.leases.sortedIds();

describe("a lease of a write ends when its key", () => {
  const ways: readonly (readonly [string, (store: Store) => unknown, readonly number[]])[] = [
    [
      "is written with another lease",
      (store) => {
        store.grant(TTL, TWO);
        store.put("a", TWO);
      },
      [TWO],
    ],
    ["is written without one", (store) => store.write("a"), []],
    ["is put without one", (store) => store.put("a"), []],
    ["loses its lease and keeps its value", (store) => store.put("a", 0, null), []],
    [
      "is appended to",
      (store) => store.do({ kind: "append", key: bytes("a"), value: bytes("w") }),
      [],
    ],
    [
      "is swapped for another value",
      (store) =>
        store.do({ kind: "casValue", key: bytes("a"), expected: bytes("v"), value: bytes("w") }),
      [],
    ],
    [
      "is swapped at its revision",
      (store) => {
        const { revision } = store.state;
        store.do({ kind: "casRevision", key: bytes("a"), revision, value: bytes("w") });
      },
      [],
    ],
    ["is deleted", (store) => store.do({ kind: "delete", key: bytes("a") }), []],
    [
      "is deleted by a transaction",
      (store) => store.txn({ op: "delete", where: { key: key("a") }, previous: false }),
      [],
    ],
    [
      "is deleted with a range",
      (store) =>
        store.txn({ op: "delete", where: { start: key("a"), end: key("b") }, previous: false }),
      [],
    ],
    [
      "is let go of by a transaction within one",
      (store) => {
        const inner = { compare: [], success: [bind("a", 0)], failure: [] };
        store.txn({ op: "txn", txn: inner });
      },
      [],
    ],
  ];

  test.each(ways)("%s, at no revision of its own", (_, change, left) => {
    const store = written();
    const { revision } = store.state;
    change(store);
    expect(ids(store)).toEqual(left);
    expect(store.state.revision).toBe(revision + 1);
    expect(store.state.leases.boundKeys).toBe(left.length);
    expect(store.do({ kind: "leaseRevoke", lease: ONE }).status).toBe(STATUS.notFound);
    expect(store.renew(ONE)).toEqual([0]);
    expect(ids(reloaded(store))).toEqual(left);
  });
});

/** The same store, from a snapshot. */
function reloaded(store: Store): Store {
  store.state = loaded(store.state.clone());
  return store;
}

describe("a lease of a write goes on", () => {
  test.each<readonly [string, (store: Store) => unknown]>([
    ["when its key is written with it again", (store) => store.put("a", ONE)],
    ["when its key keeps it", (store) => store.put("a", null)],
    [
      "when a swap fails",
      (store) => store.do({ kind: "casAbsent", key: bytes("a"), value: bytes("w") }),
    ],
    ["when another key goes", (store) => store.do({ kind: "delete", key: bytes("b") })],
  ])("%s", (_, change) => {
    const store = written();
    store.write("b");
    change(store);
    expect(ids(store)).toEqual([ONE]);
    expect(store.lease("a")).toBe(ONE);
    store.pass(TTL + 200);
    expect(ids(store)).toEqual([]);
    expect(store.keys).not.toContain("a");
  });

  test("until the last of several keys is gone", () => {
    const store = written();
    store.put("b", ONE);
    store.put("c", ONE);
    store.write("a");
    store.do({ kind: "delete", key: bytes("c") });
    expect(ids(store)).toEqual([ONE]);
    store.write("b");
    expect(ids(store)).toEqual([]);
  });

  test("as long as its write has not come, until its time is over", () => {
    const store = new Store();
    store.grant(TTL, ONE);
    store.write("a");
    store.do({ kind: "delete", key: bytes("a") });
    expect(ids(reloaded(store))).toEqual([ONE]);
    store.pass(TTL + 199);
    expect(store.put("a", ONE).status).toBe(STATUS.txnThen);
    store.pass(1);
    expect(ids(store)).toEqual([]);
    expect(store.keys).toEqual([]);
    expect(store.state.expired).toBe(1);
  });

  test("when one transaction takes its last key and binds another to it", () => {
    const store = written();
    store.txn({ op: "delete", where: { key: key("a") }, previous: false }, bind("b", ONE));
    expect(ids(store)).toEqual([ONE]);
    store.grant(TTL, TWO);
    store.put("c", TWO);
    store.txn(bind("b", TWO), bind("c", ONE));
    expect([ids(store), store.lease("b"), store.lease("c")]).toEqual([[ONE, TWO], TWO, ONE]);
    store.txn(bind("b", ONE), bind("c", 0));
    expect(ids(store)).toEqual([ONE]);
  });

  test("when what a transaction would do is refused", () => {
    const store = written();
    const { status } = store.txn(bind("a", 0), bind("b", 999));
    expect(status).not.toBe(STATUS.txnThen);
    expect(ids(store)).toEqual([ONE]);
  });
});

test("a write that is repeated after its lease has ended gets its first answer, and changes nothing", () => {
  const store = new Store();
  store.grant(TTL, ONE);
  const put = { compare: [], success: [bind("a", ONE)], failure: [] };
  const command = { kind: "leasedTxn", txn: encodeTxn(put) } as const;
  const first = store.do(command);
  const other = new Store(store.state);
  other.grant(TTL, TWO);
  other.put("a", TWO);
  expect(ids(store)).toEqual([TWO]);
  const { revision } = store.state;
  expect(store.again(command)).toEqual(first);
  expect(reloaded(store).again(command)).toEqual(first);
  expect([store.lease("a"), store.state.revision, ids(store)]).toEqual([TWO, revision, [TWO]]);
});

test("a key that is written again and again takes one lease, without a revision for those that end", () => {
  const store = new Store();
  const { revision } = store.state;
  for (let i = 0; i < 300; i++) {
    expect(store.grant(3_600_000, WRITE_LEASE_ID_MIN + i)).toBe(WRITE_LEASE_ID_MIN + i);
    expect(store.put("a", WRITE_LEASE_ID_MIN + i).status).toBe(STATUS.txnThen);
    expect(store.state.leases.size).toBe(1);
  }
  expect(store.state.revision).toBe(revision + 300);
});

test("a lease that has ended by its time or by command ends once", () => {
  const store = written();
  store.do({ kind: "leaseRevoke", lease: ONE });
  expect([ids(store), store.keys]).toEqual([[], []]);
  expect(store.grant(TTL, ONE)).toBe(ONE);
  store.write("a");
  store.put("b", ONE);
  store.pass(TTL + 200);
  expect([ids(store), store.keys]).toEqual([[], ["a"]]);
});

test("other leases go on without keys, and so do those that entries of before granted", () => {
  const store = new Store();
  const plain = [store.grant(), store.grant(TTL, WRITE_LEASE_ID_MIN - 1)];
  plain.push(store.grant(TTL, WRITE_LEASE_ID_END));
  const old = new Store(store.state, 8);
  plain.push(old.grant(TTL, ONE), old.grant(TTL, THREE));
  for (const lease of plain) {
    old.put("a", lease);
    old.do({ kind: "delete", key: bytes("a") });
  }
  expect(ids(store)).toEqual(plain.sort((a, b) => a - b));
  expect(store.state.rules.met).toBeLessThan(10);
});

describe("a snapshot", () => {
  const hex = (store: Store): string => snapshotOf(store.state.clone());
  const versionOf = (store: Store): number => Buffer.from(hex(store), "hex")[4] ?? 0;

  test("is of the version before until there is such a lease, and of that again when there is none any more", () => {
    const store = new Store();
    store.put("b", store.grant());
    expect(versionOf(store)).toBe(5);
    store.grant(TTL, ONE);
    expect(versionOf(store)).toBe(6);
    store.put("a", ONE);
    store.put("a");
    expect(versionOf(store)).toBe(5);
  });

  test("tells which leases are of writes", () => {
    const store = written();
    store.grant(TTL, THREE);
    store.grant();
    const state = loaded(store.state.clone());
    expect(snapshotOf(state.clone())).toBe(hex(store));
    expect(state.leases.hash()).toBe(store.state.leases.hash());
    expect(state.rules.met).toBe(10);
    const old = new Store();
    old.put("a", new Store(old.state, 8).grant(TTL, ONE));
    expect(loaded(old.state.clone()).rules.met).toBe(1);
  });

  test("is refused when it is damaged there", () => {
    const whole = Buffer.from(hex(written()), "hex");
    for (let at = 0; at < whole.length; at++) {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      let same = false;
      try {
        same = Buffer.concat([...fromSnapshot(damaged).clone().encodeSnapshot(4096)]).equals(whole);
      } catch (error) {
        expect(error).toBeInstanceOf(SnapshotError);
      }
      expect(same).toBe(false);
    }
  });
});

// ---- against a model that looks at everything after each command ---------------------------------------------------------

const NAMES = ["a", "b", "c"];
const LEASE_IDS = [ONE, TWO, THREE, 7];
const one = fc.constantFrom(...NAMES);
const lease = fc.constantFrom(0, ...LEASE_IDS);
const deed = fc.oneof(
  fc.record({ do: fc.constant("grant" as const), id: fc.constantFrom(...LEASE_IDS) }),
  fc.record({ do: fc.constant("grant" as const), id: fc.constantFrom(...LEASE_IDS) }),
  fc.record({ do: fc.constant("put" as const), name: one, lease }),
  fc.record({ do: fc.constant("put" as const), name: one, lease }),
  fc.record({
    do: fc.constant("two" as const),
    names: fc.shuffledSubarray(NAMES, { minLength: 2 }),
    lease,
    other: lease,
  }),
  fc.record({ do: fc.constant("delete" as const), name: one }),
  fc.record({ do: fc.constant("clear" as const), name: one }),
  fc.record({ do: fc.constant("revoke" as const), id: fc.constantFrom(...LEASE_IDS) }),
  fc.record({ do: fc.constant("load" as const) }),
  fc.record({ do: fc.constant("freeze" as const) }),
);
type Deed = typeof deed extends fc.Arbitrary<infer D> ? D : never;

class Model {
  readonly bound = new Map<string, number>();
  readonly leases = new Set<number>();
  readonly #hadKey = new Set<number>();

  carryOut(each: Deed): void {
    switch (each.do) {
      case "grant":
        if (!this.leases.has(each.id)) this.#hadKey.delete(each.id);
        this.leases.add(each.id);
        break;
      case "put":
        this.#bind([[each.name, each.lease]]);
        break;
      case "two":
        this.#bind(each.names.map((name, i) => [name, i === 0 ? each.lease : each.other]));
        break;
      case "delete":
        this.bound.delete(each.name);
        break;
      case "clear":
        for (const name of NAMES) if (name >= each.name) this.bound.delete(name);
        break;
      case "revoke":
        this.leases.delete(each.id);
        for (const [name, id] of this.bound) if (id === each.id) this.bound.delete(name);
        break;
      case "load":
      case "freeze":
    }
    const held = new Set(this.bound.values());
    for (const id of held) this.#hadKey.add(id);
    for (const id of this.leases) {
      if (id !== 7 && this.#hadKey.has(id) && !held.has(id)) this.leases.delete(id);
    }
  }

  #bind(pairs: readonly (readonly [string, number])[]): void {
    if (!pairs.every(([, id]) => id === 0 || this.leases.has(id))) return;
    for (const [name, id] of pairs) this.bound.set(name, id);
  }
}

function carryOut(store: Store, each: Deed): unknown {
  switch (each.do) {
    case "grant":
      return store.grant(TTL, each.id);
    case "put":
      return store.put(each.name, each.lease);
    case "two":
      return store.txn(
        ...each.names.map((name, i) => bind(name, i === 0 ? each.lease : each.other)),
      );
    case "delete":
      return store.do({ kind: "delete", key: bytes(each.name) });
    case "clear":
      return store.txn({
        op: "delete",
        where: { start: key(each.name), end: null },
        previous: false,
      });
    case "revoke":
      return store.do({ kind: "leaseRevoke", lease: each.id });
    case "load":
      return reloaded(store);
    case "freeze":
      return store.state.clone();
  }
}

test("after any commands there are the leases that a look at all keys leaves", () => {
  fc.assert(
    fc.property(fc.array(deed, { maxLength: 50 }), (deeds) => {
      const [plain, other, model] = [new Store(), new Store(), new Model()];
      for (const each of deeds) {
        carryOut(plain, each.do === "load" ? { do: "freeze" } : each);
        carryOut(other, each);
        model.carryOut(each);
        for (const store of [plain, other]) {
          expect(ids(store)).toEqual([...model.leases].sort((a, b) => a - b));
          for (const name of store.keys) {
            expect(store.lease(name)).toBe(model.bound.get(name));
          }
          expect(store.keys).toEqual([...model.bound.keys()].sort());
        }
      }
      for (const store of [plain, other]) store.step(10);
      expect(other.state.hash()).toBe(plain.state.hash());
      expect(snapshotOf(other.state.clone())).toBe(snapshotOf(plain.state.clone()));
    }),
    { numRuns: 500 },
  );
});
