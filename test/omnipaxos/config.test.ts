import { describe, expect, it } from "vitest";
import {
  BALLOT_BOTTOM,
  ConfigError,
  InvariantError,
  OmniPaxos,
} from "../../src/omnipaxos/index.ts";
import type { DurableState, OmniPaxosConfig } from "../../src/omnipaxos/index.ts";

const valid: OmniPaxosConfig<string, string> = {
  clusterConfig: { configurationId: 3, nodes: [7, 8, 9], flexibleQuorum: { read: 3, write: 2 } },
  pid: 8,
  electionTickTimeout: 5,
  resendMessageTickTimeout: 50,
  flushBatchTickTimeout: 10,
  batchSize: 16,
  leaderPriority: 2,
  incarnation: 12_345,
  snapshots: { kind: "fold", create: (entries) => entries.join(), merge: (a, b) => `${a},${b}` },
};

function problem(config: OmniPaxosConfig<string, string>): ConfigError {
  try {
    return expect.unreachable(`accepted ${new OmniPaxos(config).pid}`);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return error as ConfigError;
  }
}

describe("configuration", () => {
  it("config_all_fields_test: every field is taken", () => {
    const node = new OmniPaxos(valid);
    expect(node.ownBallot).toEqual({ configId: 3, n: 1, priority: 2, pid: 8 });
    expect(node.pid).toBe(8);
  });

  const cluster = (over: object): OmniPaxosConfig<string, string> => ({
    ...valid,
    clusterConfig: { configurationId: 1, nodes: [7, 8, 9], ...over },
  });

  it.each<readonly [string, OmniPaxosConfig<string, string>]>([
    ["pid", { ...valid, pid: 1 }],
    ["pid", { ...valid, pid: 0 }],
    ["electionTickTimeout", { ...valid, electionTickTimeout: 0 }],
    ["resendMessageTickTimeout", { ...valid, resendMessageTickTimeout: -1 }],
    ["flushBatchTickTimeout", { ...valid, flushBatchTickTimeout: 0 }],
    ["batchSize", { ...valid, batchSize: 1.5 }],
    ["leaderPriority", { ...valid, leaderPriority: -1 }],
    ["incarnation", { ...valid, incarnation: Number.NaN }],
    ["clusterConfig.configurationId", cluster({ configurationId: 0 })],
    ["clusterConfig.nodes", cluster({ nodes: [] })],
    ["clusterConfig.nodes", cluster({ nodes: [8, 8] })],
    ["clusterConfig.nodes[1]", cluster({ nodes: [8, "9"] })],
    ["clusterConfig.flexibleQuorum", cluster({ flexibleQuorum: { read: 2, write: 1 + 0 } })],
    [
      "clusterConfig.flexibleQuorum",
      cluster({ nodes: [6, 7, 8, 9], flexibleQuorum: { read: 2, write: 2 } }),
    ],
    ["clusterConfig.flexibleQuorum", cluster({ flexibleQuorum: { read: 2, write: 3 } })],
    ["clusterConfig.flexibleQuorum.read", cluster({ flexibleQuorum: { read: 4, write: 2 } })],
    ["snapshots.kind", { ...valid, snapshots: { kind: "on" } as never }],
    ["snapshots.create", { ...valid, snapshots: { kind: "fold" } as never }],
  ])("a wrong %s is refused with field, expectation and value", (field, config) => {
    const error = problem(config);
    expect(error.field.startsWith(field)).toBe(true);
    expect(error.message).toMatch(/^\S+: expected .+, got .+$/);
  });

  it("a priority that is no number is refused later, too", () => {
    expect(() => new OmniPaxos(valid).setPriority(-1)).toThrow(ConfigError);
  });
});

describe("recovered state", () => {
  const empty: DurableState<string, string> = {
    promise: BALLOT_BOTTOM,
    acceptedRound: BALLOT_BOTTOM,
    decidedIdx: 0,
    compactedIdx: 0,
    entries: [],
    snapshot: null,
    stopSign: null,
  };
  const round = { configId: 3, n: 4, priority: 0, pid: 7 };

  it("a node that promised comes back below its old ballots, asking everybody", () => {
    const node = new OmniPaxos(valid, {
      ...empty,
      promise: round,
      acceptedRound: round,
      entries: ["a"],
    });
    expect(node).toMatchObject({ role: "follower", phase: "recover", bleLeader: round });
    expect(node.ownBallot.n).toBe(0);
    const asked = node
      .takeEffects()
      .messages.filter(({ message }) => message.type === "prepareReq");
    expect(asked.map(({ to, after }) => [to, after])).toEqual([
      [7, 0],
      [9, 0],
    ]);
  });

  it.each<readonly [string, Partial<DurableState<string, string>>]>([
    ["a decided index beyond the log", { decidedIdx: 1 }],
    ["an accepted round above the promise", { acceptedRound: round }],
    ["a compacted index above the decided one", { compactedIdx: 2, entries: ["c"] }],
    [
      "a snapshot below the compacted index",
      { compactedIdx: 2, decidedIdx: 2, snapshot: { kind: "complete", idx: 1, value: "a" } },
    ],
  ])("%s is refused", (_, wrong) => {
    expect(() => new OmniPaxos(valid, { ...empty, ...wrong })).toThrow(InvariantError);
  });

  it("a write group that was never handed out cannot be persisted", () => {
    expect(() => new OmniPaxos(valid).persisted(1)).toThrow(InvariantError);
  });
});
