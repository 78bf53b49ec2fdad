/**
 * Large values of one connection must not block the log for the others: while others are at work the connection writes one piece of them,
 * and then rests for as long as that took, a second at most. So the disks and links, however fast they are, are free for half of
 * the time.
 */

/** A group of at least so many bytes, with so many in each command on average. Smaller groups gather in batches anyway. */
const GROUP_BYTES = 64 * 1024;
const COMMAND_BYTES = 4 * 1024;
/** A piece that took longer waited for something else than disks and links. */
const REST_MS_MAX = 1000;

export class LargeWrites {
  /** When the piece under way was taken. */
  #sinceMs: number | null = null;
  #restUntilMs = 0;

  static isLarge(groupBytes: number, commands: number): boolean {
    return groupBytes >= GROUP_BYTES && groupBytes >= commands * COMMAND_BYTES;
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
