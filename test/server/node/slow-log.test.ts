import { describe, expect, test } from "vitest";
import { SlowLog } from "../../../src/server/node/slow-log.ts";
import type { LogFields, Logger } from "../../../src/machine/ports/logger.ts";
import { SlowReadCounter } from "../../../src/replica/requests/slow-reads.ts";
import { SLOW_WRITE_MS, SlowWriteCounter } from "../../../src/replica/requests/slow-writes.ts";

function batch(sinceMs: number, proposedMs: number, groups = 1) {
  return { sinceMs, proposedMs, groups: Array.from({ length: groups }) };
}

const after = (idx: number) => ({ appliedIdx: idx + 1, revision: 100 + idx });

describe("slow writes", () => {
  test("are those of more than a second; the slowest is told, and how many there were", () => {
    const counter = new SlowWriteCounter();
    counter.note(batch(0, 0), after(1), SLOW_WRITE_MS - 1);
    expect(counter.take()).toBe(null);
    counter.note(batch(0, 200, 2), after(2), 1500);
    counter.note(batch(0, 900, 3), after(3), 4000);
    counter.note(batch(0, 100, 4), after(4), 2000);
    expect(counter.take()).toEqual({ frames: 9, idx: 3, revision: 103, ms: 4000, waitedMs: 900 });
    expect(counter.take()).toBe(null);
  });

  test("make one line in ten seconds, which has what came meanwhile", () => {
    const slow = new SlowWriteCounter();
    let nowMs = 0;
    const said: (LogFields | undefined)[] = [];
    const ignore = (): void => {};
    const warn: Logger["warn"] = (_, fields) => void said.push(fields);
    const logger: Logger = {
      enabled: () => true,
      debug: ignore,
      info: ignore,
      warn,
      error: ignore,
    };
    const parts = { reads: new SlowReadCounter(), tickMs: 10, lastSyncMs: () => 7 };
    const log = new SlowLog({ writes: slow, clock: { now: () => nowMs }, logger, ...parts });
    log.update();
    expect(said).toEqual([]);
    for (const idx of [5, 6, 7]) {
      slow.note(batch(nowMs, nowMs + 100), after(idx), nowMs + 1000 + idx);
      log.update();
      nowMs += 4000;
    }
    expect(said).toHaveLength(1);
    nowMs = 10_000;
    log.update();
    expect(said).toEqual([
      {
        frames: 1,
        idx: 5,
        revision: 105,
        slowestMs: 1005,
        waitedMs: 100,
        agreedMs: 905,
        lastSyncMs: 7,
      },
      {
        frames: 2,
        idx: 7,
        revision: 107,
        slowestMs: 1007,
        waitedMs: 100,
        agreedMs: 907,
        lastSyncMs: 7,
      },
    ]);
  });
});

test("slow reads make a line of their own in ten seconds, in milliseconds of three parts", () => {
  const reads = new SlowReadCounter();
  let nowMs = 0;
  const said: unknown[] = [];
  const ignore = (): void => {};
  const log = new SlowLog({
    writes: new SlowWriteCounter(),
    reads,
    tickMs: 10,
    clock: { now: () => nowMs },
    logger: {
      enabled: () => true,
      debug: ignore,
      info: ignore,
      warn: (text, fields) => void said.push([text, fields]),
      error: ignore,
    },
    lastSyncMs: () => null,
  });
  reads.note({ arrivedTick: 0, count: 4 }, { learntTick: 90, startedTick: 100 }, 110);
  log.update();
  reads.note({ arrivedTick: 0, count: 4 }, { learntTick: 90, startedTick: 100 }, 110);
  nowMs = 9000;
  log.update();
  const fields = { frames: 1, keys: 4, slowestMs: 1100, indexMs: 900, applyMs: 100, readMs: 100 };
  expect(said).toEqual([["reads took long", fields]]);
  nowMs = 10_000;
  log.update();
  expect(said).toHaveLength(2);
});
