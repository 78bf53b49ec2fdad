/** Marks and strips: what changed, once, and when. */
import { expect, test } from "vitest";
import type { NodeView } from "../../src/page/cluster-view.ts";
import { Timeline } from "../../src/page/timeline.ts";
import { statusOf } from "../prompt/admin-fixtures.ts";
import { BROKEN, linkView, nodeView, side } from "./fixtures.ts";

const ballot = (n: number, pid: number) => ({ configId: 1, n, priority: 0, pid });

function leads(id: number, n: number): NodeView {
  return nodeView(id, { status: statusOf(id, { promise: ballot(n, id) }) });
}

function follower(id: number, leader: number, n: number): NodeView {
  const fields = {
    role: "follower",
    standing: "following",
    leader,
    promise: ballot(n, leader),
  } as const;
  return nodeView(id, { status: statusOf(id, fields) });
}

function cutOff(id: number, n: number): NodeView {
  const fields = {
    role: "follower",
    standing: "cutOff",
    leader: null,
    promise: ballot(n, id),
  } as const;
  return nodeView(id, { status: statusOf(id, fields) });
}

const said = (timeline: Timeline): string[] =>
  timeline.marks.map(({ at, nodes, kind, text }) => `${at} ${nodes.join("-")} ${kind}: ${text}`);

test("what is found at first is no change; a change of leader is one mark a node", () => {
  const timeline = new Timeline();
  timeline.advance(0, [leads(1, 4), follower(2, 1, 4)], []);
  timeline.advance(200, [leads(1, 4), follower(2, 1, 4)], []);
  expect(said(timeline)).toEqual([]);
  timeline.advance(400, [cutOff(1, 4), cutOff(2, 5)], []);
  timeline.advance(600, [follower(1, 2, 5), leads(2, 5)], []);
  timeline.advance(800, [follower(1, 2, 5), leads(2, 5)], []);
  expect(said(timeline)).toEqual([
    "400 2 ballot: promises ballot 5.0.2",
    "600 1 follows: follows node 2, ballot 5.0.2",
    "600 2 leads: leads with ballot 5.0.2",
  ]);
  expect(timeline.strips.get(2)).toEqual([
    { from: 0, to: 400, role: "follower" },
    { from: 400, to: 600, role: "cutOff" },
    { from: 600, to: null, role: "leader" },
  ]);
});

test("a node that goes and comes back is marked once each, not one that never was there", () => {
  const timeline = new Timeline();
  const absent = nodeView(3, { reach: "down", status: null, reason: "refused" });
  timeline.advance(0, [leads(1, 4), absent], []);
  const gone = nodeView(1, { ...leads(1, 4), reach: "down", reason: "connection ended (1006)" });
  timeline.advance(200, [nodeView(1, { ...gone, reach: "silent" }), absent], []);
  timeline.advance(400, [gone, absent], []);
  timeline.advance(600, [leads(1, 4), absent], []);
  expect(said(timeline)).toEqual(["200 1 down: is silent", "600 1 back: is back"]);
  expect(timeline.strips.get(1)?.map(({ role }) => role)).toEqual([
    "leader",
    "unknown",
    "down",
    "leader",
  ]);
  expect(timeline.strips.get(3)).toEqual([{ from: 0, to: null, role: "down" }]);
});

test("a link is one mark of both nodes when it has settled, with what it is now", () => {
  const timeline = new Timeline();
  const at = (now: number, ...links: Parameters<Timeline["advance"]>[2]): void =>
    timeline.advance(now, [], links);
  at(0, linkView(1, 2));
  at(200, linkView(1, 2, BROKEN));
  at(300, linkView(1, 2, BROKEN, BROKEN));
  at(500, linkView(1, 2, BROKEN, BROKEN));
  expect(said(timeline)).toEqual([]);
  at(600, linkView(1, 2, BROKEN, BROKEN));
  expect(said(timeline)).toEqual(["300 1-2 link: broken"]);
  // The node dies and comes back with whole links: its death says nothing of the link.
  at(800, linkView(1, 2, side({ state: "down" }), side({ state: "down" })));
  const lossy = side({ state: "faulty", dropPermille: 300, delayMs: 50 });
  at(1000, linkView(1, 2, side(), lossy));
  at(1300, linkView(1, 2, side(), lossy));
  at(1400, linkView(1, 2));
  at(1700, linkView(1, 2));
  expect(said(timeline).slice(1)).toEqual([
    "1000 1-2 link: loses 30 %, 50 ms late from 2 to 1 only",
    "1400 1-2 healed: whole again",
  ]);
});

test("what was done to the cluster is a mark of its own, in its place in time", () => {
  const timeline = new Timeline();
  timeline.advance(0, [leads(1, 4)], []);
  timeline.note(100, "chain: a line: 1 – 2 – 3");
  timeline.advance(200, [cutOff(1, 5)], []);
  expect(said(timeline)).toEqual([
    "100  deed: chain: a line: 1 – 2 – 3",
    "200 1 ballot: promises ballot 5.0.1",
  ]);
});

test("what is older than ten minutes is forgotten", () => {
  const timeline = new Timeline();
  timeline.advance(0, [leads(1, 4)], []);
  timeline.advance(1000, [cutOff(1, 5)], []);
  timeline.advance(2000, [leads(1, 6)], []);
  timeline.advance(700_000, [cutOff(1, 7)], []);
  expect(said(timeline)).toEqual(["700000 1 ballot: promises ballot 7.0.1"]);
  expect(timeline.strips.get(1)).toEqual([
    { from: 2000, to: 700_000, role: "leader" },
    { from: 700_000, to: null, role: "cutOff" },
  ]);
});
