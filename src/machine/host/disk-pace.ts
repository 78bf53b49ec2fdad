/**
 * Whether the node's own thread makes a durable write, and waits for it, or the thread pool does.
 *
 * Handing a write to another thread and hearing of it costs more than half of the time that a quick disk takes for it. Measured
 * (2 cores, three processes writing 200 bytes at the same time with O_DSYNC, µs p50 / p99): 247 / 630 when the thread
 * itself waits, 337 / 1900 through the pool. But while it waits it serves no connection, so it may only wait for a
 * disk that has been quick lately, and for writes so small that no client notices. A probation of 32 writes sent a third of
 * the writes of a lone client through the pool, on a disk of which one write in forty takes more than 2 ms.
 *
 * Invariant: after a write that took longer than QUICK_MS the thread does not wait again before PROBATION writes through
 * the pool, in a row, were quick. So a disk that becomes slow stops the node once for a single write.
 */
const QUICK_MS = 2;
const PROBATION = 8;
/** About what a busy turn writes for a hundred clients. Larger writes have enough entries to share the cost of the pool. */
const BLOCKING_BYTES_MAX = 16 * 1024;

export class DiskPace {
  /** Quick writes in a row that are still needed. */
  #wanted = PROBATION;

  /** A durable write of any kind has ended after so long. */
  took(ms: number): void {
    if (ms > QUICK_MS) this.#wanted = PROBATION;
    else if (this.#wanted > 0) this.#wanted -= 1;
  }

  mayBlock(bytes: number): boolean {
    return this.#wanted === 0 && bytes <= BLOCKING_BYTES_MAX;
  }
}
