/** Marks in words: what belongs together is one event. */
import { expect, test } from "vitest";
import type { Mark } from "../../src/page/cluster-view.ts";
import { eventsOf } from "../../src/page/views/events.ts";

const mark = (at: number, kind: Mark["kind"], nodes: number[], text: string): Mark => ({
  at,
  kind,
  nodes,
  text,
});
const said = (marks: readonly Mark[]): string[] =>
  eventsOf(marks).map(({ at, text }) => `${at} ${text}`);

test("a scenario and the election that follows it, each in one line", () => {
  const marks = [
    mark(0, "deed", [], "chain: a line: 1 – 2 – 3"),
    mark(10, "link", [1, 3], "broken"),
    mark(10, "link", [1, 4], "broken"),
    mark(200, "follows", [3], "follows node 2, ballot 3.0.2"),
    mark(210, "leads", [2], "leads with ballot 3.0.2"),
    mark(400, "follows", [1], "follows node 2, ballot 3.0.2"),
  ];
  expect(said(marks)).toEqual([
    "0 chain: a line: 1 – 2 – 3",
    "10 links 1–3, 1–4 broken",
    "200 nodes 1 and 3 follow node 2, ballot 3.0.2",
    "210 node 2 leads with ballot 3.0.2",
  ]);
});

test("what is the same but happened later is another event", () => {
  const gone = [mark(0, "down", [1], "is silent"), mark(1600, "down", [2], "is silent")];
  expect(said(gone)).toEqual(["0 node 1 is silent", "1600 node 2 is silent"]);
  const together = [mark(0, "back", [1], "is back"), mark(900, "back", [2], "is back")];
  expect(said(together)).toEqual(["0 nodes 1 and 2 are back"]);
});

test("one link, one way", () => {
  expect(said([mark(0, "link", [1, 2], "broken from 1 to 2 only")])).toEqual([
    "0 link 1–2 broken from 1 to 2 only",
  ]);
});
