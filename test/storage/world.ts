import type { WriteGroup } from "../../src/omnipaxos/index.ts";
import type { Disk } from "../../src/machine/ports/disk.ts";
import type { Random } from "../../src/machine/ports/random.ts";
import { silentLogger, type Logger } from "../../src/machine/ports/logger.ts";
import { SimClock, type ProcessClock } from "../../src/proof/simulator/sim-clock.ts";
import { SimDisk } from "../../src/proof/simulator/sim-disk.ts";
import { LOG_START, type LogPosition } from "../../src/storage/log-end.ts";
import { LogStorage } from "../../src/storage/log-storage.ts";
import { StorageError } from "../../src/storage/storage-error.ts";
import type { LogWrite } from "../../src/storage/log-scalars.ts";
import type { SnapshotName } from "../../src/protocol/messages/replica-message.ts";
import { seededRandom } from "../conformance/seeded-random.ts";

export type Group = WriteGroup<Uint8Array, SnapshotName>;

export function group(seq: number, ...writes: LogWrite[]): Group {
  return { seq, writes };
}

export function append(fromIdx: number, ...texts: string[]): LogWrite {
  return { kind: "append", fromIdx, entries: texts.map((text) => new TextEncoder().encode(text)) };
}

export function decided(decidedIdx: number): LogWrite {
  return { kind: "decided", decidedIdx };
}

export function promise(n: number): LogWrite {
  return { kind: "promise", promise: { configId: 1, n, priority: 0, pid: 1 } };
}

export function compact(idx: number, snapshotIdx: number | null = null): LogWrite {
  const value = { idx: snapshotIdx ?? 0, bytes: 100, crc: 7 };
  const snapshot =
    snapshotIdx === null ? null : ({ kind: "complete", idx: snapshotIdx, value } as const);
  return { kind: "compact", idx, snapshot };
}

export function texts(entries: readonly Uint8Array[]): string[] {
  return entries.map((entry) => new TextDecoder().decode(entry));
}

export const END = "log/end";

/** A simulated machine: its clock, its disk, and the log of the process that runs on it. */
export class World {
  readonly clock = new SimClock();
  readonly disk: SimDisk;
  readonly durable: number[] = [];
  readonly failures: Error[] = [];
  readonly room: boolean[] = [];
  readonly warnings: string[] = [];
  readonly segmentBytes: number;
  readonly #random: Random;
  process: ProcessClock;
  /** Whose log it is. */
  owner = 7;
  /** How far the log came, as is known from elsewhere. */
  reached: LogPosition = LOG_START;

  constructor(segmentBytes = 4096, seed = 1, onOperation?: (name: string, path: string) => void) {
    this.segmentBytes = segmentBytes;
    this.#random = seededRandom(seed + 1);
    this.process = this.clock.fork();
    this.disk = new SimDisk({
      random: seededRandom(seed),
      schedule: (ms, callback) => this.clock.after(ms, callback),
      ...(onOperation === undefined ? {} : { onOperation }),
    });
  }

  open(disk: Disk = this.disk, mustExist = false): ReturnType<typeof LogStorage.open> {
    const logger: Logger = { ...silentLogger, warn: (text) => this.warnings.push(text) };
    const hooks = {
      onDurable: (seq: number): void => void this.durable.push(seq),
      onFailure: (error: Error): void => void this.failures.push(error),
      onRoom: (hasRoom: boolean): void => void this.room.push(hasRoom),
    };
    return LogStorage.open(
      disk,
      "log",
      {
        segmentBytes: this.segmentBytes,
        owner: this.owner,
        mustExist,
        reached: this.reached,
        random: this.#random,
      },
      hooks,
      logger,
      this.process,
    );
  }

  /** What the mark of the end of the log has in its file. */
  get endBytes(): Uint8Array {
    return this.disk.read(END, 0, this.disk.size(END));
  }

  /** Bytes in all files but that one, which has the same size always. */
  get logFileBytes(): number {
    return this.disk.usedBytes - this.disk.size(END);
  }

  /** What opening it ends in: the code of an error, or the entries found. */
  openedOrRefused(mustExist = true): string | string[] {
    try {
      return texts(this.open(this.disk, mustExist).recovered?.entries ?? []);
    } catch (error) {
      if (error instanceof StorageError) return error.code;
      throw error;
    }
  }

  /** The process is gone; what it reported stays in the lists. */
  crash(kind: "process" | "power" = "power"): void {
    this.process.stop();
    this.disk.crash(kind);
    this.process = this.clock.fork();
  }

  /** Until nothing is left to do. */
  settle(): void {
    if (!this.clock.runUntil(() => this.clock.nextTime() === null, 60_000)) {
      throw new Error("it does not come to rest");
    }
  }

  /** Stages and flushes groups one after the other, each durable before the next. */
  writeAll(storage: LogStorage, groups: readonly Group[]): void {
    for (const one of groups) {
      storage.stage([one]);
      storage.flush();
      if (!this.clock.runUntil(() => this.durable.at(-1) === one.seq, 60_000)) {
        throw new Error(`group ${one.seq} does not become durable`);
      }
    }
  }
}
