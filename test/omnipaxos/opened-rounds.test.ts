import { describe, expect, it } from "vitest";
import { BALLOT_BOTTOM, OmniPaxos } from "../../src/omnipaxos/index.ts";
import { logOf } from "./harness/view.ts";
import type { Message, Node } from "./harness/view.ts";

/** The first entry that a leader proposes in a round is marked as the host says; no other one is. */

function leaderOf(batchSize: number, early: readonly string[]): Node {
  const node: Node = new OmniPaxos({
    clusterConfig: { configurationId: 1, nodes: [1, 2, 3] },
    pid: 1,
    incarnation: 1,
    batchSize,
    openRound: (entry, { n, pid }) => (entry === "not me" ? null : `${entry} opens ${n}.${pid}`),
  });
  for (const entry of early) node.append(entry);
  lead(node);
  return node;
}

function lead(node: Node): void {
  node.tryBecomeLeader();
  perform(node);
  const nothing = { acceptedRound: BALLOT_BOTTOM, acceptedIdx: 0, decidedIdx: 0, logSync: null };
  receive(node, { type: "promise", n: node.promise, ...nothing });
  expect(node).toMatchObject({ role: "leader", phase: "accept" });
}

function perform(node: Node): void {
  for (const { seq } of node.takeEffects().writes) node.persisted(seq);
}

function receive(node: Node, message: Message): void {
  node.receive({ from: 2, to: 1, message });
  perform(node);
}

describe.each([1, 3])("with batches of %i", (batchSize) => {
  it("what was kept until the node led", () => {
    const node = leaderOf(batchSize, ["a", "b"]);
    for (const entry of ["c", "d", "e"]) node.append(entry);
    expect(logOf(node)).toEqual(["a opens 1.1", "b", "c", "d", "e"]);
  });

  it("what is proposed first, here or elsewhere", () => {
    const own = leaderOf(batchSize, []);
    for (const entry of ["a", "b", "c"]) own.append(entry);
    expect(logOf(own)).toEqual(["a opens 1.1", "b", "c"]);
    const forwarded = leaderOf(batchSize, []);
    receive(forwarded, { type: "proposalForward", entries: ["a", "b", "c"] });
    expect(logOf(forwarded)).toEqual(["a opens 1.1", "b", "c"]);
  });

  it("or the first one that can open it", () => {
    const node = leaderOf(batchSize, ["not me", "a"]);
    node.append("b");
    node.append("c");
    node.append("d");
    expect(logOf(node)).toEqual(["not me", "a opens 1.1", "b", "c", "d"]);
  });

  it("anew in each round, and not in one that proposes nothing", () => {
    const node = leaderOf(batchSize, ["a"]);
    lead(node);
    lead(node);
    for (const entry of ["b", "c", "d"]) node.append(entry);
    expect(logOf(node)).toEqual(["a opens 1.1", "b opens 3.1", "c", "d"]);
  });
});
