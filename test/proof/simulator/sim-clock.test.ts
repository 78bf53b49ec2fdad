import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SimClock } from "../../../src/proof/simulator/sim-clock.ts";

describe("simulated clock", () => {
  test("events run in order of time, then of scheduling, and never early", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(50), { maxLength: 100 }),
        fc.array(fc.nat()),
        (delays, cancels) => {
          const clock = new SimClock();
          const ran: { ms: number; i: number }[] = [];
          const timers = delays.map((ms, i) =>
            clock.after(ms, () => {
              expect(clock.now()).toBe(ms);
              ran.push({ ms, i });
            }),
          );
          const cancelled = new Set(cancels.map((each) => each % (delays.length + 1)));
          for (const i of cancelled) timers[i]?.();
          clock.run(100);
          const expected = delays
            .map((ms, i) => ({ ms, i }))
            .filter(({ i }) => !cancelled.has(i))
            .sort((a, b) => a.ms - b.ms || a.i - b.i);
          expect(ran).toEqual(expected);
          expect(clock.pending).toBe(0);
        },
      ),
    );
  });

  test("the end of a turn comes after all that is ready now, also what became ready meanwhile", () => {
    const clock = new SimClock();
    const ran: string[] = [];
    clock.after(1, () => {
      ran.push("a");
      clock.endOfTurn(() => ran.push("end"));
      clock.after(0, () => ran.push("c"));
    });
    clock.after(1, () => ran.push("b"));
    clock.after(1.5, () => ran.push("later"));
    clock.run(2);
    expect(ran).toEqual(["a", "b", "c", "end", "later"]);
  });

  test("a process that died runs none of its callbacks", () => {
    const clock = new SimClock();
    const dead = clock.fork();
    const alive = clock.fork();
    const ran: string[] = [];
    dead.after(5, () => ran.push("dead"));
    dead.endOfTurn(() => ran.push("dead"));
    alive.after(5, () => ran.push("alive"));
    dead.stop();
    dead.after(1, () => ran.push("dead"));
    clock.run(10);
    expect(ran).toEqual(["alive"]);
  });

  test("a fast clock's timers come early", () => {
    const clock = new SimClock();
    clock.run(1000);
    const fast = clock.fork(2);
    let at = 0;
    fast.after(100, () => (at = fast.now()));
    expect(clock.runUntil(() => at > 0, 1000)).toBe(true);
    expect(clock.now()).toBe(1050);
    expect(at).toBe(1100);
  });

  test("waiting for what never happens ends at the deadline", () => {
    const clock = new SimClock();
    expect(clock.runUntil(() => false, 500)).toBe(false);
    expect(clock.now()).toBe(500);
    expect(clock.step()).toBe(false);
  });
});
