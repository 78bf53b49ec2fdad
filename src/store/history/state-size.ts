/**
 * What a state is taken to cost: close to what it costs the heap, but worked out from its content alone, so that all nodes
 * come to the same number and refuse the same commands. Part of the format.
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
 * While nobody has set one: a node with the heap that Node.js gives itself on a machine with 2 GB, which is 1 GB, holds it
 * with all of it overwritten while a snapshot is written, when old and new are there.
 */
export const DEFAULT_QUOTA_BYTES = 384 * 1024 * 1024;
