/**
 * A small file for a value that changes often and must never be lost whole: slots of one size, each with a counter and a
 * checksum. Preallocated, so that a full disk does not stand in its way. docs/storage.md has the layout.
 *
 * Two pairs of slots and a single one, because the three ways of writing must not get into each other's way: `keep` may be
 * under way when `keepNow` has to be done before it returns.
 *
 * Invariants:
 *   SLOT-1. Of each pair the one is written only when the other is durable. So a crash in the middle of a write costs that
 *       write, and a pair without a valid slot is damage.
 *   SLOT-2. A value gets its counter when it is handed over, not when it is written: of the values that can be read, the one with
 *       the highest counter was handed over last.
 */
import { crc32c } from "@node-rs/crc32";
import { assert } from "../base/index.ts";
import type { Disk, DiskCallback, DiskFile } from "../machine/ports/index.ts";

const KEEP_SLOTS = [0, 1] as const;
const KEEP_NOW_SLOTS = [2, 3] as const;
const NOTE_SLOT = 4;
const SLOTS = 5;
const MAGIC = 0x544f4c53;
const FORMAT_VERSION = 1;
/** u32 crc of all that follows · u32 magic · u32 format · u32 payload bytes · u64 counter */
const HEADER_BYTES = 24;

interface Slot {
  readonly index: number;
  readonly counter: number;
  readonly payload: Uint8Array;
}

interface Waiting {
  readonly image: Uint8Array;
  readonly callbacks: readonly DiskCallback[];
}

/** Makes the error of what is wrong with a file. */
type Damaged = (what: string) => Error;

export class SlotFile {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #slotBytes: number;
  readonly #file: DiskFile;
  readonly #noteImage: Uint8Array;
  #counter: number;
  /** The slot of its pair that is written next. */
  #keepSlot: number;
  #keepNowSlot: number;
  #underWay = false;
  #waiting: Waiting | null = null;
  #onClosed: DiskCallback | null = null;

  /** Makes the file, or makes it anew. Durable when it returns. @throws DiskFullError */
  static create(disk: Disk, path: string, slotBytes: number, payload: Uint8Array): void {
    const bytes = new Uint8Array(SLOTS * slotBytes);
    const image = slotImage(slotBytes, 1, payload);
    for (const slot of [...KEEP_SLOTS, ...KEEP_NOW_SLOTS]) bytes.set(image, slot * slotBytes);
    disk.replace(path, bytes);
  }

  /** The value handed over last, of those that reached the disk. */
  static read(disk: Disk, path: string, slotBytes: number, damaged: Damaged): Uint8Array {
    return newest(readSlots(disk, path, slotBytes, damaged)).payload;
  }

  /**
   * What is read may never have reached the disk: the process before died before its sync, or of its sync. So the slot of each pair
   * that is to stand by, while the other one is written, is written again first (SLOT-1).
   * @throws what `damaged` makes
   */
  static open(disk: Disk, path: string, slotBytes: number, damaged: Damaged): SlotFile {
    const slots = readSlots(disk, path, slotBytes, damaged);
    for (const pair of [KEEP_SLOTS, KEEP_NOW_SLOTS]) {
      const standing = otherOf(pair, olderOf(slots, pair));
      const slot = slots.find(({ index }) => index === standing);
      if (slot === undefined) continue;
      const image = slotImage(slotBytes, slot.counter, slot.payload);
      disk.writeNow(path, standing * slotBytes, image);
    }
    return new SlotFile(disk, path, slotBytes, disk.open(path), slots);
  }

  private constructor(
    disk: Disk,
    path: string,
    slotBytes: number,
    file: DiskFile,
    slots: readonly Slot[],
  ) {
    this.#disk = disk;
    this.#path = path;
    this.#slotBytes = slotBytes;
    this.#file = file;
    this.#noteImage = new Uint8Array(slotBytes);
    this.#counter = newest(slots).counter;
    this.#keepSlot = olderOf(slots, KEEP_SLOTS);
    this.#keepNowSlot = olderOf(slots, KEEP_NOW_SLOTS);
  }

  /**
   * Makes the value durable. One at a time: values handed over meanwhile wait, and only the newest of them is written.
   * @param done when this value or a newer one is durable
   */
  keep(payload: Uint8Array, done: DiskCallback): void {
    const image = slotImage(this.#slotBytes, this.#nextCounter(), payload);
    this.#waiting = { image, callbacks: [...(this.#waiting?.callbacks ?? []), done] };
    this.#writeNext();
  }

  /** Durable when it returns. Blocks for two syncs, so callers must use it rarely. */
  keepNow(payload: Uint8Array): void {
    const image = slotImage(this.#slotBytes, this.#nextCounter(), payload);
    // Both slots, one after the other: damage to either one loses no value.
    for (let i = 0; i < 2; i++) {
      this.#disk.writeNow(this.#path, this.#keepNowSlot * this.#slotBytes, image);
      this.#keepNowSlot = otherOf(KEEP_NOW_SLOTS, this.#keepNowSlot);
    }
  }

  /**
   * Written when it returns, and not synced: survives the death of the process, perhaps not a loss of power.
   * @returns why it could not be written
   */
  note(payload: Uint8Array): Error | null {
    const length = fillSlot(this.#noteImage, this.#nextCounter(), payload);
    return this.#file.note(NOTE_SLOT * this.#slotBytes, this.#noteImage.subarray(0, length));
  }

  /** Closes the file behind all values handed over; the caller may hand over no more, and closes it once. */
  close(done: DiskCallback): void {
    this.#onClosed = done;
    this.#closeIfIdle();
  }

  #nextCounter(): number {
    this.#counter += 1;
    return this.#counter;
  }

  #writeNext(): void {
    const next = this.#waiting;
    if (next === null || this.#underWay) return;
    this.#waiting = null;
    this.#underWay = true;
    this.#file.writeDurably(this.#keepSlot * this.#slotBytes, next.image, (error) => {
      this.#underWay = false;
      if (error === null) this.#keepSlot = otherOf(KEEP_SLOTS, this.#keepSlot);
      for (const done of next.callbacks) done(error);
      this.#writeNext();
      this.#closeIfIdle();
    });
  }

  #closeIfIdle(): void {
    const done = this.#onClosed;
    if (done === null || this.#underWay) return;
    this.#onClosed = null;
    this.#file.close(done);
  }
}

/** The valid ones, at least one of each pair. */
function readSlots(disk: Disk, path: string, slotBytes: number, damaged: Damaged): readonly Slot[] {
  if (!disk.exists(path)) throw damaged("it is missing");
  const size = disk.size(path);
  if (size !== SLOTS * slotBytes) {
    throw damaged(`it has ${size} bytes instead of ${SLOTS * slotBytes}`);
  }
  const bytes = disk.read(path, 0, size);
  const slots: Slot[] = [];
  for (let index = 0; index < SLOTS; index++) {
    const slot = readSlot(bytes.subarray(index * slotBytes, (index + 1) * slotBytes), index);
    if (slot !== null) slots.push(slot);
  }
  for (const pair of [KEEP_SLOTS, KEEP_NOW_SLOTS]) {
    if (!slots.some(({ index }) => index === pair[0] || index === pair[1])) {
      throw damaged("its checksums are wrong");
    }
  }
  return slots;
}

function readSlot(bytes: Uint8Array, index: number): Slot | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = view.getUint32(12, true);
  if (view.getUint32(4, true) !== MAGIC || view.getUint32(8, true) !== FORMAT_VERSION) return null;
  if (length > bytes.length - HEADER_BYTES) return null;
  const end = HEADER_BYTES + length;
  if (view.getUint32(0, true) !== crc32c(bytes.subarray(4, end))) return null;
  const counter = view.getUint32(16, true) + view.getUint32(20, true) * 2 ** 32;
  return { index, counter, payload: bytes.slice(HEADER_BYTES, end) };
}

function newest(slots: readonly Slot[]): Slot {
  const [first, ...rest] = slots;
  assert(first !== undefined, "a file that can be read has a valid slot");
  return rest.reduce((best, slot) => (slot.counter > best.counter ? slot : best), first);
}

/** The slot of the pair to be written next: one that is not valid, else the older one. */
function olderOf(slots: readonly Slot[], [first, second]: readonly [number, number]): number {
  const counterOf = (at: number): number => slots.find(({ index }) => index === at)?.counter ?? -1;
  return counterOf(first) < counterOf(second) ? first : second;
}

function otherOf([first, second]: readonly [number, number], slot: number): number {
  return slot === first ? second : first;
}

function slotImage(slotBytes: number, counter: number, payload: Uint8Array): Uint8Array {
  const image = new Uint8Array(HEADER_BYTES + payload.length);
  assert(image.length <= slotBytes, "the value fits its slot");
  fillSlot(image, counter, payload);
  return image;
}

/** @returns the length of what is to be written */
function fillSlot(image: Uint8Array, counter: number, payload: Uint8Array): number {
  const length = HEADER_BYTES + payload.length;
  assert(length <= image.length, "the value fits its slot");
  const view = new DataView(image.buffer, image.byteOffset, image.length);
  view.setUint32(4, MAGIC, true);
  view.setUint32(8, FORMAT_VERSION, true);
  view.setUint32(12, payload.length, true);
  view.setUint32(16, counter >>> 0, true);
  view.setUint32(20, Math.floor(counter / 2 ** 32), true);
  image.set(payload, HEADER_BYTES);
  view.setUint32(0, crc32c(image.subarray(4, length)), true);
  return length;
}
