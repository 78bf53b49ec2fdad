/** What waits in watches is bounded for each and for all, and what is over takes no room. */
import { expect, test } from "vitest";
import { KvError } from "../../../src/base/errors.ts";
import {
  WATCH_BYTES_MAX,
  WATCHES_BYTES_MAX,
  WatchQueue,
} from "../../../src/client/watches/watch-queue.ts";
import type { WatchBatch } from "../../../src/client/watches/watch-types.ts";

const batch = (revision: number): WatchBatch => ({ type: "events", revision, events: [] });

test("one is full with its share, and takes more when most of it is gone", async () => {
  const queue = new WatchQueue({ bytes: 0 });
  const parts = 8;
  for (let i = 1; !queue.isFull; i++) queue.push(batch(i), WATCH_BYTES_MAX / parts);
  let taken = 0;
  for (; !queue.isLow; taken++) await queue.take();
  expect(taken).toBe(parts - 1);
});

test("all together have a bound, under which one that is empty still takes a batch", async () => {
  const all = { bytes: 0 };
  const many = Array.from({ length: 20 }, () => new WatchQueue(all));
  for (const queue of many) while (!queue.isFull) queue.push(batch(1), WATCH_BYTES_MAX / 2);
  expect(all.bytes).toBeGreaterThanOrEqual(WATCHES_BYTES_MAX);
  expect(all.bytes).toBeLessThan(WATCHES_BYTES_MAX + 20 * WATCH_BYTES_MAX);
  const late = new WatchQueue(all);
  expect(late.isFull).toBe(false);
  late.push(batch(1), 1);
  expect(late.isFull).toBe(true);
  for (const queue of [...many, late]) queue.clear();
  expect(all.bytes).toBe(0);
});

test("what is over takes no room from others, and is still told to the end", async () => {
  const all = { bytes: 0 };
  const queue = new WatchQueue(all);
  queue.push(batch(1), 100);
  queue.push(batch(2), 100);
  queue.end(new KvError("COMPACTED", "gone"));
  expect(all.bytes).toBe(0);
  expect(await queue.take()).toMatchObject({ value: { revision: 1 } });
  expect(await queue.take()).toMatchObject({ value: { revision: 2 } });
  await expect(queue.take()).rejects.toMatchObject({ code: "COMPACTED" });
  expect(await queue.take()).toEqual({ done: true, value: undefined });
  expect(all.bytes).toBe(0);
});

test("who waits gets what comes, in turn, and the end", async () => {
  const queue = new WatchQueue({ bytes: 0 });
  const waiting = [queue.take(), queue.take(), queue.take()];
  queue.push(batch(1), 1);
  queue.end(new KvError("CANCELLED", "over"));
  expect(await waiting[0]).toMatchObject({ value: { revision: 1 } });
  await expect(waiting[1]).rejects.toMatchObject({ code: "CANCELLED" });
  expect(await waiting[2]).toEqual({ done: true, value: undefined });
});
