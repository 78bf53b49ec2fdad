/** Of programs with the same task one runs it, as node-cron decides with the coordinator. */
import cron, { type RunCoordinator, type ScheduledTask } from "node-cron";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { omnikvRunCoordinator } from "../../src/adapters/node-cron.ts";
import { startCluster, type Cluster } from "./cluster.ts";

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster(1);
});
afterAll(() => cluster.stop());

test("of many who ask for one run, one is told to", async () => {
  const coordinators = Array.from({ length: 10 }, () => omnikvRunCoordinator(cluster.client()));
  const told = await Promise.all(coordinators.map((each) => each.shouldRun("backup:1", 60_000)));
  expect(told.filter(Boolean)).toHaveLength(1);
  expect(await coordinators[0]?.shouldRun("backup:2", 60_000)).toBe(true);
});

test("a lease that has ended counts no more, and nothing is left of it", async () => {
  const coordinator = omnikvRunCoordinator(cluster.client(), { prefix: "short/" });
  expect(await coordinator.shouldRun("a", 1000)).toBe(true);
  expect(await coordinator.shouldRun("a", 1000)).toBe(false);
  const left = async (): Promise<number> =>
    (await cluster.client().count({ prefix: "short/" })).count;
  await vi.waitFor(async () => expect(await left()).toBe(0), { timeout: 20_000 });
  expect(await coordinator.shouldRun("a", 60_000)).toBe(true);
  await expect(coordinator.shouldRun("c", 0)).rejects.toMatchObject({ code: "BAD_REQUEST" });
});

test("tasks of three programs run once each time", async () => {
  const runs: number[] = [];
  const skipped: number[] = [];
  const tasks: ScheduledTask[] = [1, 2, 3].map((program) => {
    const runCoordinator: RunCoordinator = omnikvRunCoordinator(cluster.client());
    const task = cron.schedule("* * * * * *", (context) => void runs.push(context.date.getTime()), {
      name: "every second",
      distributed: true,
      runCoordinator,
    });
    task.on("execution:skipped", () => void skipped.push(program));
    return task;
  });
  // Who is not to run hears of it after the one who is.
  const least = (): number => Math.min(runs.length, skipped.length);
  await vi.waitFor(() => expect(least()).toBeGreaterThanOrEqual(2), { timeout: 20_000 });
  await Promise.all(tasks.map(async (task) => task.destroy()));
  const seconds = runs.map((time) => Math.floor(time / 1000));
  expect(new Set(seconds).size).toBe(seconds.length);
});
