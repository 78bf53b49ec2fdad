import type { Random } from "../../machine/ports/index.ts";

/** A write that a loss of power may undo, wholly or in part. */
interface LooseWrite {
  readonly position: number;
  before: Uint8Array;
  readonly after: Uint8Array;
  sizeBefore: number;
}

/** Power may fail between any two of these units of a write. Small and odd ones find more than real disks would show. */
const TEAR_UNITS = [1, 8, 512, 4096] as const;

/**
 * The bytes of one file, as the programs of the machine see them, and which of them a loss of power may take back.
 *
 * Invariant: undoing `#loose` from the last to the first gives what is on the disk for certain.
 */
export class SimFile {
  #bytes = new Uint8Array(0);
  #size = 0;
  #loose: LooseWrite[] = [];
  /** Writes whose sync failed: a later sync does not bring them to the disk. */
  #forgotten: LooseWrite[] = [];

  get size(): number {
    return this.#size;
  }

  read(position: number, length: number): Uint8Array {
    return this.#bytes.slice(position, Math.min(position + length, this.#size));
  }

  write(position: number, bytes: Uint8Array): void {
    const end = position + bytes.length;
    this.#loose.push({
      position,
      before: this.#bytes.slice(position, Math.min(end, this.#size)),
      after: bytes.slice(),
      sizeBefore: this.#size,
    });
    this.#put(position, bytes);
  }

  truncate(length: number): void {
    // Kept simple: a truncation is on the disk at once, with what was written before it.
    this.synced();
    this.#grow(length);
    this.#bytes.fill(0, length);
    this.#size = length;
  }

  /** Everything written so far is on the disk. */
  synced(): void {
    // What is written over bytes of a failed sync is on the disk all the same: the page was dirty again.
    for (const forgotten of this.#forgotten) {
      for (const write of this.#loose) cover(forgotten, write);
    }
    this.#loose = [];
  }

  /** A sync failed: the system takes the bytes for clean from now on, wherever they are. */
  syncFailed(): void {
    this.#forgotten.push(...this.#loose);
    this.#loose = [];
  }

  /** The file was written again, so all that a later reader sees is on the disk. */
  settle(): void {
    this.#loose = [];
    this.#forgotten = [];
  }

  /** Loss of power: each write since the last sync stays, goes, or stays in pieces. */
  losePower(random: Random): void {
    const fates = [...this.#forgotten, ...this.#loose];
    this.#forgotten = [];
    this.#loose = [];
    if (fates.length === 0) return;
    // Back to what is certain, then forward again with what the disk happened to have taken.
    for (const write of fates.toReversed()) {
      this.#bytes.fill(0, write.position, write.position + write.after.length);
      this.#bytes.set(write.before, write.position);
      this.#size = write.sizeBefore;
    }
    for (const write of fates) this.#redo(write, random);
  }

  #redo(write: LooseWrite, random: Random): void {
    const fate = random.uint32() % 4;
    if (fate === 0) return;
    if (fate === 1) {
      this.#put(write.position, write.after);
      return;
    }
    const unit = TEAR_UNITS[random.uint32() % TEAR_UNITS.length] ?? 1;
    const units = Math.ceil(write.after.length / unit);
    const firstLost = random.uint32() % (units + 1);
    for (let i = 0; i < units; i++) {
      // Either a clean cut, or each unit by itself: a disk may carry out the parts of a write in any order.
      const kept = fate === 2 ? i < firstLost : random.uint32() % 2 === 0;
      if (kept) {
        this.#put(write.position + i * unit, write.after.subarray(i * unit, (i + 1) * unit));
      }
    }
  }

  #put(position: number, bytes: Uint8Array): void {
    this.#grow(position + bytes.length);
    this.#bytes.set(bytes, position);
    this.#size = Math.max(this.#size, position + bytes.length);
  }

  #grow(size: number): void {
    if (size <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(size, 2 * this.#bytes.length));
    grown.set(this.#bytes.subarray(0, this.#size));
    this.#bytes = grown;
  }
}

/** Bytes of `write` that lie within `forgotten` are certain now, whether the forgotten write stays or goes. */
function cover(forgotten: LooseWrite, { position, after }: LooseWrite): void {
  const start = Math.max(position, forgotten.position);
  const end = Math.min(position + after.length, forgotten.position + forgotten.after.length);
  forgotten.sizeBefore = Math.max(forgotten.sizeBefore, position + after.length);
  if (start >= end) return;
  const certain = after.subarray(start - position, end - position);
  const offset = start - forgotten.position;
  if (forgotten.before.length < offset + certain.length) {
    const longer = new Uint8Array(offset + certain.length);
    longer.set(forgotten.before);
    forgotten.before = longer;
  }
  forgotten.before.set(certain, offset);
  forgotten.after.set(certain, offset);
}
