/** In which words and states nodes and links are shown: what is past is never shown as live. */
import { describe, expect, test } from "vitest";
import type { ClusterView, NodeView } from "../../src/page/cluster-view.ts";
import { linkLook } from "../../src/page/views/link-look.ts";
import { bannerLines, nodeAlarms, nodeLook, wellText } from "../../src/page/views/node-look.ts";
import { tabIcon, tabLook } from "../../src/page/views/tab.ts";
import { statusOf } from "../prompt/admin-fixtures.ts";
import { BROKEN, linkView, NO_LOAD, nodeView, side } from "./fixtures.ts";

function clusterView(
  nodes: readonly NodeView[],
  leader: number | null,
  fields: Partial<ClusterView> = {},
): ClusterView {
  return {
    at: 10_000,
    clusterId: "omnikv-local",
    self: 1,
    faultsAllowed: true,
    needsSecret: "no",
    who: null,
    nodes,
    links: [],
    leader,
    samples: [],
    marks: [],
    strips: new Map(),
    load: NO_LOAD,
    ...fields,
  };
}

describe("a node", () => {
  test("that leads is the leader", () => {
    expect(nodeLook(nodeView(1), 0)).toMatchObject({ role: "leader", stale: false });
  });

  test("whose role is leader but that serves nobody is cut off", () => {
    const status = statusOf(1, { standing: "cutOff", quorumConnected: false });
    const look = nodeLook(nodeView(1, { status }), 0);
    expect(look).toMatchObject({ role: "cutOff", note: "hears no quorum" });
  });

  test("that led before it fell silent is no leader, and its values are past", () => {
    const look = nodeLook(nodeView(1, { reach: "silent", heardAt: 2000 }), 5400);
    expect(look).toEqual({
      role: "silent",
      title: "silent",
      note: "nothing heard for 3 s",
      stale: true,
    });
  });

  test.each(["down", "refused"] as const)("that is %s says why", (reach) => {
    const reason = "cannot connect to node 1 at 127.0.0.1:4101: nothing answers there";
    const look = nodeLook(nodeView(1, { reach, reason }), 0);
    expect(look).toMatchObject({ role: "down", note: "nothing answers there", stale: true });
  });

  test("that was never heard is unknown", () => {
    const look = nodeLook(nodeView(1, { reach: "connecting", status: null, heardAt: null }), 0);
    expect(look).toMatchObject({ role: "unknown", stale: true });
  });
});

describe("the banner", () => {
  const follower = nodeView(2, { status: statusOf(2, { standing: "following" }) });

  test("says nothing while all is well, nor before a secret is given", () => {
    expect(bannerLines(clusterView([nodeView(1), follower], 1))).toEqual([]);
    const closed = clusterView([nodeView(1, { reach: "down" })], null, { needsSecret: "ask" });
    expect(bannerLines(closed)).toEqual([]);
  });

  test("says since when a node is silent, and that the rest is from before", () => {
    const silent = nodeView(2, { reach: "silent", heardAt: 6000 });
    expect(bannerLines(clusterView([nodeView(1), silent], 1))).toEqual([
      {
        key: "node-2",
        text: "Node 2 has not answered for 4 s: what is shown of it is from before.",
        tone: "warning",
      },
    ]);
  });

  test("gives the cause of a node that is gone, what to do about it, and the age of what is shown", () => {
    const reason = "the connection to node 2 at 127.0.0.1:4102 was lost: the connection broke off.";
    const gone = nodeView(2, { reach: "down", heardAt: 0, reason, code: "CONNECTION_LOST" });
    expect(bannerLines(clusterView([nodeView(1), gone], 1))[0]?.text).toBe(
      "Node 2 cannot be reached: the connection broke off. Does a server run at 127.0.0.1:4102? Its log says why it ended, or why it refuses this page. What is shown of it is 10 s old.",
    );
    const fields = { reach: "refused", heardAt: null, status: null } as const;
    const never = nodeView(2, { ...fields, code: "UNAUTHORIZED" });
    expect(bannerLines(clusterView([nodeView(1), never], 1))[0]?.text).toBe(
      "Node 2 refuses this page. Give the secret that its server was started with. Nothing is known of it.",
    );
  });

  test("says that all is well, and which links are not", () => {
    const nodes = [nodeView(1), follower];
    expect(wellText(clusterView(nodes, 1))).toBe("All 2 nodes answer, node 1 leads.");
    const links = [linkView(1, 2, BROKEN)];
    expect(wellText(clusterView(nodes, 1, { links }))).toBe(
      "All 2 nodes answer, node 1 leads; 1 of 1 links is not whole.",
    );
  });

  test("says first what is wrong with a live node's data", () => {
    const alarm = { kind: "diverged" as const, peer: 3, agreedIdx: 64, differsIdx: 70 };
    const status = statusOf(2, { alarms: [{ ...alarm, refuses: false }] });
    expect(bannerLines(clusterView([nodeView(1), nodeView(2, { status })], 1))).toEqual([
      {
        key: "alarm-2-0",
        text: "Node 2: its state is not that of node 3 (by log index the same at 64, different at 70); is with the majority and goes on.",
        tone: "error",
      },
    ]);
    expect(nodeAlarms(nodeView(2, { status }))).toHaveLength(1);
    expect(nodeAlarms(nodeView(2, { status, reach: "down" }))).toEqual([]);
  });

  test("says that a node's disk is full", () => {
    const status = statusOf(2, { alarms: [{ kind: "diskFull", cause: "space" }] });
    expect(bannerLines(clusterView([nodeView(1), nodeView(2, { status })], 1))).toEqual([
      {
        key: "alarm-2-0",
        text: "Node 2: its disk is full: until there is room it refuses writes, or gets no further, and reads go on; make room, and it goes on by itself.",
        tone: "error",
      },
    ]);
  });

  test("says when nobody leads, and when nothing is live at all", () => {
    expect(bannerLines(clusterView([follower], null))[0]?.key).toBe("leader");
    const gone = [nodeView(1, { reach: "down" }), nodeView(2, { reach: "silent" })];
    expect(bannerLines(clusterView(gone, null)).map(({ key }) => key)).toEqual([
      "all",
      "node-1",
      "node-2",
    ]);
  });
});

/** It answers, and says nothing to who has not signed in. */
const REFUSING = nodeView(1, { reach: "refused", code: "UNAUTHENTICATED", status: null });

describe("the browser's tab", () => {
  const follower = nodeView(2, { status: statusOf(2, { standing: "following" }) });

  test.each([
    ["node 1 leads", "well", [nodeView(1), follower], 1, {}],
    ["1 of 2 nodes", "troubled", [nodeView(1), nodeView(2, { reach: "down" })], 1, {}],
    ["no leader", "stopped", [follower], null, {}],
    ["out of reach", "stopped", [nodeView(1, { reach: "silent" })], null, {}],
    ["", "well", [REFUSING, nodeView(2, { reach: "connecting" })], null, {}],
    ["", "well", [follower, nodeView(1, { reach: "connecting" })], null, {}],
    ["secret wanted", "troubled", [nodeView(1)], null, { needsSecret: "ask" }],
  ] as const)("says: %s", (title, tone, nodes, leader, fields) => {
    const look = tabLook(clusterView(nodes, leader, fields));
    const first = title === "" ? "" : `${title} – `;
    expect(look).toEqual({ title: `${first}omnikv-local – omnikv`, tone });
    expect(tabIcon(tone)).toMatch(/^data:image\/svg\+xml,%3Csvg/);
  });
});

describe("a link", () => {
  const lossy = side({ state: "faulty", dropPermille: 300, delayMs: 50 });
  const down = side({ state: "down" });

  test.each([
    ["connected", side(), side()],
    ["broken", BROKEN, BROKEN],
    ["oneWay", BROKEN, side()],
    ["oneWay", lossy, BROKEN],
    ["faulty", lossy, side()],
    ["down", down, BROKEN],
    ["unknown", side({ state: "unknown" }), side({ state: "unknown" })],
  ] as const)("is %s", (state, aToB, bToA) => {
    expect(linkLook(linkView(1, 3, aToB, bToA)).state).toBe(state);
  });

  test("whose one direction is broken names that one beside its cross", () => {
    const look = linkLook(linkView(1, 3, BROKEN, side({ messagesPerSecond: 100 })));
    expect(look).toMatchObject({ passesTo: "a", label: ["1 → 3"], flowToB: "none" });
    expect(look.flowToA).toBe("steady");
    expect(look.spoken).toBe(
      "Link between node 1 and node 3: messages pass from node 3 to node 1 only",
    );
    expect(linkLook(linkView(1, 3, side(), BROKEN))).toMatchObject({
      passesTo: "b",
      label: ["3 → 1"],
    });
  });

  test("that loses and delays says how much", () => {
    const look = linkLook(linkView(1, 2, lossy, side()));
    expect(look.label).toEqual(["30 %", "50 ms"]);
    expect(look.spoken).toContain("0 messages/s to node 2 (loses 30 %, 50 ms late)");
  });

  test("that is whole shows the messages of both directions", () => {
    const busy = linkView(1, 2, side({ messagesPerSecond: 12 }), side({ messagesPerSecond: 30.4 }));
    expect(linkLook({ ...busy, roundTripMs: 0.4 })).toMatchObject({
      label: ["42/s"],
      flowToB: "slow",
      flowToA: "slow",
      spoken:
        "Link between node 1 and node 2: connected, 12 messages/s to node 2, 30 messages/s to node 1, round trip 0.4 ms",
    });
  });

  test("without a connection moves nothing, whatever was counted", () => {
    const stale = side({ state: "down", messagesPerSecond: 100 });
    expect(linkLook(linkView(1, 2, stale, stale))).toMatchObject({
      flowToA: "none",
      flowToB: "none",
    });
  });
});
