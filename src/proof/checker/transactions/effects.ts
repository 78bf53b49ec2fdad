/** What a transaction read of others' writes, and the writes that it left for them, key by key. */
import type { MicroOp, Seen, Transaction, TransactionHistory } from "./transaction.ts";

export interface KeyEffect {
  readonly key: string;
  /** What it read before its own writes; undefined: nothing, or it was not told. */
  seen: Seen | undefined;
  /** Whether it asked, and was told. */
  isRead: boolean;
  /** Its own, in order. Of a register only the last one is seen by others. */
  readonly written: string[];
}

export interface Effects {
  readonly keys: ReadonlyMap<string, KeyEffect>;
  /** The operation that contradicts an earlier one of the same transaction; null: none does. */
  readonly contradicts: MicroOp | null;
}

export function effectsOf(
  { ops, outcome }: Transaction,
  kind: TransactionHistory["kind"],
): Effects {
  const keys = new Map<string, KeyEffect>();
  let contradicts: MicroOp | null = null;
  for (const op of ops) {
    let effect = keys.get(op.key);
    if (effect === undefined) {
      effect = { key: op.key, seen: undefined, isRead: false, written: [] };
      keys.set(op.key, effect);
    }
    if (op.kind === "write") effect.written.push(op.value);
    else if (outcome === "ok" && op.seen !== undefined) {
      const fits = kind === "lists" ? readList(effect, op.seen) : readRegister(effect, op.seen);
      if (!fits) contradicts ??= op;
    }
  }
  return { keys, contradicts };
}

function readRegister(effect: KeyEffect, seen: Seen): boolean {
  const own = effect.written.at(-1);
  if (own !== undefined) return own === seen;
  if (effect.isRead) return effect.seen === seen;
  effect.seen = seen;
  effect.isRead = true;
  return true;
}

/** What it has appended itself must stand at the end, in order; what is before that is others'. */
function readList(effect: KeyEffect, seen: Seen): boolean {
  if (!Array.isArray(seen)) return false;
  const others = seen.slice(0, Math.max(0, seen.length - effect.written.length)) as string[];
  const own = seen.slice(others.length) as string[];
  if (!areEqual(own, effect.written)) return false;
  if (effect.isRead) return areEqual(others, effect.seen as readonly string[]);
  effect.seen = others;
  effect.isRead = true;
  return true;
}

function areEqual(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value, at) => value === b[at]);
}
