import { Sfc32 } from "../../base/index.ts";
import type { Random } from "./random.ts";

/** Randomness from a seed. Forks are independent: a new draw in one does not shift the draws of another. */
export class SeededRandom extends Sfc32 implements Random {
  readonly #seed: string;

  constructor(seed: string | number) {
    const text = String(seed);
    const hash = hashText(text);
    super(
      hash,
      Math.imul(hash ^ 0x9e3779b9, 0x85ebca6b),
      Math.imul(hash ^ 0xc2b2ae35, 0x27d4eb2f),
      12,
    );
    this.#seed = text;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.uint32() & 0xff);
  }

  /** An integer from `min` to `max`. */
  between(min: number, max: number): number {
    return min + this.below(max - min + 1);
  }

  fork(name: string): SeededRandom {
    return new SeededRandom(`${this.#seed}/${name}`);
  }
}

/** The positions 0 to `count` - 1 in an order that is drawn. */
export function shuffled(random: SeededRandom, count: number): number[] {
  const order = Array.from({ length: count }, (_, index) => index);
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [order[i], order[j]] = [order[j] ?? 0, order[i] ?? 0];
  }
  return order;
}

/** FNV-1a, 32 bits. */
export function hashText(text: string, start = 0x811c9dc5): number {
  let hash = start;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return hash >>> 0;
}

export function hashBytes(bytes: Uint8Array, start = 0x811c9dc5): number {
  let hash = start;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
