/** What clients are told when there is no space, by all nodes or by one; and that everything else goes on. */
import { describe, expect, test } from "vitest";
import { QUOTA_BYTES_MIN } from "../../src/base/limits.ts";
import {
  encodeTxn,
  KvState,
  SECRET_HOLDER,
  STATUS,
  textOf,
  type AccessChange,
  type Actor,
  type ByteString,
  type TxnOp,
} from "../../src/store/index.ts";
import { DEFAULT_COMPACTION } from "../../src/replica/snapshots/compaction.ts";
import { Replica } from "../../src/replica/replica.ts";
import type { Route } from "../../src/replica/requests/route.ts";
import { RouteLoad } from "../../src/replica/requests/route-load.ts";
import { AnswerWriter, decodeAnswers } from "../../src/protocol/client/client.ts";
import { groupBytes, key, nonce, type Command } from "../store/helpers.ts";
import { deliver } from "./deliver.ts";
import { replicaOptions } from "./options.ts";

const MB = 2 ** 20;

function newReplica(nodes: readonly number[]): Replica {
  return new Replica(
    {
      ...replicaOptions(nodes, { pid: 1, incarnation: 1 }, { agreeTicks: 50 }),
      compaction: { ...DEFAULT_COMPACTION, logBytesMin: 1 },
      proposalBytesMax: 1 << 22,
      proposalCommandsMax: 10_000,
    },
    undefined,
    new KvState(),
  );
}

class OneNode {
  readonly replica = newReplica([1]);
  readonly answers = new Map<number, string>();
  readonly texts: string[] = [];
  session = 0;
  /** Snapshots that were due. None is kept. */
  due = 0;
  /** Who asks. */
  actor: Actor | null = null;
  readonly #route: Route = {
    id: 1,
    relayed: false,
    answers: new AnswerWriter(),
    load: new RouteLoad(),
    isOpen: () => true,
    deliver: (frame) =>
      decodeAnswers(frame, {
        appliedIdx: () => {},
        write: (_, sequence, status) => this.answers.set(sequence, `status ${status}`),
        txn: (_, sequence, then) => this.answers.set(sequence, then ? "then" : "else"),
        opened: (_, __, session) => (this.session = session),
        refused: (_, first, count, code, text) => {
          this.texts.push(text);
          for (let i = 0; i < count; i++) this.answers.set(first + i, code);
        },
        value: () => {},
        missing: () => {},
        unread: () => {},
      }),
  };

  constructor() {
    this.turns(40);
    this.ask(0, [[0, { op: "openSession", nonce: new DataView(nonce(1).buffer).getUint32(12) }]]);
  }

  ask(session: number, commands: readonly (readonly [number, Command])[]): void {
    const group = groupBytes({ session, floor: 0, commands });
    this.replica.onWrites({ ...this.#route, actor: this.actor }, group, commands.length);
    this.turns(2);
  }

  turns(count: number): void {
    for (let i = 0; i < count; i++) {
      this.replica.onTick();
      for (let again = true; again;) {
        const effects = deliver(this.replica.endTurn(0));
        for (const { seq } of effects.writes) this.replica.onPersisted(seq);
        if (effects.snapshot !== null) {
          this.due += 1;
          this.replica.snapshots.end(null);
        }
        again = effects.again || effects.writes.length > 0;
      }
    }
  }

  value(key: string): string | undefined {
    const stored = this.replica.state.read(key as ByteString);
    return stored === undefined ? undefined : textOf(stored.value);
  }
}

const write = (key: string, value: string): Command => ({ op: "write", key, value });

describe("beyond the quota", () => {
  test("a client is told in words how much there is, where it is, and what to do", () => {
    const node = new OneNode();
    node.replica.settings.setQuota(QUOTA_BYTES_MIN);
    node.turns(2);
    expect(node.replica.state.quotaBytes).toBe(QUOTA_BYTES_MIN);
    const commands = [1, 2, 3, 4].map((n) => [n, write(`logs/${n}`, "v".repeat(300_000))] as const);
    node.ask(node.session, [...commands, [5, write("small", "1")]]);
    expect([...node.answers]).toEqual(
      [
        [4, "NO_SPACE"],
        [1, "status 0"],
        [2, "status 0"],
        [3, "status 0"],
        [5, "status 0"],
      ].sort(([a], [b]) => (a === 4 ? 1 : b === 4 ? -1 : 0)),
    );
    expect(node.texts).toEqual([
      'keys and values take 0.9 MiB of the quota of 1.0 MiB, 100 % under "logs/"; nothing was changed. ' +
        "Delete keys, or raise the quota: omnikv config set quota 2m",
    ]);
    expect(node.replica.served.refused.counts()).toEqual([
      { kind: "write", code: "NO_SPACE", frames: 1 },
    ]);
  });
});

describe("while access control is on", () => {
  const start = key("logs/");
  const end = key("logs0");
  const CHANGES: readonly AccessChange[] = [
    { kind: "addUser", user: "root", passwordHash: "h" },
    { kind: "grantRole", user: "root", role: "root" },
    { kind: "addUser", user: "ann", passwordHash: "h" },
    { kind: "addUser", user: "bob", passwordHash: "h" },
    { kind: "addRole", role: "logs" },
    { kind: "addRole", role: "writer" },
    { kind: "permit", role: "logs", may: "both", start, end },
    { kind: "permit", role: "writer", may: "write", start: key(""), end: null },
    { kind: "grantRole", user: "ann", role: "logs" },
    { kind: "grantRole", user: "bob", role: "writer" },
    { kind: "turnOn", tokenKey: "k" },
  ];

  test("only who may read there is told where the bytes are", () => {
    const node = new OneNode();
    node.ask(
      node.session,
      [1, 2, 3].map((n) => [n, write(`logs/${n}`, "v".repeat(300_000))] as const),
    );
    node.replica.settings.setQuota(QUOTA_BYTES_MIN);
    for (const change of CHANGES) {
      node.replica.settings.changeAccess(change, SECRET_HOLDER, (error) =>
        expect(error).toBeNull(),
      );
      node.turns(2);
    }
    const toldTo = (actor: Actor, sequence: number): string | undefined => {
      node.actor = actor;
      node.texts.length = 0;
      node.ask(node.session, [[sequence, write(`logs/${sequence}`, "v".repeat(300_000))]]);
      expect(node.answers.get(sequence)).toBe("NO_SPACE");
      return node.texts[0];
    };
    for (const from of [10, 20]) {
      if (from === 20) node.replica.onMemory("short", 112 * MB);
      expect(toldTo({ name: "ann", generation: 0 }, from)).toContain('under "logs/"');
      expect(toldTo(SECRET_HOLDER, from + 1)).toContain('under "logs/"');
      expect(toldTo({ name: "bob", generation: 0 }, from + 2)).not.toContain("logs");
    }
  });
});

describe("a node that is short of memory", () => {
  test("proposes nothing that makes the state grow, and everything else, also of one frame", () => {
    const node = new OneNode();
    node.ask(node.session, [
      [1, write("a", "123")],
      [2, write("b", "123")],
    ]);
    node.replica.onMemory("short", 112 * MB);
    const before = node.replica.core.acceptedIdx;
    node.ask(node.session, [[3, write("c", "1")]]);
    expect(node.replica.core.acceptedIdx).toBe(before);
    node.ask(node.session, [
      [4, write("new", "1")],
      [5, write("a", "456")],
      [6, write("a", "longer")],
      [7, { op: "delete", key: "b" }],
      [8, { op: "casValue", key: "a", expected: "456", value: "7" }],
    ]);
    expect(Object.fromEntries(node.answers)).toMatchObject({
      3: "NO_SPACE",
      4: "NO_SPACE",
      5: "status 0",
      6: "NO_SPACE",
      7: "status 0",
      8: "status 0",
    });
    expect([node.value("a"), node.value("b"), node.value("new")]).toEqual([
      "7",
      undefined,
      undefined,
    ]);
    expect(node.texts[0]).toMatch(
      /^node 1 has no memory left for more: its state takes 0\.0 MiB and its history 0\.0 MiB of a heap of 112\.0 MiB/,
    );
    expect(node.texts[0]).toMatch(
      /Delete keys, keep less history, or start the nodes with NODE_OPTIONS=--max-old-space-size=224$/,
    );
    expect(node.replica.served.refused.counts()).toEqual([
      { kind: "write", code: "NO_SPACE", frames: 2 },
    ]);
    node.replica.onMemory("enough", 112 * MB);
    node.ask(node.session, [[9, write("new", "1")]]);
    expect(node.value("new")).toBe("1");
  });

  test("says how much of its state are no keys", () => {
    const node = new OneNode();
    node.ask(node.session, [
      [1, write("a", "v".repeat(600 * 1024))],
      [2, { op: "casAbsent", key: "a", value: "1" }],
      [3, write("a", "short")],
    ]);
    node.replica.onMemory("short", 112 * MB);
    node.ask(node.session, [[4, write("b", "1")]]);
    expect(node.texts[0]).toContain(
      "its state takes 0.6 MiB (0.6 MiB of it is kept for the sessions of clients) and its history 0.6 MiB of a heap",
    );
  });

  test("nor a cas whose failure would keep a value, which takes memory when the key is written next", () => {
    const node = new OneNode();
    node.ask(node.session, [
      [1, write("large", "v".repeat(300))],
      [2, write("small", "v".repeat(200))],
    ]);
    node.replica.onMemory("short", 112 * MB);
    node.ask(node.session, [
      [3, { op: "casAbsent", key: "large", value: "1" }],
      [4, { op: "casRevision", key: "large", revision: 99, value: "1" }],
      [5, { op: "casValue", key: "large", expected: "other", value: "1" }],
      [6, { op: "casAbsent", key: "small", value: "1" }],
      [7, write("large", "w".repeat(300))],
    ]);
    expect(Object.fromEntries(node.answers)).toMatchObject({
      ...{ 3: "NO_SPACE", 4: "NO_SPACE", 5: "NO_SPACE" },
      ...{ 6: `status ${STATUS.casFailed}`, 7: "status 0" },
    });
  });

  test("nor a transaction that changes something and finds values, which are kept with the answer; one that only reads goes on", () => {
    const node = new OneNode();
    node.ask(node.session, [
      [1, write("a", "1")],
      [2, write("b", "1")],
    ]);
    node.replica.onMemory("short", 112 * MB);
    const get = (rest = {}): TxnOp => ({
      ...{ op: "get", where: { key: key("a") }, limit: 0, keysOnly: false, countOnly: false },
      ...rest,
    });
    const remove = (previous = false): TxnOp => ({
      ...{ op: "delete", where: { key: key("b") }, previous },
    });
    const txn = (success: readonly TxnOp[], failure: readonly TxnOp[] = []): Command => ({
      op: "txn",
      txn: Buffer.from(encodeTxn({ compare: [], success, failure })).toString("latin1"),
    });
    node.ask(node.session, [
      [3, txn([get()])],
      [4, txn([remove(), get()])],
      [5, txn([remove(true)])],
      [6, txn([get()], [{ op: "txn", txn: { compare: [], success: [remove()], failure: [] } }])],
      [7, txn([remove()])],
      [9, txn([remove(), get({ countOnly: true })])],
      [10, txn(Array.from({ length: 17 }, () => remove()))],
      [8, txn([{ op: "put", key: key("a"), value: key("2"), previous: false }])],
    ]);
    expect(Object.fromEntries(node.answers)).toMatchObject({
      ...{ 3: "then", 4: "NO_SPACE", 5: "NO_SPACE", 6: "NO_SPACE", 7: "then", 8: "NO_SPACE" },
      ...{ 9: "NO_SPACE", 10: "NO_SPACE" },
    });
    expect([node.value("a"), node.value("b")]).toEqual(["1", undefined]);
  });

  test("and has nearly none takes no new watch", () => {
    const { replica } = new OneNode();
    const route = { id: 9, isOpen: () => true, unreadBytes: () => 0, tell: () => {} };
    const wish = { ...{ start: key("a"), end: null, from: null, previous: false }, puts: true };
    const create = (watch: number): string[] => {
      const full = { ...wish, deletes: true, notices: false };
      expect(replica.onWatches(route, [{ kind: "create", watch, wish: full }])).toBeNull();
      return replica.endTurn(0).told.map(({ frame }) => Buffer.from(frame).toString("latin1"));
    };
    replica.onMemory("short", 112 * MB);
    expect(create(1).join()).not.toContain("memory");
    replica.onMemory("enough", 112 * MB);
    create(2);
    expect(replica.watches.watches).toBe(2);
    replica.onMemory("critical", 112 * MB);
    expect(create(3).join()).toContain("node 1 has hardly any memory left: watch at another node");
    expect(replica.watches.watches).toBe(2);
  });

  test("and has nearly none takes deletes only, and begins no snapshot", () => {
    const node = new OneNode();
    node.ask(node.session, [[1, write("a", "123")]]);
    node.replica.onMemory("critical", 112 * MB);
    const { due } = node;
    node.ask(node.session, [
      [2, write("a", "1")],
      [3, { op: "delete", key: "a" }],
    ]);
    expect(node.answers.get(2)).toBe("NO_SPACE");
    expect(node.answers.get(3)).toBe("status 0");
    expect(node.due).toBe(due);
    node.replica.onMemory("enough", 112 * MB);
    node.turns(1);
    expect(node.due).toBe(due + 1);
  });
});

test("a quota is not proposed by a node that reaches nobody", () => {
  const replica = newReplica([1, 2, 3]);
  expect(() => replica.settings.setQuota(MB)).toThrow(
    expect.objectContaining({ code: "NO_QUORUM" }),
  );
  replica.refuseWrites({ code: "DISK_FULL", reason: "full" });
  expect(() => replica.settings.setQuota(MB)).toThrow(
    expect.objectContaining({ code: "DISK_FULL" }),
  );
});
