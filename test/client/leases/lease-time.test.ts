/** Until when the holder of a lease may believe in it. */
import { describe, expect, test } from "vitest";
import {
  keepAliveIntervalOf,
  LeaseTime,
  leaseMarginOf,
} from "../../../src/client/leases/lease-time.ts";
import { seededRandom } from "../../conformance/seeded-random.ts";

describe("the time of a lease", () => {
  test("counts from when the grant was sent, and ends before it does at the nodes", () => {
    const time = new LeaseTime(8000, 100);
    expect(time.endMs).toBe(100 + 7000);
    expect(time.isOver(7099)).toBe(false);
    expect(time.isOver(7100)).toBe(true);
  });

  test("counts from when the last acknowledged keep-alive was sent, whatever the order of answers", () => {
    const time = new LeaseTime(8000, 0);
    time.acknowledged(3000, 8000, 3500);
    time.acknowledged(2000, 8000, 3600);
    expect(time.sentMs).toBe(3000);
    expect(time.endMs).toBe(10_000);
  });

  test("what is over stays over", () => {
    const time = new LeaseTime(800, 0);
    // Sent in time, and its answer was not read in time.
    time.acknowledged(600, 800, 700);
    expect(time.isOver(699)).toBe(true);
    const ended = new LeaseTime(800, 0);
    ended.end();
    ended.acknowledged(10, 800, 20);
    expect(ended.isOver(20)).toBe(true);
  });

  test("what is left out is a part of the time to live, and bounded; two keep-alives may be lost", () => {
    expect(leaseMarginOf(800)).toBe(100);
    expect(leaseMarginOf(3_600_000)).toBe(2000);
    for (const ttlMs of [500, 10_000, 3_600_000]) {
      expect(2 * keepAliveIntervalOf(ttlMs)).toBeLessThan(ttlMs - leaseMarginOf(ttlMs));
    }
  });

  test("over before the nodes can end it, however late answers are and clocks drift by a hundredth", () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = seededRandom(seed);
      const dice = (most: number): number => (random.uint32() / 2 ** 32) * most;
      const ttlMs = 500 + dice(20_000);
      // The holder's clock runs slow, so that it believes longer.
      const local = (real: number): number => real * 0.99;
      let [sent, applied] = [0, dice(200)];
      const time = new LeaseTime(ttlMs, local(sent));
      for (let i = 0; i < 20; i++) {
        sent = applied + dice(ttlMs);
        if (time.isOver(local(sent))) break;
        const next = sent + dice(ttlMs);
        // The nodes know no lease any more: there is no acknowledgement.
        if (next >= applied + ttlMs) break;
        applied = next;
        const answered = applied + dice(ttlMs);
        time.acknowledged(local(sent), ttlMs, local(answered));
      }
      expect(time.isOver(local(applied + ttlMs))).toBe(true);
    }
  });
});
