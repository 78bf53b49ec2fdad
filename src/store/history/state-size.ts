/**
 * How much memory a state counts for: close to what it costs the heap, but computed from its content alone, so that all nodes
 * get the same number and refuse the same commands. Part of the format.
 */

/** Beside key and value: measured 162 to 184 bytes of heap and 22 outside of it (Node 20). */
export const KEY_OVERHEAD_BYTES = 200;
/** Of the history, beside key and value: measured 52, and what the engine takes for a value of its own. */
export const HISTORY_RECORD_BYTES = 100;
/** A lease. */
export const LEASE_BYTES = 400;
/** A key that is bound to a lease, beside what it costs as a key. */
export const BOUND_KEY_BYTES = 64;
/** Beside what it keeps: measured 864. */
export const SESSION_OVERHEAD_BYTES = 900;

/**
 * The quota while nobody has set one. A machine with 2 GB gives Node.js a heap of 1 GB: that holds a full state even when all of
 * it is overwritten while a snapshot is written, so that old and new values are there.
 */
export const DEFAULT_QUOTA_BYTES = 384 * 1024 * 1024;
