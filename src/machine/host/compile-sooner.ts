/**
 * When V8 optimizes what runs often. Node.js 20 waits until a function has run through so many bytes of its code three times and
 * more: a server whose requests each call many short functions once is slow for its first minute of load, and a quiet one for
 * hours. From Node.js 22 on V8 counts calls instead, and has a quick compiler between.
 */
import { setFlagsFromString } from "node:v8";

/** In bytes of bytecode; V8's own is 67,584. Measured: docs/notes/speed.md. */
const BUDGET_BYTES = 8000;
/** The first Node.js whose V8 does not know this flag. */
const COUNTS_CALLS_FROM = 22;

/** A process that has just started has better things to do than to compile what may not run again. */
const AFTER_MS = 5000;

/** For a process that is all ours: it holds for everything in it, from a few seconds on. */
export function compileSooner(afterMs = AFTER_MS): void {
  if (Number.parseInt(process.versions.node, 10) >= COUNTS_CALLS_FROM) return;
  setTimeout(() => setFlagsFromString(`--interrupt-budget=${BUDGET_BYTES}`), afterMs).unref();
}
