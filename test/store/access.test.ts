import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ERRORS } from "../../src/base/errors.ts";
import { changeAccess, decodeAccessChange } from "../../src/store/access/access-change.ts";
import { decodeAccess, encodeAccess } from "../../src/store/access/access-format.ts";
import {
  accessRefusalText,
  buildEntry,
  EMPTY_ACCESS,
  encodeAccessChange,
  encodeClock,
  encodeNumbers,
  encodeTxn,
  GroupWriter,
  KvState,
  mayRead,
  NO_SESSION,
  openingEntry,
  rightsOf,
  SECRET_HOLDER,
  SnapshotDecoder,
  STATUS,
  validateEntry,
  withActor,
  type AccessChange,
  type AccessState,
  type Actor,
  type ByteString,
  type Txn,
} from "../../src/store/index.ts";
import { ACCESS_REFUSAL } from "../../src/store/access/access-change.ts";
import { validateGroup } from "../../src/store/entries/group-check.ts";
import type { Command } from "../../src/store/operations/index.ts";
import { byteString, bytes, fromSnapshot, key, nonce, snapshotBytes } from "./helpers.ts";

const FORBIDDEN = ERRORS.FORBIDDEN.wire;
const UNAUTHENTICATED = ERRORS.UNAUTHENTICATED.wire;

const user = (name: string, generation = 0): Actor => ({ name, generation });
const prefix = (text: string) => {
  const last = text.charCodeAt(text.length - 1);
  return { start: key(text), end: key(text.slice(0, -1) + String.fromCharCode(last + 1)) };
};

const SETUP: readonly AccessChange[] = [
  { kind: "addUser", user: "root", passwordHash: "h" },
  { kind: "grantRole", user: "root", role: "root" },
  { kind: "addUser", user: "ann", passwordHash: "h1" },
  { kind: "addRole", role: "shop" },
  { kind: "permit", role: "shop", may: "both", ...prefix("a/") },
  { kind: "permit", role: "shop", may: "read", ...prefix("r/") },
  { kind: "permit", role: "shop", may: "write", ...prefix("w/") },
  { kind: "grantRole", user: "ann", role: "shop" },
  { kind: "turnOn", tokenKey: "k" },
];

function changed(state: AccessState, changes: readonly AccessChange[]): AccessState {
  return changes.reduce((before, change) => {
    const after = changeAccess(before, change);
    if (typeof after === "number") throw new Error(`${change.kind} refused: ${after}`);
    return after;
  }, state);
}

interface Answer {
  readonly status: number;
  readonly revision: number;
  readonly actual: ByteString | undefined;
}

/** A state with a log of its own, and a session in it. */
class Store {
  readonly state = new KvState();
  readonly session: number;
  #sequence = 0;

  constructor() {
    let opened = 0;
    const entry = this.#entry({ kind: "openSession", nonce: nonce(1) }, null, NO_SESSION, 0);
    this.state.apply(entry, 0, {
      beginGroup: () => {},
      answer: () => {},
      opened: (_sequence, _nonce, id) => (opened = id),
    });
    this.session = opened;
  }

  manage(change: AccessChange, actor: Actor | null = SECRET_HOLDER): Answer {
    const command: Command = { kind: "access", body: encodeAccessChange(change) };
    return this.#apply(this.#entry(command, actor, NO_SESSION, 0));
  }

  do(command: Command, actor: Actor | null, sequence = ++this.#sequence): Answer {
    return this.#apply(this.#entry(command, actor, this.session, sequence));
  }

  /** By steps of the clock. */
  endLeases(): void {
    const round = { n: 1, pid: 1, salt: 7 };
    const opening = openingEntry(this.#entry({ kind: "noop" }, null, NO_SESSION, 0), round);
    if (opening !== null) this.state.apply(opening, this.state.appliedIdx);
    for (let count = 1; count <= 4; count++) {
      const numbers = encodeClock({ passedMs: 500, round, count });
      this.#apply(this.#entry({ kind: "clock", numbers }, null, NO_SESSION, 0));
    }
  }

  #entry(command: Command, actor: Actor | null, session: number, sequence: number): Uint8Array {
    const writer = new GroupWriter();
    writer.add(sequence, command);
    const group = writer.take(session, 0);
    const groups = [actor === null ? group : withActor(group, actor)];
    return buildEntry({ node: 1, nonce: 1, batch: 1 }, groups);
  }

  #apply(entry: Uint8Array): Answer {
    const answers: Answer[] = [];
    const wrong = validateEntry(entry);
    if (wrong !== null) throw wrong;
    this.state.apply(entry, this.state.appliedIdx, {
      beginGroup: () => {},
      answer: (_session, _sequence, status, revision, actual) =>
        answers.push({ status, revision, actual: byteString(actual) }),
      opened: () => {},
    });
    const [answer] = answers;
    if (answer === undefined || answers.length > 1) throw new Error("one answer");
    return answer;
  }
}

function secured(): Store {
  const store = new Store();
  for (const change of SETUP) expect(store.manage(change).status).toBe(STATUS.ok);
  return store;
}

const write = (at: string, value = "v"): Command => ({
  kind: "write",
  key: bytes(at),
  value: bytes(value),
});
const txn = (body: Partial<Txn>): Command => ({
  kind: "txn",
  txn: encodeTxn({ compare: [], success: [], failure: [], ...body }),
});
const put = (at: string) =>
  ({ op: "put", key: key(at), value: key("v"), previous: false }) as const;
const get = (at: string) =>
  ({ op: "get", where: { key: key(at) }, limit: 0, keysOnly: false, countOnly: false }) as const;

describe("what is applied while access control is on", () => {
  test.each([
    ["a/1", STATUS.ok],
    ["w/1", STATUS.ok],
    ["r/1", FORBIDDEN],
    ["a", FORBIDDEN],
    ["a0", FORBIDDEN],
    ["other", FORBIDDEN],
  ])("a write to %s ends with %s", (at, status) => {
    const store = secured();
    expect(store.do(write(at), user("ann")).status).toBe(status);
    expect(store.state.read(key(at)) === undefined).toBe(status !== STATUS.ok);
  });

  test("who is not known may do nothing, the holder of the secret and root everything", () => {
    const store = secured();
    expect(store.do(write("a/1"), null).status).toBe(UNAUTHENTICATED);
    expect(store.do(write("a/1"), user("bob")).status).toBe(UNAUTHENTICATED);
    expect(store.do(write("x"), SECRET_HOLDER).status).toBe(STATUS.ok);
    expect(store.do(write("x"), user("root")).status).toBe(STATUS.ok);
  });

  test("a compare-and-swap reads too", () => {
    const store = secured();
    const cas = (at: string): Command => ({ kind: "casAbsent", key: bytes(at), value: bytes("v") });
    store.do(write("w/1", "hidden"), SECRET_HOLDER);
    const refused = store.do(cas("w/1"), user("ann"));
    expect(refused).toEqual({ status: FORBIDDEN, revision: 0, actual: undefined });
    expect(store.do(cas("a/1"), user("ann")).status).toBe(STATUS.ok);
    expect(
      store.do({ kind: "append", key: bytes("w/2"), value: bytes("v") }, user("ann")).status,
    ).toBe(STATUS.ok);
  });

  test.each<[string, Partial<Txn>, number]>([
    ["puts where it may", { success: [put("a/1"), put("w/1")] }, STATUS.txnThen],
    ["puts elsewhere", { success: [put("a/1"), put("x")] }, FORBIDDEN],
    ["puts elsewhere in the list that is not taken", { failure: [put("x")] }, FORBIDDEN],
    ["reads elsewhere", { success: [get("w/1")] }, FORBIDDEN],
    [
      "compares what it may not read",
      {
        compare: [{ where: { key: key("w/1") }, target: "version", is: "=", to: 0 }],
        success: [put("a/1")],
      },
      FORBIDDEN,
    ],
    [
      "wants the value before where it may only write",
      { success: [{ ...put("w/1"), previous: true }] },
      FORBIDDEN,
    ],
    [
      "deletes a range that goes beyond",
      { success: [{ op: "delete", where: { start: key("a/"), end: null }, previous: false }] },
      FORBIDDEN,
    ],
    [
      "hides it in a nested one",
      {
        success: [
          { op: "txn", txn: { compare: [], success: [put("a/1")], failure: [get("secret")] } },
        ],
      },
      FORBIDDEN,
    ],
  ])("a transaction that %s", (_, body, status) => {
    const store = secured();
    expect(store.do(txn(body), user("ann")).status).toBe(status);
    if (status === FORBIDDEN) expect(store.state.read(key("a/1"))).toBeUndefined();
  });

  test("a right that is withdrawn is withdrawn from there on, and one that is granted does not revive what was refused", () => {
    const store = secured();
    expect(store.do(write("a/1"), user("ann"), 1).status).toBe(STATUS.ok);
    store.manage({ kind: "forbid", role: "shop", ...prefix("a/") });
    expect(store.do(write("a/1", "later"), user("ann"), 2).status).toBe(FORBIDDEN);
    store.manage({ kind: "permit", role: "shop", may: "both", ...prefix("a/") });
    expect(store.do(write("a/1", "later"), user("ann"), 2).status).toBe(FORBIDDEN);
    expect(store.do(write("a/1"), user("ann"), 1).status).toBe(STATUS.ok);
    expect(store.state.read(key("a/1"))?.value).toBe("v");
  });

  test("a repetition is told what came of it, and not what was found by who may not read any more", () => {
    const store = secured();
    store.do(write("a/1", "held"), SECRET_HOLDER);
    const cas: Command = { kind: "casAbsent", key: bytes("a/1"), value: bytes("v") };
    const swap = txn({ success: [get("a/1"), put("a/2")] });
    expect(store.do(cas, user("ann"), 10)).toMatchObject({
      status: STATUS.casFailed,
      actual: "held",
    });
    expect(store.do(swap, user("ann"), 11).actual).toContain("held");
    store.manage({ kind: "revokeRole", user: "ann", role: "shop" });
    expect(store.do(cas, user("ann"), 10)).toMatchObject({
      status: FORBIDDEN,
      actual: undefined,
    });
    expect(store.do(cas, null, 10).status).toBe(UNAUTHENTICATED);
    expect(store.do(swap, user("ann"), 11)).toMatchObject({
      status: STATUS.txnThen,
      actual: undefined,
    });
    expect(store.do(txn({ success: [get("a/1")] }), user("ann"), 12).status).toBe(FORBIDDEN);
  });

  test("whoever signed in with a password that was changed is nobody", () => {
    const store = secured();
    const generation = store.state.access.users.get("ann")?.generation ?? 0;
    expect(store.do(write("a/1"), user("ann", generation)).status).toBe(STATUS.ok);
    store.manage({ kind: "setPassword", user: "ann", passwordHash: "h2" });
    expect(store.do(write("a/1"), user("ann", generation)).status).toBe(UNAUTHENTICATED);
    expect(store.do(write("a/1"), user("ann", generation + 2)).status).not.toBe(STATUS.ok);
    const now = store.state.access.users.get("ann")?.generation ?? 0;
    expect(store.do(write("a/1"), user("ann", now)).status).toBe(STATUS.ok);
  });

  test("changes of users and settings are root's", () => {
    const store = secured();
    const before = store.state.access;
    expect(store.manage({ kind: "addRole", role: "x" }, user("ann")).status).toBe(FORBIDDEN);
    expect(store.manage({ kind: "turnOff" }, null).status).toBe(UNAUTHENTICATED);
    expect(store.state.access).toBe(before);
    expect(store.manage({ kind: "turnOff" }, user("root")).status).toBe(STATUS.ok);
    expect(store.do(write("anything"), null).status).toBe(STATUS.ok);
  });
});

describe("leases while access control is on", () => {
  const grant = (lease: number): Command => ({ kind: "leaseGrant", ttl: 500, lease });
  const revoke = (lease: number): Command => ({ kind: "leaseRevoke", lease });
  const renew = (lease: number): Command => ({
    kind: "leaseKeepAlive",
    numbers: encodeNumbers([lease]),
  });
  const bind = (lease: number, ...keys: readonly string[]): Command => ({
    kind: "leasedTxn",
    txn: encodeTxn({
      compare: [],
      success: keys.map((at) => ({ ...put(at), lease })),
      failure: [],
    }),
  });

  test("whoever is known grants them and keeps them alive, and nobody else", () => {
    const store = secured();
    expect(store.do(grant(7), user("ann"))).toMatchObject({ status: STATUS.ok, revision: 7 });
    expect(store.do(renew(7), user("ann"))).toMatchObject({ status: STATUS.renewed });
    for (const nobody of [null, user("bob"), user("ann", 1)]) {
      expect(store.do(grant(8), nobody).status).toBe(UNAUTHENTICATED);
      expect(store.do(renew(7), nobody).status).toBe(UNAUTHENTICATED);
      expect(store.do(revoke(7), nobody).status).toBe(UNAUTHENTICATED);
    }
    expect(store.state.leases.sortedIds()).toEqual([7]);
  });

  test("what was refused is refused once more, and renews nothing, when its user is known by then", () => {
    const store = secured();
    store.do(grant(7), SECRET_HOLDER);
    expect(store.do(renew(7), user("bob"), 50).status).toBe(UNAUTHENTICATED);
    expect(store.do(grant(8), user("bob"), 51).status).toBe(UNAUTHENTICATED);
    store.manage({ kind: "addUser", user: "bob", passwordHash: "h" });
    expect(store.do(renew(7), user("bob"), 50).status).toBe(UNAUTHENTICATED);
    expect(store.do(grant(8), user("bob"), 51).status).toBe(UNAUTHENTICATED);
    expect(store.do(renew(7), user("bob"), 52).status).toBe(STATUS.renewed);
    expect(store.state.leases.sortedIds()).toEqual([7]);
  });

  test("one is revoked by who may write all its keys, as they are then", () => {
    const store = secured();
    for (const lease of [7, 8]) store.do(grant(lease), user("ann"));
    store.do(bind(7, "a/1", "w/1"), user("ann"));
    store.do(bind(8, "a/2"), user("ann"));
    store.do(bind(8, "r/1"), SECRET_HOLDER);
    expect(store.do(revoke(7), user("ann")).status).toBe(STATUS.ok);
    expect(store.do(revoke(8), user("ann")).status).toBe(FORBIDDEN);
    expect(store.state.readRange({ limit: 9 }).map((each) => each.key)).toEqual(["a/2", "r/1"]);
    // What it is bound to last counts, and what its rights are now.
    store.do(write("r/1"), SECRET_HOLDER);
    expect(store.do(grant(9), user("ann")).status).toBe(STATUS.ok);
    expect(store.do(bind(9, "a/3"), user("ann")).status).toBe(STATUS.txnThen);
    store.manage({ kind: "forbid", role: "shop", ...prefix("a/") });
    expect(store.do(revoke(9), user("ann")).status).toBe(FORBIDDEN);
    store.manage({ kind: "permit", role: "shop", may: "write", ...prefix("a/") });
    expect(store.do(revoke(9), user("ann")).status).toBe(STATUS.ok);
    expect(store.do(revoke(8), user("ann")).status).toBe(STATUS.ok);
    expect(store.do(revoke(8), user("ann")).status).toBe(STATUS.notFound);
  });

  test("a key that is bound to it later is looked at", () => {
    const store = secured();
    store.do(grant(7), user("ann"));
    store.do(bind(7, "a/1"), user("ann"));
    const rights = rightsOf(store.state.access, user("ann"));
    expect(store.state.leases.areAll(7, rights.mayWrite)).toBe(true);
    store.do(bind(7, "secret"), SECRET_HOLDER);
    expect(store.state.leases.areAll(7, rights.mayWrite)).toBe(false);
    expect(store.do(revoke(7), user("ann")).status).toBe(FORBIDDEN);
    store.do(write("secret"), SECRET_HOLDER);
    expect(store.do(revoke(7), user("ann")).status).toBe(STATUS.ok);
  });

  test("a transaction that binds keys needs what any other does", () => {
    const store = secured();
    store.do(grant(7), SECRET_HOLDER);
    expect(store.do(bind(7, "a/1"), user("ann")).status).toBe(STATUS.txnThen);
    expect(store.do(bind(7, "r/1"), user("ann")).status).toBe(FORBIDDEN);
    const isBound = { where: { key: key("w/1") }, target: "lease", is: "=", to: 7 } as const;
    const looks: Command = {
      kind: "leasedTxn",
      txn: encodeTxn({ compare: [isBound], success: [{ ...put("a/2"), lease: 7 }], failure: [] }),
    };
    // To compare is to read.
    expect(store.do(looks, user("ann")).status).toBe(FORBIDDEN);
    expect(store.state.leases.sortedKeys(7)).toEqual(["a/1"]);
  });

  test("they end by the clock, whoever bound what", () => {
    const store = secured();
    store.do(grant(7), user("ann"));
    store.do(bind(7, "secret"), SECRET_HOLDER);
    store.endLeases();
    expect(store.state.leases.size).toBe(0);
    expect(store.state.read(key("secret"))).toBeUndefined();
  });
});

describe("entries", () => {
  const group = (): Uint8Array => {
    const writer = new GroupWriter();
    writer.add(1, { kind: "write", key: bytes("k"), value: bytes("v") });
    return writer.take(2 ** 52 + 7, 0);
  };

  test("a client can neither say who it is in a group nor change users", () => {
    expect(validateGroup(withActor(group(), user("root")))).toMatchObject({ code: "BAD_REQUEST" });
    const writer = new GroupWriter();
    writer.add(0, { kind: "access", body: encodeAccessChange({ kind: "turnOff" }) });
    expect(validateGroup(writer.take(NO_SESSION, 0))).toMatchObject({ code: "BAD_REQUEST" });
  });

  test("an actor stands first and once", () => {
    const twice = withActor(withActor(group(), user("ann")), user("root"));
    expect(validateGroup(twice, 0, "node")).toMatchObject({ code: "BAD_REQUEST" });
    expect(validateGroup(withActor(group(), user("ann")), 0, "node")).toBeTypeOf("number");
  });

  test("those without an actor are of the version that the program before reads", () => {
    const entry = (of: Uint8Array): Uint8Array => buildEntry({ node: 1, nonce: 1, batch: 1 }, [of]);
    expect(entry(group())[0]).toBe(2);
    expect(entry(withActor(group(), user("ann")))[0]).toBe(6);
  });
});

describe("the key of tokens", () => {
  const on = changed(EMPTY_ACCESS, SETUP);

  test("is another one each time access control is turned on, and stays while it is on", () => {
    expect(on.tokenKey).toBe("k");
    expect(changed(on, [{ kind: "turnOn", tokenKey: "k2" }]).tokenKey).toBe("k");
    const again = changed(on, [{ kind: "turnOff" }, { kind: "turnOn", tokenKey: "k2" }]);
    expect(again.tokenKey).toBe("k2");
    const ann = user("ann", on.users.get("ann")?.generation);
    expect(rightsOf(on, ann).isKnown).toBe(true);
    expect(rightsOf(again, ann).isKnown).toBe(false);
  });

  test("that is rotated puts out whoever signed in, and nobody who came by a certificate", () => {
    const rotated = changed(on, [{ kind: "rotateTokenKey", tokenKey: "k2" }]);
    expect(rotated.tokenKey).toBe("k2");
    for (const name of ["ann", "root"]) {
      const signedIn = user(name, on.users.get(name)?.generation);
      expect(rightsOf(on, signedIn).isKnown).toBe(true);
      expect(rightsOf(rotated, signedIn).isKnown).toBe(false);
      expect(rightsOf(rotated, user(name)).isKnown).toBe(true);
    }
  });

  test("is in no backup and in no cluster that was restored, which makes its own", () => {
    const store = secured();
    const frozen = store.state.clone();
    expect(fromSnapshot(snapshotBytes(frozen)).access.tokenKey).toBe("k");
    const backup = fromSnapshot(snapshotBytes(frozen.asBackup()));
    expect(backup.access).toEqual({ ...store.state.access, tokenKey: "" });
    expect(backup.hash()).toBe(store.state.hash());
    // Backups of the version before have it.
    const restored = fromSnapshot(
      snapshotBytes(frozen.asBeginning({ origin: 5, historyHash: 1, revision: 1000 })),
    );
    expect(restored.access).toEqual({ ...store.state.access, tokenKey: "" });
    const made = changed(restored.access, [{ kind: "makeTokenKey", tokenKey: "own" }]);
    expect(made).toMatchObject({ isOn: true, tokenKey: "own", users: restored.access.users });
    expect(changeAccess(made, { kind: "makeTokenKey", tokenKey: "other" })).toBe(
      ACCESS_REFUSAL.exists,
    );
  });
});

describe("changes", () => {
  test("nobody is locked out", () => {
    expect(changeAccess(EMPTY_ACCESS, { kind: "turnOn", tokenKey: "k" })).toBe(
      ACCESS_REFUSAL.noRoot,
    );
    const noPassword = changed(EMPTY_ACCESS, [
      { kind: "addUser", user: "root", passwordHash: "" },
      { kind: "grantRole", user: "root", role: "root" },
    ]);
    expect(changeAccess(noPassword, { kind: "turnOn", tokenKey: "k" })).toBe(ACCESS_REFUSAL.noRoot);
    const on = changed(EMPTY_ACCESS, SETUP);
    for (const change of [
      { kind: "deleteUser", user: "root" },
      { kind: "revokeRole", user: "root", role: "root" },
      { kind: "setPassword", user: "root", passwordHash: "" },
    ] as const) {
      expect(changeAccess(on, change)).toBe(ACCESS_REFUSAL.locksOut);
    }
  });

  test("a role that is deleted is gone from its users, and one made anew is another one", () => {
    const state = changed(EMPTY_ACCESS, [
      ...SETUP,
      { kind: "deleteRole", role: "shop" },
      { kind: "addRole", role: "shop" },
      { kind: "permit", role: "shop", may: "both", ...prefix("a/") },
    ]);
    expect(mayRead(state, { actor: user("ann") }, { key: key("a/1") })).toBe(false);
  });

  test("each moves the epoch on, and refused ones do not", () => {
    const state = changed(EMPTY_ACCESS, SETUP);
    expect(state.epoch).toBe(SETUP.length);
    expect(changeAccess(state, { kind: "addRole", role: "shop" })).toBe(ACCESS_REFUSAL.exists);
    const again = changeAccess(state, { kind: "grantRole", user: "root", role: "root" });
    expect(again).toBe(ACCESS_REFUSAL.exists);
    expect(accessRefusalText(ACCESS_REFUSAL.exists)).toMatch(/the user has that role already/);
  });

  test("are read as they were written, and damage is no change", () => {
    for (const change of SETUP)
      expect(decodeAccessChange(encodeAccessChange(change))).toEqual(change);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (body) => {
        decodeAccessChange(body);
        decodeAccess(body);
      }),
    );
  });
});

describe("snapshots", () => {
  const pieces = (state: KvState): Uint8Array[] => [...state.clone().encodeSnapshot(100)];
  const decoded = (all: readonly Uint8Array[]): KvState => {
    const decoder = new SnapshotDecoder();
    for (const piece of all) {
      decoder.push(piece);
      while (decoder.step(Number.POSITIVE_INFINITY));
    }
    while (decoder.step(Number.POSITIVE_INFINITY));
    return decoder.finish();
  };

  test("have users and roles, and are of the version before when there are none", () => {
    const store = secured();
    store.do(write("x"), user("ann"), 5);
    const copy = decoded(pieces(store.state));
    expect(copy.access).toEqual(store.state.access);
    expect(copy.hash()).toBe(store.state.hash());
    expect(pieces(copy)).toEqual(pieces(store.state));
    expect(new Store().state.clone().encodeSnapshot(100).next().value?.[4]).toBe(4);
    expect(pieces(store.state)[0]?.[4]).toBe(5);
  });

  test("a changed byte among the users is noticed", () => {
    const whole = Buffer.concat(pieces(secured().state));
    whole[whole.length - 10] = (whole[whole.length - 10] ?? 0) ^ 1;
    expect(() => decoded([whole])).toThrow(/section/);
  });

  test("states with other users have another hash", () => {
    const [one, other] = [secured(), secured()];
    expect(one.state.hash()).toBe(other.state.hash());
    one.manage({ kind: "permit", role: "shop", may: "read", ...prefix("q/") });
    other.manage({ kind: "permit", role: "shop", may: "write", ...prefix("q/") });
    expect(one.state.hash()).not.toBe(other.state.hash());
  });

  test("encodeAccess gives the same bytes whatever the order of changes", () => {
    const state = changed(EMPTY_ACCESS, SETUP);
    const turned = { ...state, users: new Map([...state.users].toReversed()) };
    expect(encodeAccess(turned)).toEqual(encodeAccess(state));
  });
});

test("mayRead says so of users", () => {
  const state = changed(EMPTY_ACCESS, SETUP);
  expect(mayRead(state, { actor: user("ann") }, prefix("r/"))).toBe(true);
  expect(mayRead(state, { actor: user("ann") }, { start: key("r/"), end: null })).toBe(false);
  expect(mayRead({ ...state, isOn: false }, {}, { key: key("x") })).toBe(true);
});
