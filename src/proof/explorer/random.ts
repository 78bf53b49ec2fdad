import { Sfc32 } from "../../base/index.ts";

/** Dice from a seed: the same seed, the same walk. */
export class Dice extends Sfc32 {
  constructor(seed: number, walk = 0) {
    super(seed, seed / 0x1_0000_0000, walk, 15);
  }

  /** A position, each as likely as its weight; -1 when all are 0. */
  weighted(weights: readonly number[]): number {
    let total = 0;
    for (const weight of weights) total += weight;
    let left = (this.uint32() / 2 ** 32) * total;
    let last = -1;
    for (let i = 0; i < weights.length; i++) {
      const weight = weights[i] ?? 0;
      if (weight <= 0) continue;
      last = i;
      left -= weight;
      if (left < 0) return i;
    }
    return last;
  }
}
