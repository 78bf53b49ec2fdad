/**
 * The lengths of long values that are on their way into the log: a client may append to one, or read it in a transaction, before
 * any node has it, and that is as much work as if it was there.
 */
import type { ByteString } from "../../base/index.ts";

/** A second at 10 ms a tick: what takes longer waits for a leader, and little of it is under way. */
const KEPT_TICKS = 100;
/** Keys, those noted last. */
const KEPT_KEYS = 4096;

interface Coming {
  readonly length: number;
  readonly tick: number;
}

export class ComingLengths {
  /** In the order in which they were noted last. */
  readonly #lengths = new Map<ByteString, Coming>();

  /** @returns 0: nothing long is on its way there */
  of(key: ByteString): number {
    return this.#lengths.get(key)?.length ?? 0;
  }

  /** The longest that is on its way counts: nobody knows which will be there first. */
  note(key: ByteString, length: number, tick: number): void {
    const longest = Math.max(length, this.of(key));
    this.#lengths.delete(key);
    this.#lengths.set(key, { length: longest, tick });
    if (this.#lengths.size > KEPT_KEYS) this.#dropFirst();
  }

  /** What was noted long ago has arrived, or never will. */
  forget(tick: number): void {
    for (const { tick: noted } of this.#lengths.values()) {
      if (tick - noted < KEPT_TICKS) return;
      this.#dropFirst();
    }
  }

  #dropFirst(): void {
    for (const key of this.#lengths.keys()) {
      this.#lengths.delete(key);
      return;
    }
  }
}
