/** Settings of the cluster are answered when they hold, with what holds, and never with less than is known. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { startGateWorld, type GateWorld } from "./world.ts";

let world: GateWorld;
beforeEach(async () => {
  world = await startGateWorld();
});
afterEach(() => world.close());

test("a compaction is answered when it was applied: what it gave up cannot be read by then", async () => {
  const { client, admin } = world;
  for (const value of ["1", "2", "3", "4"]) await client.write("a", value);
  const { revision: now } = await client.count({});
  const told = await admin.call(1, "compact", { revision: now });
  expect(told).toMatchObject({ oldest: now, revision: now });
  await expect(client.read("a", { revision: now - 1 })).rejects.toMatchObject({
    ...{ code: "COMPACTED", oldestRevision: now },
  });
  await expect(admin.call(1, "compact", { revision: now + 1 })).rejects.toMatchObject({
    code: "BAD_REQUEST",
    message: expect.stringContaining(`revision ${now + 1} is not there yet`) as string,
  });
});

test("bounds of the history and the quota are answered when they hold", async () => {
  const { client, admin } = world;
  for (const value of ["1", "2", "3", "4"]) await client.write("a", value);
  const before = await admin.call(1, "getSettings", {});
  expect(before).toMatchObject({ quotaIsSet: false, quotaBytes: before.quotaDefault });
  const told = await admin.call(1, "setHistory", { revisions: 2, bytes: null });
  expect(told).toMatchObject({ revisions: 2, revisionsMax: 2, oldest: told.revision - 2 });
  await admin.call(1, "setQuota", { bytes: 2 ** 25 });
  const after = await admin.call(1, "getSettings", {});
  expect(after).toMatchObject({ quotaIsSet: true, quotaBytes: 2 ** 25, history: { revisions: 2 } });
});

test("of settings on one connection each waits for the one before, and all are answered in order", async () => {
  const { client, admin } = world;
  for (const value of ["1", "2", "3", "4"]) await client.write("a", value);
  const answers = await Promise.all([
    ...[3, 2, 1].map((revisions) => admin.call(1, "setHistory", { revisions, bytes: null })),
    admin.call(1, "getHistory", {}),
  ]);
  expect(answers.map(({ revisionsMax }) => revisionsMax)).toEqual([3, 2, 1, 1]);
});
