/** Settings of the cluster are answered when they hold, with what holds, and never with less than is known. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { AdminResult } from "../../../src/protocol/admin/index.ts";
import type { GatewayContext } from "../../../src/server/gateway/context.ts";
import { askSettings } from "../../../src/server/gateway/setting-requests.ts";
import { KvState } from "../../../src/store/index.ts";
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
  expect(before).toMatchObject({
    confirmed: true,
    quotaIsSet: false,
    quotaBytes: before.quotaDefault,
  });
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

test.each([
  { kind: "cutOff", waits: false },
  { kind: "following", waits: true },
])("a node that is $kind and hears no quorum tells its settings as nobody's word", (standing) => {
  const told: AdminResult<"getSettings">[] = [];
  const late: (() => void)[] = [];
  const closed = vi.fn();
  const replica = {
    state: new KvState(),
    standing: () => standing,
    newRouteId: () => 1,
    // Nobody answers.
    onReads: () => {},
    onRouteClosed: closed,
  };
  const clock = { after: (_: number, call: () => void) => (late.push(call), () => {}) };
  const context = { replica, machine: { clock }, wake: () => {} } as unknown as GatewayContext;
  askSettings(context, (settings) => void told.push(settings));
  expect([told.length, late.length]).toEqual(standing.waits ? [0, 1] : [1, 0]);
  for (const call of late) call();
  expect(told).toMatchObject([{ confirmed: false, quotaIsSet: false }]);
  // The read does not wait on for nobody.
  expect(closed).toHaveBeenCalledTimes(late.length);
});
