/** A restart takes time in proportion to the log, and little of it: a million entries within a few seconds. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { nodeClock } from "../../src/machine/runtime/node-clock.ts";
import { NodeDisk } from "../../src/machine/host/node-disk.ts";
import { silentLogger } from "../../src/machine/ports/logger.ts";
import { LogStorage } from "../../src/storage/log-storage.ts";
import { seededRandom } from "../conformance/seeded-random.ts";
import { until } from "../conformance/wait.ts";

const ENTRIES = 1_000_000;
const ENTRY_BYTES = 100;
const GROUP_ENTRIES = 1000;
/** Many times what it takes on the machine this was written on, busy as that was: it is to catch what grows faster. */
const LIMIT_MS = 10_000;

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "omnikv-recovery-"));
});
afterEach(() => rmSync(root, { recursive: true }));

function open(onDurable: (seq: number) => void): ReturnType<typeof LogStorage.open> {
  const fail = (error: Error): never => expect.unreachable(error.message);
  return LogStorage.open(
    NodeDisk.open(root),
    "log",
    { segmentBytes: 16 * 1024 * 1024, owner: 1, random: seededRandom(1) },
    { onDurable, onFailure: fail, onRoom: () => {} },
    silentLogger,
    nodeClock,
  );
}

async function close(storage: LogStorage): Promise<void> {
  await new Promise<void>((closed) => storage.close(closed));
}

test("a million small entries are recovered within seconds, each of them right", async () => {
  let durable = 0;
  const { storage } = open((seq) => (durable = seq));
  const groups = ENTRIES / GROUP_ENTRIES;
  for (let seq = 1; seq <= groups; seq++) {
    const fromIdx = (seq - 1) * GROUP_ENTRIES;
    const entries = Array.from({ length: GROUP_ENTRIES }, (_, i) => {
      const entry = Buffer.alloc(ENTRY_BYTES, i & 0xff);
      entry.writeUInt32LE(fromIdx + i);
      return entry;
    });
    storage.stage([{ seq, writes: [{ kind: "append", fromIdx, entries }] }]);
    storage.flush();
    // Not far ahead of the disk, as a node would not be.
    if (seq % 50 === 0) await until(() => durable >= seq - 10);
  }
  await until(() => durable === groups);
  await close(storage);

  const begunMs = performance.now();
  const again = open(() => {});
  const tookMs = performance.now() - begunMs;
  const { entries } = again.recovered!;
  expect(entries).toHaveLength(ENTRIES);
  const wrong = entries.findIndex((entry, i) => {
    return (
      entry.length !== ENTRY_BYTES ||
      Buffer.from(entry.buffer, entry.byteOffset, 4).readUInt32LE() !== i
    );
  });
  expect(wrong).toBe(-1);
  expect(tookMs).toBeLessThan(LIMIT_MS);
  await close(again.storage);
}, 60_000);
