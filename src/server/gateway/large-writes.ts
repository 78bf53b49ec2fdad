/**
 * Large values of one connection do not keep the log from everybody else: while others are at work it writes one piece of them,
 * and then rests for as long as that took, a second at most. So the disks and links, whatever they can do, are free for half of
 * the time.
 */

/** A group of at least so many bytes, with so many in each command on average. What is smaller gathers in batches anyway. */
const GROUP_BYTES = 64 * 1024;
const COMMAND_BYTES = 4 * 1024;
/** What took longer waited for something else than disks and links. */
const REST_MS_MAX = 1000;

export class LargeWrites {
  /** When the piece under way was taken. */
  #sinceMs: number | null = null;
  #restUntilMs = 0;

  static isLarge(groupBytes: number, commands: number): boolean {
    return groupBytes >= GROUP_BYTES && groupBytes >= commands * COMMAND_BYTES;
  }

  /** There is nothing to wait for, whoever else is at work. */
  get isIdle(): boolean {
    return this.#sinceMs === null && this.#restUntilMs === 0;
  }

  taken(nowMs: number): void {
    this.#sinceMs ??= nowMs;
  }

  /** What was under way was answered. */
  ended(nowMs: number): void {
    if (this.#sinceMs === null) return;
    this.#restUntilMs = nowMs + Math.min(REST_MS_MAX, nowMs - this.#sinceMs);
    this.#sinceMs = null;
  }

  /** Nobody else is at work: the log is all theirs. */
  forget(): void {
    this.#sinceMs = null;
    this.#restUntilMs = 0;
  }

  /** @param isUnderWay whether something of this connection is @returns whether it has to wait still */
  mustRest(nowMs: number, isUnderWay: boolean): boolean {
    if (this.#sinceMs !== null && isUnderWay) return true;
    this.ended(nowMs);
    if (nowMs < this.#restUntilMs) return true;
    this.#restUntilMs = 0;
    return false;
  }
}
