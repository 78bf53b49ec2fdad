import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DelayLine } from "../../src/links/delay-line.ts";
import { NO_FAULT } from "../../src/base/index.ts";
import { DropTable } from "../../src/links/drop-table.ts";
import { SimClock } from "../../src/proof/simulator/sim-clock.ts";
import { seededRandom } from "../conformance/seeded-random.ts";

const BROKEN = { dropPermille: 1000, delayMs: 0 };
const noDice = (): number => {
  throw new Error("asked for dice without need");
};

describe("drop table", () => {
  test("directions and peers are apart", () => {
    const table = new DropTable();
    table.set(2, "in", BROKEN);
    expect(table.drops(2, "in", noDice)).toBe(true);
    expect(table.drops(2, "out", noDice)).toBe(false);
    expect(table.drops(3, "in", noDice)).toBe(false);
  });

  test("breaking twice and restoring twice is doing it once", () => {
    const table = new DropTable();
    expect(table.set(2, "out", BROKEN)).toBe(false);
    expect(table.set(2, "out", BROKEN)).toBe(false);
    expect(table.entries()).toEqual([{ peer: 2, direction: "out", ...BROKEN }]);
    expect(table.set(2, "out", NO_FAULT)).toBe(true);
    expect(table.set(2, "out", NO_FAULT)).toBe(false);
    expect(table.entries()).toEqual([]);
  });

  test("less loss than before is an improvement, more or only delay is not", () => {
    const table = new DropTable();
    const set = (dropPermille: number, delayMs = 0): boolean =>
      table.set(2, "in", { dropPermille, delayMs });
    expect([set(300), set(1000), set(500), set(500, 20), set(0, 20), set(0)]).toEqual([
      false,
      false,
      true,
      false,
      true,
      false,
    ]);
  });

  test("a probability is kept to, and only then are dice thrown", () => {
    const table = new DropTable();
    const random = seededRandom(3);
    table.set(2, "in", { dropPermille: 250, delayMs: 0 });
    let dropped = 0;
    for (let i = 0; i < 10_000; i++) if (table.drops(2, "in", () => random.uint32())) dropped += 1;
    expect(dropped).toBeGreaterThan(2300);
    expect(dropped).toBeLessThan(2700);
  });

  test.each([-1, 1001, 0.5, Number.NaN])("%d permille is a mistake", (dropPermille) => {
    expect(() => new DropTable().set(2, "in", { dropPermille, delayMs: 0 })).toThrow(
      /dropPermille/,
    );
  });

  test.each([-1, 60_001, Number.NaN])("%d ms is a mistake", (delayMs) => {
    expect(() => new DropTable().set(2, "in", { dropPermille: 0, delayMs })).toThrow(/delayMs/);
  });
});

describe("delay line", () => {
  test("order is kept and nothing is early, whatever the delays", () => {
    const push = fc.record({ gapMs: fc.nat(20), delayMs: fc.nat(30) });
    fc.assert(
      fc.property(fc.array(push, { maxLength: 40 }), (pushes) => {
        const clock = new SimClock();
        const line = new DelayLine(clock);
        const out: number[] = [];
        pushes.forEach(({ gapMs, delayMs }, i) => {
          clock.run(gapMs);
          const due = clock.now() + delayMs;
          line.push(delayMs, 10, () => {
            expect(clock.now()).toBeGreaterThanOrEqual(due);
            out.push(i);
          });
        });
        expect(line.bytes).toBe(10 * (pushes.length - out.length));
        clock.run(100);
        expect(out).toEqual(pushes.map((_, i) => i));
        expect(line.bytes).toBe(0);
      }),
    );
  });

  test("a release may clear the line: what follows is forgotten", () => {
    const clock = new SimClock();
    const line = new DelayLine(clock);
    const out: string[] = [];
    line.push(5, 1, () => {
      out.push("first");
      line.clear();
    });
    line.push(5, 1, () => out.push("second"));
    clock.run(50);
    expect(out).toEqual(["first"]);
    line.push(5, 1, () => out.push("third"));
    clock.run(5);
    expect(out).toEqual(["first", "third"]);
  });
});
