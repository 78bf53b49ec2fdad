/**
 * One bound for the bytes that a server holds for all its connections together: frames that are not whole, frames that wait for
 * their turn, answers that clients do not read. Each connection is bounded too, but forty of them are more than a process has.
 *
 * Invariant: after `changed` or `audit` all holders together hold at most `bytesMax`: the largest holders are given up first.
 */
export interface BufferHolder {
  /** All that is held for it now. */
  heldBytes(): number;
  /** Ends it at once: `heldBytes` is 0 from now on. */
  giveUp(reason: string): void;
}

export class BufferBudget {
  readonly bytesMax: number;
  readonly #holders = new Map<BufferHolder, number>();
  /** The bytes held when each holder was last asked: it does not tell when answers leave. */
  #counted = 0;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  add(holder: BufferHolder): void {
    this.#holders.set(holder, 0);
  }

  remove(holder: BufferHolder): void {
    this.#counted -= this.#holders.get(holder) ?? 0;
    this.#holders.delete(holder);
  }

  /** @param bytes what this one holds now */
  changed(holder: BufferHolder, bytes: number): void {
    const before = this.#holders.get(holder);
    if (before === undefined || before === bytes) return;
    this.#holders.set(holder, bytes);
    this.#counted += bytes - before;
    if (this.#counted > this.bytesMax) this.audit();
  }

  /** Asks every holder: it does not tell either when a frame comes in piece by piece. */
  audit(): void {
    let sum = 0;
    for (const holder of this.#holders.keys()) {
      const bytes = holder.heldBytes();
      this.#holders.set(holder, bytes);
      sum += bytes;
    }
    this.#counted = sum;
    if (sum <= this.bytesMax) return;
    const largestFirst = [...this.#holders].sort(([, a], [, b]) => b - a);
    for (const [holder, bytes] of largestFirst) {
      if (this.#counted <= this.bytesMax) return;
      this.remove(holder);
      holder.giveUp(`${bytes} bytes are held for it, too many with those of all others`);
    }
  }
}
