/**
 * The content of the store at one revision, as far as a history tells it.
 *
 * Invariants:
 *   KNOWN-1. What is known of a key is true in every run that explains the answers so far; what is not known constrains nothing.
 *   KNOWN-2. What an answer tells of a key that was not known is known from then on.
 */
import {
  isWithin,
  type Condition,
  type FoundKey,
  type KeyRange,
  type OpResult,
  type StoreOp,
} from "./store-history.ts";

/** Null: not there. */
export type Held = {
  readonly value: string;
  readonly modRevision: number;
  /** Null: not known. */
  readonly version: number | null;
  /** Empty: none. Null: not known. */
  readonly lease: string | null;
} | null;

export class StoreState {
  readonly #keys = new Map<string, Held>();
  readonly #unsure = new Set<string>();
  /** Whether keys that were never heard of may be there. */
  #isOpen = false;

  /** Whether all is known. */
  get isSure(): boolean {
    return !this.#isOpen && this.#unsure.size === 0;
  }

  /** Undefined: not known. */
  get(key: string): Held | undefined {
    if (this.#unsure.has(key)) return undefined;
    return this.#keys.get(key) ?? (this.#isOpen && !this.#keys.has(key) ? undefined : null);
  }

  set(key: string, held: Held): void {
    this.#unsure.delete(key);
    // In an open store it is worth knowing that a key is not there.
    if (held === null && !this.#isOpen) this.#keys.delete(key);
    else this.#keys.set(key, held);
  }

  forget(key: string): void {
    this.#keys.delete(key);
    this.#unsure.add(key);
  }

  forgetAll(): void {
    this.#keys.clear();
    this.#unsure.clear();
    this.#isOpen = true;
  }

  /** Null: it depends on what is not known. */
  decide(conditions: readonly Condition[]): boolean | null {
    let isSure = true;
    for (const { key, target, expected } of conditions) {
      const held = this.get(key);
      const actual = held === undefined ? null : held === null ? 0 : held[target];
      if (actual === null) isSure = false;
      else if (actual !== expected) return false;
    }
    return isSure ? true : null;
  }

  put(op: Extract<StoreOp, { kind: "put" }>, revision: number): void {
    const held = this.get(op.key);
    const before = held === undefined ? null : held === null ? 0 : held.version;
    const version = before === null ? null : before + 1;
    this.set(op.key, { value: op.value, modRevision: revision, version, lease: op.lease });
  }

  /** Keys that have the lease, as far as is known. */
  withLease(lease: string | null): string[] {
    return [...this.#keys].flatMap(([key, held]) =>
      held !== null && held.lease === lease ? [key] : [],
    );
  }

  /** Null: it is as it should be. */
  compareRange(range: KeyRange, limit: number, { found, count }: OpResult): string | null {
    const told = new Map(found.map((each) => [each.key, each]));
    for (const each of found) {
      if (!isWithin(range, each.key)) return `${JSON.stringify(each.key)} is outside of the range`;
      const held = this.get(each.key);
      const wrong = held === undefined ? null : differs(each, held);
      if (wrong !== null) return wrong;
    }
    const isCut = limit > 0 && found.length >= limit;
    const last = found.at(-1)?.key ?? "";
    let known = 0;
    for (const [key, held] of this.#within(range)) {
      if (held === null) continue;
      known += 1;
      if (told.has(key) || (isCut && key > last)) continue;
      return `${JSON.stringify(key)} is missing: it is ${held.value} of revision ${held.modRevision}`;
    }
    const isSure = !this.#isOpen && ![...this.#unsure].some((key) => isWithin(range, key));
    if (isSure && count !== known) return `it counted ${count} keys, there are ${known}`;
    if (!isCut) this.#learn(range, told);
    return null;
  }

  /** KNOWN-2. */
  #learn(range: KeyRange, told: ReadonlyMap<string, FoundKey>): void {
    if (!this.#isOpen && this.#unsure.size === 0) return;
    const missing = [...this.#unsure].filter((key) => isWithin(range, key) && !told.has(key));
    if (range.end === null && !told.has(range.start)) missing.push(range.start);
    for (const key of missing) this.set(key, null);
    for (const { key, value, modRevision, version } of told.values()) {
      if (this.get(key) === undefined) this.set(key, { value, modRevision, version, lease: null });
    }
  }

  *#within(range: KeyRange): Generator<readonly [string, Held]> {
    if (range.end === null) {
      const held = this.get(range.start);
      if (held !== undefined) yield [range.start, held];
      return;
    }
    for (const [key, held] of this.#keys) if (isWithin(range, key)) yield [key, held];
  }
}

function differs(told: FoundKey, held: Held): string | null {
  const key = JSON.stringify(told.key);
  if (held === null) return `${key} is not there`;
  if (told.value !== held.value) return `${key} is ${held.value} of revision ${held.modRevision}`;
  if (told.modRevision !== held.modRevision) return `${key} is of revision ${held.modRevision}`;
  const isOther = told.version !== null && held.version !== null && told.version !== held.version;
  return isOther ? `${key} has version ${held.version}, told was ${told.version}` : null;
}
