/** The load: its rate, its bounds, and what it tells. */
import { expect, test } from "vitest";
import { KvError } from "../../../src/base/errors.ts";
import { Load } from "../../../src/client/scenarios/steady-load.ts";
import { HandClock } from "../hand-clock.ts";

test.each([5, 20, 100])("%i writes a second, over and over to fifty keys", async (rate) => {
  const clock = new HandClock();
  const keys: string[] = [];
  const load = new Load({ clock, write: async (key) => keys.push(key) });
  load.set(rate);
  await clock.run(10_000);
  expect(keys).toHaveLength(10 * rate);
  expect(new Set(keys).size).toBe(50);
  expect(load.view).toMatchObject({ perSecond: rate, answered: 10 * rate, failed: 0, waiting: 0 });
  load.set(0);
  await clock.run(1000);
  expect(keys).toHaveLength(10 * rate);
});

test("who gets no answer begins no more than 64, and says what it did not begin", async () => {
  const clock = new HandClock();
  const load = new Load({ clock, write: () => new Promise(() => {}) });
  load.set(100);
  await clock.run(1000);
  expect(load.view).toMatchObject({ waiting: 64, heldBack: 36, answered: 0 });
});

test("a failure is told until a write is answered", async () => {
  const clock = new HandClock();
  let fails = true;
  const write = (): Promise<unknown> =>
    fails ? Promise.reject(new KvError("NO_QUORUM", "nobody leads")) : Promise.resolve();
  const load = new Load({ clock, write });
  load.set(5);
  await clock.run(400);
  expect(load.view).toMatchObject({ failed: 2, trouble: "nobody leads" });
  fails = false;
  await clock.run(400);
  expect(load.view).toMatchObject({ failed: 2, answered: 2, trouble: null });
});

test("a tab that slept for an hour makes up for a second of it", async () => {
  const clock = new HandClock();
  let writes = 0;
  const load = new Load({ clock, write: async () => (writes += 1) });
  load.set(20);
  clock.sleep(3_600_000);
  await clock.run(20);
  expect(writes).toBeLessThanOrEqual(20);
});

test("what is answered after it was turned off and on again counts no more", async () => {
  const clock = new HandClock();
  const answers: (() => void)[] = [];
  const load = new Load({ clock, write: () => new Promise<void>((end) => answers.push(end)) });
  load.set(20);
  await clock.run(100);
  load.set(20);
  for (const answer of answers) answer();
  await clock.run(10);
  expect(load.view).toMatchObject({ answered: 0, waiting: 0 });
});
