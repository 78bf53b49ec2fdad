/** What older nodes cannot read is proposed only once all nodes can. */
import { describe, expect, test } from "vitest";
import { buildEntry, GroupWriter, KvState } from "../../src/store/index.ts";
import { WRITE_LEASE_ID_END, WRITE_LEASE_ID_MIN } from "../../src/store/commands/index.ts";
import { NEWEST_RULES } from "../../src/store/operations/index.ts";
import { Replica } from "../../src/replica/replica.ts";
import { RouteLoad } from "../../src/replica/requests/route-load.ts";
import type { Route } from "../../src/replica/requests/route.ts";
import { RulesOfAll } from "../../src/replica/writes/rules-of-all.ts";
import { AnswerWriter } from "../../src/protocol/client/client.ts";
import { deliver } from "./deliver.ts";
import { replicaOptions } from "./options.ts";

const BEFORE = 8;
const NODES = [1, 2, 3];
const LEASE = WRITE_LEASE_ID_MIN + 5;

describe("the rules that all nodes know", () => {
  test("are the newest when every peer has said so in the session that there is", () => {
    const rules = new RulesOfAll(
      () => 2,
      () => 1,
    );
    expect(rules.known).toBe(BEFORE);
    rules.told(2, NEWEST_RULES);
    expect(rules.known).toBe(BEFORE);
    rules.told(3, NEWEST_RULES);
    expect(rules.known).toBe(NEWEST_RULES);
    rules.onSessionEnd(2);
    expect(rules.known).toBe(BEFORE);
    // It has come back with another program, or with a later one, that knows still newer ones.
    rules.told(2, null);
    expect(rules.known).toBe(BEFORE);
    rules.told(2, NEWEST_RULES + 2);
    expect(rules.known).toBe(NEWEST_RULES);
  });

  test("are those of the log, which every node has to read", () => {
    let met = 1;
    const rules = new RulesOfAll(
      () => 2,
      () => met,
    );
    met = NEWEST_RULES;
    expect(rules.known).toBe(NEWEST_RULES);
  });

  test("are those of this node when there is no other one", () => {
    expect(
      new RulesOfAll(
        () => 0,
        () => 1,
      ).known,
    ).toBe(NEWEST_RULES);
  });
});

/** Three nodes, in one process. Those that are old say nothing of their rules. */
class Cluster {
  readonly old = new Set<number>();
  readonly nodes = new Map(
    NODES.map((pid) => [
      pid,
      new Replica(replicaOptions(NODES, { pid, incarnation: pid }), undefined, new KvState()),
    ]),
  );
  readonly #route: Route;

  constructor(...old: number[]) {
    for (const pid of old) this.old.add(pid);
    for (const pid of NODES)
      for (const peer of NODES) if (peer !== pid) this.at(pid).onSession(peer);
    this.#route = {
      id: this.leader.newRouteId(),
      relayed: false,
      isOpen: () => true,
      deliver: () => {},
      answers: new AnswerWriter(),
      load: new RouteLoad(),
    };
  }

  at(pid: number): Replica {
    const replica = this.nodes.get(pid);
    if (replica === undefined) throw new Error(`there is a node ${pid}`);
    return replica;
  }

  /** The node that leads, at last. */
  get leader(): Replica {
    for (let i = 0; i < 1000; i++) {
      for (const replica of this.nodes.values()) {
        if (replica.standing().kind === "leading") return replica;
        replica.onTick();
      }
      this.turn();
    }
    throw new Error("nobody leads");
  }

  /** The process of a node gives way to another one. */
  renewSession(pid: number): void {
    for (const peer of NODES) {
      if (peer === pid) continue;
      this.at(peer).onSessionEnd(pid);
      this.at(pid).onSessionEnd(peer);
      this.at(peer).onSession(pid);
      this.at(pid).onSession(peer);
    }
  }

  /** All say what they have to say. */
  turn(): void {
    for (const [pid, replica] of this.nodes) {
      const { messages, replicaMessages, writes } = deliver(replica.endTurn(0));
      for (const { seq } of writes) replica.onPersisted(seq);
      for (const { to, message } of messages) this.at(to).onPeerMessage(pid, message);
      for (const { to, message } of replicaMessages) {
        const isUntold = message.type === "stateHashes" && this.old.has(pid);
        this.at(to).onPeerMessage(pid, isUntold ? { ...message, rules: null } : message);
      }
    }
  }

  /** @returns the version of the entry in which the leader proposes them */
  grant(...leases: number[]): number {
    for (let i = 0; i < 20; i++) this.turn();
    const { leader } = this;
    const writer = new GroupWriter();
    for (const lease of leases) writer.add(0, { kind: "leaseGrant", ttl: 1000, lease });
    leader.onWrites(this.#route, writer.take(3, 0), leases.length);
    this.turn();
    return leader.core.entryAt(leader.core.acceptedIdx - 1)?.[0] ?? 0;
  }
}

test("a lease of a write is granted by the rules of before, until every node has said that it knows the new ones", () => {
  const old = 3;
  const cluster = new Cluster(old);
  // The first entry opens a round, by which versions are odd.
  expect(cluster.grant(LEASE)).toBe(7);
  expect(cluster.grant(LEASE)).toBe(6);
  cluster.old.delete(old);
  cluster.renewSession(old);
  expect(cluster.grant(LEASE)).toBe(10);
  // Other leases need no newer rules.
  expect(cluster.grant(7, WRITE_LEASE_ID_END)).toBe(6);
  expect(cluster.grant(7, LEASE)).toBe(10);
});

test("and is granted by the new ones while a node is away, if the log has an entry of them", () => {
  const cluster = new Cluster();
  cluster.grant(7);
  const { leader } = cluster;
  const away = NODES.find((pid) => cluster.at(pid) !== leader) ?? 0;
  const part = (): void => {
    for (const peer of NODES) if (peer !== away) cluster.at(peer).onSessionEnd(away);
  };
  part();
  expect(cluster.grant(LEASE)).toBe(6);
  cluster.renewSession(away);
  expect(cluster.grant(LEASE)).toBe(10);
  part();
  expect(cluster.grant(LEASE)).toBe(10);
});

test("every session begins with what this node knows", () => {
  const replica = new Replica(
    replicaOptions([1, 2], { pid: 1, incarnation: 7 }),
    undefined,
    new KvState(),
  );
  replica.onSession(2);
  const { replicaMessages } = deliver(replica.endTurn(0));
  expect(replicaMessages).toMatchObject([
    { to: 2, message: { type: "stateHashes", rules: NEWEST_RULES } },
  ]);
});

test("an entry is of the rules that its maker asks for, or of the least", () => {
  const writer = new GroupWriter();
  writer.add(0, { kind: "leaseGrant", ttl: 1000, lease: LEASE });
  expect(buildEntry({ node: 1, nonce: 7, batch: 1 }, [writer.take(3, 0)])[0]).toBe(6);
});
