/** Pings of thousands of connections do not come at the same moment. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { PingRounds } from "../../../src/machine/network/ping-rounds.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  // First the spy: it stands in the place of the timer that is put back.
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Rounds of two seconds, and by whom what was looked at in each millisecond of them. */
function world(count: number) {
  const looked: string[][] = [];
  let now: string[] = [];
  const rounds = new PingRounds<string>(2000, (name) => now.push(name));
  const names = Array.from({ length: count }, (_, i) => `c${i}`);
  for (const name of names) rounds.add(name);
  const pass = (ms: number): void => {
    for (let i = 0; i < ms; i++) {
      now = [];
      vi.advanceTimersByTime(1);
      if (now.length > 0) looked.push(now);
    }
  };
  return { rounds, names, looked, pass };
}

test("each connection is looked at once in a round, a part of them at a time", () => {
  const { names, looked, pass } = world(3000);
  pass(2010);
  expect(looked.flat().toSorted()).toEqual(names.toSorted());
  expect(Math.max(...looked.map(({ length }) => length))).toBeLessThan(100);
  pass(2000);
  expect(looked.flat()).toHaveLength(6000);
});

test("one connection is looked at once in a round, with nothing between; one that goes is not", () => {
  const { rounds, looked, pass } = world(1);
  vi.spyOn(globalThis, "setTimeout");
  pass(20_010);
  expect(looked).toEqual(Array.from({ length: 10 }, () => ["c0"]));
  expect(vi.mocked(setTimeout).mock.calls.length).toBeLessThanOrEqual(11);
  rounds.remove("c0");
  rounds.remove("c0");
  expect(vi.getTimerCount()).toBe(0);
  rounds.add("later");
  pass(4010);
  expect(looked.slice(10)).toEqual([["later"], ["later"]]);
});
