/** Bugs in watches: events that are missed, told twice, or not all at once; progress that is not true; silence where there must be a word. */
import { patch, type Mutant } from "./mutant.ts";

const HUB = "src/replica/watches/watch-hub.ts";
const SHARES = "src/replica/watches/watch-shares.ts";
const WALKS = "src/replica/watches/watch-walks.ts";
const EVENTS = "src/replica/watches/watch-events.ts";
const CHANGES = "src/store/history/changes.ts";
const SEEN = "src/client/core/seen-check.ts";
const SEEN_TESTS = ["test/client/watches/seen-check.test.ts"];

export const WATCHES: readonly Mutant[] = [
  {
    name: "watches are asked for wherever a node has revisions",
    breaks: "over disks that were put back a watch goes on in the middle of another history",
    patches: [patch(SEEN, 'this.#cluster.seenIdx === 0 ? "passed" : "wanted"', '"passed"')],
    by: "mistakes",
  },
  {
    name: "a log that went back and has grown again is the one that was seen",
    breaks: "a watch that finds its cluster late goes on in the middle of another history",
    patches: [
      patch(
        SEEN,
        "if (stored === undefined || isSame(stored, this.#told.put)) return null;",
        "if (stored === undefined || isSame(stored, stored)) return null;",
      ),
    ],
    by: SEEN_TESTS,
  },
  {
    name: "a node that puts off the question for what was seen has answered it",
    breaks: "a node that comes level in that moment with another history goes on with the watch",
    patches: [
      patch(SEEN, "(refusal !== null && !isAhead && isOfNow(refusal.code))", "isAhead === null"),
    ],
    by: SEEN_TESTS,
  },
  {
    name: "watches stay at a node that a request has found to have gone back",
    breaks: "a client is refused by a node, and its watches go on there",
    patches: [
      patch(
        "src/client/watches/watch-feed.ts",
        "if (this.#link.name === name) this.#leave(error);",
        "if (this.#link.name !== name) this.#leave(error);",
      ),
    ],
    by: SEEN_TESTS,
  },
  {
    name: "a watch from the revision just fed is live at once",
    breaks: "the event at the seam of history and live feed is skipped",
    patches: [
      patch(WALKS, "if (watch.next <= this.#fed) this", "if (watch.next < this.#fed) this"),
    ],
    by: "sim",
  },
  {
    name: "a sweep joins the live feed one revision early",
    breaks: "a watch that was behind misses an event where it joins again",
    patches: [
      patch(WALKS, "} else if (this.#at > this.#fed) {", "} else if (this.#at >= this.#fed) {"),
    ],
    by: "sim",
  },
  {
    name: "a sweep tells everybody in it from its own start on",
    breaks: "events are told twice, or before the revision that was asked for",
    patches: [
      patch(
        WALKS,
        "if (watch.next > revision || !wants(watch, change)) return;",
        "if (!wants(watch, change)) return;",
      ),
    ],
    by: "sim",
  },
  {
    name: "a revision of more keys than a turn looks at waits for a turn that looks at more",
    breaks: "every watch of one of its keys stands still for ever",
    patches: [patch(WALKS, "    do {\n", "    if (!this.#past.isSpent) do {\n")],
    by: "sim",
  },
  {
    name: "who has no room for an event goes on after it",
    breaks: "a slow reader misses an event",
    patches: [patch(WALKS, "    watch.next = revision;\n", "    watch.next = revision + 1;\n")],
    by: "sim",
  },
  {
    name: "progress is told to who asks, whatever it was sent",
    breaks: "progress comes before its events",
    patches: [
      patch(
        HUB,
        "if (watch.next > (watch.asked ?? Infinity)) this.#answer(watch, watch.next - 1);",
        "this.#answer(watch, this.#walks.fed);",
      ),
    ],
    by: "sim",
  },
  {
    name: "a notice of progress for all, those that are behind too",
    breaks: "progress is told to a watch that was not sent everything",
    patches: [
      patch(
        HUB,
        "if (session.behind === 0) session.out.progress(ALL_WATCHES",
        "if (session.behind >= 0) session.out.progress(ALL_WATCHES",
      ),
    ],
    by: "sim",
  },
  {
    name: "events of a transaction one by one",
    breaks: "a batch is split in two",
    patches: [
      patch(
        WALKS,
        "while (changes[end]?.revision === revision) end += 1;",
        "while (end < at && changes[end]?.revision === revision) end += 1;",
      ),
    ],
    by: "sim",
  },
  {
    name: "an event as the watch next to it wants it",
    breaks: "the previous value is missing when another watch does without",
    patches: [
      patch(
        EVENTS,
        "if (!previous || before.version === 0) {",
        "if (!previous || this.#plain !== null || before.version === 0) {",
      ),
    ],
    by: "sim",
  },
  {
    name: "the filter for deletions lets puts through",
    breaks: "a watch is told of what it does not want",
    patches: [
      patch(
        EVENTS,
        "return after.version === 0 ? wish.deletes : wish.puts;",
        "return wish.deletes || (after.version > 0 && wish.puts);",
      ),
    ],
    by: "sim",
  },
  {
    name: "compaction is not said to who is swept",
    breaks: "a watch goes on after a gap",
    patches: [
      patch(
        WALKS,
        "if (this.#at <= oldest || this",
        "this.#at = Math.max(this.#at, oldest + 1);\n      if (this",
      ),
      patch(WALKS, "if (first === undefined || first.next > oldest) return;", "return;"),
      patch(WALKS, "needs.first.next <= cells.history.oldest", "needs.first.next < 0"),
      patch(
        WALKS,
        "        if (left <= 0 || watch.next <= oldest) break;\n",
        "        watch.next = Math.max(watch.next, oldest + 1);\n",
      ),
    ],
    by: "sim",
  },
  {
    name: "compaction is not said to who is live",
    breaks: "a watch goes on after a gap, at a node that took over a snapshot",
    patches: [patch(WALKS, "if (!this.#endLive(oldest)) return;\n", "")],
    by: "sim",
  },
  {
    name: "every event with the value of the last one",
    breaks: "events of several changes of a key in one turn have the wrong value",
    patches: [
      patch(
        CHANGES,
        "const place = placeAt(key, found, revision, history, looked);",
        "const place = 0 * placeAt(key, found, revision, history, looked);",
      ),
    ],
    by: "sim",
  },
  {
    name: "the previous value of the change before",
    breaks: "the previous value is of the wrong revision",
    patches: [
      patch(
        CHANGES,
        "      const before = history.before(revision, key);\n      later",
        "      const at = history.modBefore(revision, key);\n      const before = history.before(at > history.oldest ? at : revision, key);\n      later",
      ),
    ],
    by: "sim",
  },
  {
    name: "a node that is cut off says nothing to those who watch",
    breaks: "a watch is silent at a node that nobody feeds",
    patches: [
      patch(
        HUB,
        "const hearsLeader = cutOffTicks < this.#options.isolatedAfterTicks;",
        "const hearsLeader = cutOffTicks < 1e9;",
      ),
    ],
    by: "sim",
  },
  {
    name: "what a client was told of the leader is not kept in mind",
    breaks: "a client hears again what it knows, and not that its node is fed again",
    patches: [patch(HUB, "      session.hearsLeader = this.#hearsLeader;\n", "")],
    by: "sim",
  },
  {
    name: "a node that is fed again goes on to count as cut off",
    breaks: "a watch is told for ever that its node hears no leader",
    patches: [
      patch(
        "src/replica/replica.ts",
        'if (standing.kind !== "cutOff") this.#cutOffSinceTick = this.#tick;',
        'if (standing.kind !== "cutOff" && this.#cutOffSinceTick + 3 > this.#tick) this.#cutOffSinceTick = this.#tick;',
      ),
    ],
    by: "sim",
  },
  {
    name: "a client may have all watches that are free",
    breaks: "one client takes the watches of a node from all others",
    patches: [
      patch(SHARES, "share.watches >= Math.min(perClient, free)", "share.watches >= perNode"),
    ],
    by: ["test/replica/watch-hub.test.ts"],
  },
  {
    name: "watches that end count as nothing",
    breaks: "a turn that ends many watches holds up the node",
    patches: [patch(WALKS, "    budget.records -= END_RECORDS;\n", "")],
    by: ["test/replica/watch-turns.test.ts"],
  },
  {
    name: "whoever has large revisions is always first",
    breaks: "one client keeps others that are behind from being fed",
    patches: [
      patch(WALKS, "const isSweepFirst = this.#turn % 2 === 0;", "const isSweepFirst = false;"),
    ],
    by: ["test/replica/watch-turns.test.ts"],
  },
  {
    name: "parts of a large revision without the last key of each",
    breaks: "a revision that comes in parts lacks some of its events",
    patches: [
      patch(
        WALKS,
        "        watch.sentKey = key;\n        at += 1;",
        "        at += 1;\n        watch.sentKey = keys[at] ?? key;",
      ),
    ],
    by: ["test/replica/watch-hub.test.ts"],
  },
  {
    name: "a tree of ranges that forgets the reach of its right side",
    breaks: "a watch of a range is not found",
    patches: [
      patch(
        "src/replica/watches/range-index.ts",
        "for (const side of [left, right]) {",
        "for (const side of [left]) {",
      ),
    ],
    by: ["test/replica/range-index.test.ts"],
  },
];
