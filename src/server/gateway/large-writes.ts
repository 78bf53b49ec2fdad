/**
 * Large values of one connection must not block the log for the others: while others are at work the connection writes one piece of them,
 * and then rests for as long as that took, a second at most. So the disks and links, however fast they are, are free for half of
 * the time.
 */
import { CommandCursor } from "../../store/index.ts";

/** A group is large with so many bytes in commands of at least so many each. Smaller ones gather in batches anyway. */
const GROUP_BYTES = 64 * 1024;
const COMMAND_BYTES = 4 * 1024;

const cursor = new CommandCursor();
/** A piece that took longer waited for something else than disks and links. */
const REST_MS_MAX = 1000;

export class LargeWrites {
  /** When the piece under way was taken. */
  #sinceMs: number | null = null;
  #restUntilMs = 0;

  /** @param group (checked): small commands beside its large ones make it no smaller */
  static isLarge(group: Uint8Array): boolean {
    if (group.length < GROUP_BYTES) return false;
    let bytes = 0;
    cursor.resetToGroup(group);
    while (bytes < GROUP_BYTES && cursor.next()) {
      const length = cursor.recordEnd - cursor.recordStart;
      if (length >= COMMAND_BYTES) bytes += length;
    }
    cursor.release();
    return bytes >= GROUP_BYTES;
  }

  /** There is nothing to wait for, even if others are at work. */
  get isIdle(): boolean {
    return this.#sinceMs === null && this.#restUntilMs === 0;
  }

  taken(nowMs: number): void {
    this.#sinceMs ??= nowMs;
  }

  /** The piece under way was answered. */
  ended(nowMs: number): void {
    if (this.#sinceMs === null) return;
    this.#restUntilMs = nowMs + Math.min(REST_MS_MAX, nowMs - this.#sinceMs);
    this.#sinceMs = null;
  }

  /** No other connection is at work: this one may use the whole log. */
  forget(): void {
    this.#sinceMs = null;
    this.#restUntilMs = 0;
  }

  /** @param isUnderWay whether a piece of this connection is @returns whether the connection must still wait */
  mustRest(nowMs: number, isUnderWay: boolean): boolean {
    if (this.#sinceMs !== null && isUnderWay) return true;
    this.ended(nowMs);
    if (nowMs < this.#restUntilMs) return true;
    this.#restUntilMs = 0;
    return false;
  }
}
