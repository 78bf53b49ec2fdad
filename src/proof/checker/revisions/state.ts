/**
 * The content of the store at one revision, as far as a history tells it.
 *
 * Invariants:
 *   KNOWN-1. What is known of a key is true in every run that explains the answers so far; what is not known constrains nothing.
 *   KNOWN-2. What an answer tells of a key that was not known is known from then on.
 */
import { unreachable } from "../../../base/index.ts";
import {
  isWithin,
  type Condition,
  type FoundKey,
  type KeyRange,
  type OpResult,
  type Relation,
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
    for (const condition of conditions) {
      const holds = this.#holds(condition);
      if (holds === false) return false;
      if (holds === null) isSure = false;
    }
    return isSure ? true : null;
  }

  #holds(condition: Condition): boolean | null {
    const { target, is = "=", expected } = condition;
    const range = "key" in condition ? { start: condition.key, end: null } : condition.range;
    const isKnown = this.#knows(range);
    const numbers: (number | null)[] = [];
    for (const [, held] of this.#within(range)) {
      if (held !== null) numbers.push(target === "count" ? 1 : held[target]);
    }
    if (target === "count") return isKnown ? relates(numbers.length, is, expected) : null;
    if (numbers.some((each) => each !== null && !relates(each, is, expected))) return false;
    if (!isKnown || numbers.includes(null)) return null;
    return numbers.length > 0 || relates(0, is, expected);
  }

  /** Whether it is known of every key of the range if and as what it is there. */
  #knows(range: KeyRange): boolean {
    if (range.end === null) return this.get(range.start) !== undefined;
    return !this.#isOpen && ![...this.#unsure].some((key) => isWithin(range, key));
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
  compareRange(
    range: KeyRange,
    limit: number,
    { found, count, isCountOnly }: OpResult,
  ): string | null {
    const told = new Map(found.map((each) => [each.key, each]));
    for (const each of found) {
      if (!isWithin(range, each.key)) return `${JSON.stringify(each.key)} is outside of the range`;
      const held = this.get(each.key);
      const wrong = held === undefined ? null : differs(each, held);
      if (wrong !== null) return wrong;
    }
    const isCut = isCountOnly === true || (limit > 0 && found.length >= limit);
    const last = found.at(-1)?.key ?? "";
    let known = 0;
    for (const [key, held] of this.#within(range)) {
      if (held === null) continue;
      known += 1;
      if (told.has(key) || (isCut && (isCountOnly === true || key > last))) continue;
      return `${JSON.stringify(key)} is missing: it is ${held.value} of revision ${held.modRevision}`;
    }
    if (count !== null && this.#knows(range) && count !== known)
      return `it counted ${count} keys, there are ${known}`;
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

function relates(actual: number, is: Relation, expected: number): boolean {
  switch (is) {
    case "=":
      return actual === expected;
    case "!=":
      return actual !== expected;
    case "<":
      return actual < expected;
    case ">":
      return actual > expected;
    default:
      return unreachable(is, "relation");
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
