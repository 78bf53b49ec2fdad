/**
 * Copies of bytes: of the values in a frame, as a view would keep the whole frame in memory for as long as the user keeps the
 * value; and of the caller's bytes, because the caller may reuse its buffer at once.
 */

/** Small ones share array buffers of this size: one for each value cost more than all else about it. */
const SHARED_BYTES = 8192;
const SMALL_BYTES_MAX = SHARED_BYTES / 2;
/** Up to this length a loop beats the call into the engine. */
const LOOP_BYTES_MAX = 32;

/**
 * A user who transfers one value's buffer to a worker would take along all other values in it. Node.js does not transfer a marked
 * buffer: its own small Buffers are marked, too. In a browser nothing can be marked.
 */
function newShared(): ArrayBuffer {
  const buffer = new ArrayBuffer(SHARED_BYTES);
  // Loaded with the first value: a program that only imports the client must not wait for it.
  const threads =
    typeof process === "object" ? process.getBuiltinModule("node:worker_threads") : undefined;
  threads?.markAsUntransferable(buffer);
  return buffer;
}

let shared = new ArrayBuffer(0);
let used = 0;

/** @returns a copy that nobody else writes to; of null, no bytes */
export function ownBytes(value: Uint8Array | null): Uint8Array {
  if (value === null || value.length === 0) return new Uint8Array(0);
  const { length } = value;
  if (length > SMALL_BYTES_MAX) return new Uint8Array(value);
  // The buffer's own length: a user may have detached it all the same, and then it has none.
  if (used + length > shared.byteLength) {
    shared = newShared();
    used = 0;
  }
  const own = new Uint8Array(shared, used, length);
  if (length > LOOP_BYTES_MAX) own.set(value);
  else for (let i = 0; i < length; i++) own[i] = value[i] ?? 0;
  // A user who lays an array of wider numbers over a value needs it to begin at a multiple of their size.
  used += (length + 7) & ~7;
  return own;
}
