/** What a watch with limited rights may be told, as the simulator judges it. */
import { describe, expect, test } from "vitest";
import { NaiveAccess } from "../../../src/proof/simulator/access-model.ts";
import type { WatchRecord, WatchTimes } from "../../../src/proof/simulator/watch-check.ts";
import { checkWatchRights } from "../../../src/proof/simulator/watch-rights-check.ts";
import type { AccessChange } from "../../../src/store/index.ts";
import { key } from "../../store/helpers.ts";

const RANGE = { start: key("a"), end: key("c") };
const PERMIT: AccessChange = { kind: "permit", role: "r", may: "read", ...RANGE };
const FORBID: AccessChange = { kind: "forbid", role: "r", ...RANGE };
/** After the last of them ann may read, and it matters. */
const SETUP: readonly AccessChange[] = [
  { kind: "addUser", user: "root", passwordHash: "h" },
  { kind: "grantRole", user: "root", role: "root" },
  { kind: "addUser", user: "ann", passwordHash: "h" },
  { kind: "addRole", role: "r" },
  PERMIT,
  { kind: "grantRole", user: "ann", role: "r" },
  { kind: "turnOn", tokenKey: "k" },
];
const ON = SETUP.length;

/** @param firsts the epoch in which each revision was made, from revision 1 on */
function logOf(changes: readonly AccessChange[], firsts: readonly number[]) {
  const access = [new NaiveAccess()];
  for (const change of [...SETUP, ...changes]) {
    const next = access.at(-1)!.copy();
    expect(next.change(change)).toBe(true);
    access.push(next);
  }
  const epochs = [0, ...firsts].map((first) => ({ first, last: first }));
  return { access, epochs };
}

/** Told of these revisions when the node was in that epoch; created in the first one in which ann may watch. */
function recordOf(
  told: readonly (readonly [revision: number, epoch: number])[],
  times: Partial<WatchTimes> = {},
  code: string | null = null,
): WatchRecord {
  return {
    watcher: "v0 at n1",
    wish: { start: "a", end: "b", from: 1, previous: false, puts: true, deletes: true },
    created: 1,
    items: told.map(([revision]) => ({ kind: "events", revision, events: [] })),
    ended: code === null ? null : { code, revision: 1 + told.length },
    times: {
      ...{ askedEpoch: ON, createdEpoch: ON, told: told.map(([, epoch]) => epoch) },
      ...{ endedEpoch: ON, signedIn: ON, ...times },
    },
  };
}

const check = (record: WatchRecord, log: ReturnType<typeof logOf>) => (): void =>
  checkWatchRights("ann", [record], log);

describe("a watch", () => {
  test("is told while its user may read", () => {
    const log = logOf([], [ON, ON]);
    expect(check(recordOf([[1, ON]]), log)).not.toThrow();
    expect(check(recordOf([]), logOf([], []))).not.toThrow();
  });

  test("is told of nothing that was changed after the right was withdrawn", () => {
    const log = logOf([FORBID, PERMIT], [ON, ON + 1, ON + 2]);
    expect(check(recordOf([[1, ON + 1]]), log)).not.toThrow();
    expect(check(recordOf([[2, ON + 1]]), log)).toThrow("told of revision 2, and not permitted");
    // A node that has applied more by then may have judged by the right that is there again.
    expect(check(recordOf([[2, ON + 2]]), log)).not.toThrow();
    // What it was told before was told by a state that is no earlier.
    const goesBack = recordOf([
      [3, ON + 2],
      [2, ON + 1],
    ]);
    expect(check(goesBack, log)).toThrow("told of revision 2");
  });

  test("is created for who may read all of its range", () => {
    const log = logOf([FORBID], []);
    const late = { askedEpoch: ON + 1, createdEpoch: ON + 1 };
    expect(check(recordOf([], late), log)).toThrow("created, and not permitted");
    const wide = recordOf([]);
    const wish = { ...wide.wish, end: "d" };
    expect(check({ ...wide, wish }, log)).toThrow("created, and not permitted");
  });

  test("ends with the password, unless its client signs in once more", () => {
    const log = logOf([{ kind: "setPassword", user: "ann", passwordHash: "i" }], [ON + 1]);
    expect(check(recordOf([[1, ON + 1]]), log)).toThrow("told of revision 1");
    const again = { signedIn: Number.POSITIVE_INFINITY };
    expect(check(recordOf([[1, ON + 1]], again), log)).not.toThrow();
  });

  test("does not end for want of a right that was there all the time", () => {
    const log = logOf([FORBID], [ON]);
    expect(check(recordOf([[1, ON]], {}, "FORBIDDEN"), log)).toThrow("ended, and permitted");
    const later = recordOf([[1, ON]], { endedEpoch: ON + 1 }, "FORBIDDEN");
    expect(check(later, log)).not.toThrow();
  });
});
