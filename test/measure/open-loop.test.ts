/** Goal: the rate is kept, whatever becomes of what was sent. Method: a simulated clock. */
import { expect, test } from "vitest";
import { startOpenLoop } from "../../src/measure/workloads/open-loop.ts";
import { SimClock } from "../../src/proof/simulator/sim-clock.ts";

function runUntil(clock: SimClock, ms: number): void {
  while ((clock.nextTime() ?? Infinity) <= ms) clock.step();
}

test("so many are sent a second, of whatever weight, until it is ended", () => {
  const clock = new SimClock();
  let sent = 0;
  const end = startOpenLoop({ clock, perSecond: 1000, send: () => (sent += 1) && 2 });
  runUntil(clock, 1000);
  expect(sent).toBe(500);
  end();
  runUntil(clock, 2000);
  expect(sent).toBe(500);
});

test("what could not be sent is made up for as far as it may be, and no further", () => {
  const clock = new SimClock();
  let sent = 0;
  let isFull = true;
  startOpenLoop({ clock, perSecond: 1000, owedMax: 50, send: () => (isFull ? 0 : (sent++, 1)) });
  runUntil(clock, 1000);
  expect(sent).toBe(0);
  isFull = false;
  runUntil(clock, 1005);
  expect(sent).toBe(50);
  runUntil(clock, 1105);
  expect(sent).toBe(150);
});
