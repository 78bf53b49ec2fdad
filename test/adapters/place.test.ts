/** What adapters have in common: their own part of the store, and how it is emptied. */
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { Place } from "../../src/adapters/place.ts";
import { KvError } from "../../src/base/index.ts";
import { startCluster, type Cluster } from "./cluster.ts";

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster(1);
});
afterAll(() => cluster.stop());

const KEYS = 4000;

/** Counts transactions under way; the one of this number fails. */
async function filled(name: string, failing = Infinity) {
  const view = cluster.client().withPrefix(name);
  for (let i = 0; i < KEYS; i++) void view.write(`place/${i}`, "v");
  await view.write("other", "v");
  const txn = view.txn.bind(view);
  const seen = { now: 0, most: 0, begun: 0 };
  vi.spyOn(view, "txn").mockImplementation(async (...asked) => {
    seen.begun += 1;
    seen.now += 1;
    seen.most = Math.max(seen.most, seen.now);
    try {
      if (seen.begun === failing) throw new KvError("NO_QUORUM", "nobody leads");
      return await txn(...asked);
    } finally {
      seen.now -= 1;
    }
  });
  return { view, place: new Place(view, {}, "place/"), seen };
}

test("is emptied by a few transactions at a time, so that none waits for thousands", async () => {
  const { view, place, seen } = await filled("many/");
  expect((await view.count({})).count).toBe(KEYS + 1);
  await place.clear();
  expect((await view.count({})).count).toBe(1);
  expect(seen.begun).toBe(Math.ceil(KEYS / 128));
  expect(seen.most).toBeLessThanOrEqual(8);
});

test("deletes nothing any more once it has told that it could not", async () => {
  const { view, place, seen } = await filled("fails/", 10);
  await expect(place.clear()).rejects.toMatchObject({ code: "NO_QUORUM" });
  expect(seen.now).toBe(0);
  const { begun } = seen;
  const { count } = await view.count({});
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect([seen.begun, (await view.count({})).count]).toEqual([begun, count]);
  expect(begun).toBeLessThan(20);
});
