/** Looks at the heap now and then, has the replica refuse what the heap has no room for, and says so in the log. */
import { unreachable } from "../../base/index.ts";
import type { Logger, Memory } from "../../machine/ports/index.ts";
import type { MemoryLevel, Replica } from "../../replica/index.ts";
import { HeapGuard } from "./heap-guard.ts";
import type { Machine } from "./machine.ts";

/** A burst of small requests can make the state grow by megabytes in a few of a cluster's rounds; to look costs nothing. */
const EVERY_MS = 20;

/** With less, sessions that keep all that they may (store/sessions) leave next to nothing of the state's share to keys. */
const HEAP_BYTES_MIN = 256 * 1024 * 1024;

export class MemoryWatch {
  readonly #replica: Replica;
  readonly #logger: Logger;
  readonly #guard: HeapGuard;
  readonly #ticks: number;
  #tick = 0;
  #level: MemoryLevel = "enough";

  constructor(memory: Memory, replica: Replica, logger: Logger, tickMs: number) {
    this.#replica = replica;
    this.#logger = logger;
    this.#guard = new HeapGuard(memory, () => replica.state.heapBytes);
    this.#ticks = Math.max(1, Math.round(EVERY_MS / tickMs));
    const { contentBytes, sizeBytes, quotaBytes } = replica.state;
    logger.info("memory", {
      heapMiB: mebibytes(this.#guard.limitBytes),
      stateMaxMiB: mebibytes(this.#guard.stateBytesMax),
      stateMiB: mebibytes(sizeBytes),
      quotaMiB: mebibytes(quotaBytes),
      contentMiB: mebibytes(contentBytes),
    });
    if (this.#guard.limitBytes < HEAP_BYTES_MIN) {
      logger.warn(
        "a heap below 256 MiB is for labs: what the sessions of clients keep may take all that the state has of it",
        {
          heapMiB: mebibytes(this.#guard.limitBytes),
          help: "NODE_OPTIONS=--max-old-space-size=1000",
        },
      );
    }
    this.#look();
  }

  tick(): void {
    this.#tick += 1;
    if (this.#tick % this.#ticks === 0) this.#look();
  }

  #look(): void {
    const level = this.#guard.sample();
    if (level === this.#level) return;
    const stateMiB = mebibytes(this.#replica.state.heapBytes);
    const fields = { stateMiB, heapMiB: mebibytes(this.#guard.limitBytes) };
    this.#level = level;
    this.#replica.onMemory(level, this.#guard.limitBytes);
    switch (level) {
      case "enough":
        return this.#logger.info("memory is enough again: all writes are accepted", fields);
      case "short":
        return this.#logger.error(
          "memory is short: writes that make the state grow are refused (NO_SPACE), deletes and reads go on",
          fields,
        );
      case "critical":
        return this.#logger.error(
          "memory is nearly used up: all writes but deletes are refused (NO_SPACE)",
          fields,
        );
      default:
        return unreachable(level, "memory level");
    }
  }
}

/** @returns null when the machine does not say what memory there is */
export function watchMemory(
  { memory, logger }: Machine,
  replica: Replica,
  tickMs: number,
): MemoryWatch | null {
  return memory === undefined ? null : new MemoryWatch(memory, replica, logger, tickMs);
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}
