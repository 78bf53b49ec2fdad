/** Entries are counted in blocks of about so many bytes, so that the account stays small however long the log is. */
const BLOCK_BYTES = 64 * 1024;

interface Block {
  readonly fromIdx: number;
  endIdx: number;
  bytes: number;
}

/** About how many bytes of entries the log holds that are neither overwritten nor compacted. */
export class LiveBytes {
  #blocks: Block[] = [];
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** Entries at fromIdx take the place of everything there and after. */
  append(fromIdx: number, entries: readonly Uint8Array[]): void {
    this.#truncate(fromIdx);
    let idx = fromIdx;
    for (const entry of entries) {
      const bytes = entry.length + 2;
      const last = this.#blocks.at(-1);
      idx += 1;
      this.#bytes += bytes;
      if (last !== undefined && last.endIdx === idx - 1 && last.bytes < BLOCK_BYTES) {
        last.endIdx = idx;
        last.bytes += bytes;
      } else {
        this.#blocks.push({ fromIdx: idx - 1, endIdx: idx, bytes });
      }
    }
  }

  /** Entries below idx are gone. */
  compact(idx: number): void {
    const firstKept = this.#blocks.findIndex((block) => block.endIdx > idx);
    const gone = this.#blocks.splice(0, firstKept === -1 ? this.#blocks.length : firstKept);
    for (const block of gone) this.#bytes -= block.bytes;
  }

  #truncate(endIdx: number): void {
    for (let last = this.#blocks.at(-1); last !== undefined; last = this.#blocks.at(-1)) {
      if (last.endIdx <= endIdx) return;
      this.#blocks.pop();
      this.#bytes -= last.bytes;
      if (last.fromIdx >= endIdx) continue;
      const share = (endIdx - last.fromIdx) / (last.endIdx - last.fromIdx);
      const bytes = Math.round(last.bytes * share);
      this.#blocks.push({ fromIdx: last.fromIdx, endIdx, bytes });
      this.#bytes += bytes;
    }
  }
}
