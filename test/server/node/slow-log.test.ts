import { describe, expect, test } from "vitest";
import { SlowLog } from "../../../src/server/node/slow-log.ts";
import type { LogFields, Logger } from "../../../src/machine/ports/logger.ts";
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
    const log = new SlowLog({ slow, clock: { now: () => nowMs }, logger, lastSyncMs: () => 7 });
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
