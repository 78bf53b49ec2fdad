/** Bytes that are nearly right, from bytes that are. */

/** xorshift32: the same from the same seed. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0 || 1;
  }

  /** From 0 to n - 1. */
  below(n: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return this.#state % n;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error("nothing to pick from");
    return item;
  }
}

const INTERESTING = [0, 1, 0x7f, 0x80, 0xc1, 0xc6, 0xd9, 0xdd, 0xdf, 0xfe, 0xff];

export function mutate(original: Uint8Array, dice: Dice): Uint8Array {
  let bytes = Uint8Array.from(original);
  for (let n = 1 + dice.below(4); n > 0; n--) bytes = mutateOnce(bytes, dice);
  return bytes;
}

function mutateOnce(bytes: Uint8Array<ArrayBuffer>, dice: Dice): Uint8Array<ArrayBuffer> {
  const at = dice.below(bytes.length + 1);
  switch (dice.below(7)) {
    case 0:
      if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << dice.below(8));
      return bytes;
    case 1:
      if (at < bytes.length) bytes[at] = dice.pick(INTERESTING);
      return bytes;
    case 2:
      return bytes.slice(0, at);
    case 3:
      return join(bytes.slice(0, at), bytes.slice(at + 1 + dice.below(8)));
    case 4: {
      const more = Uint8Array.from({ length: 1 + dice.below(16) }, () => dice.below(256));
      return join(bytes.slice(0, at), more, bytes.slice(at));
    }
    case 5: {
      // A length or a count that promises far more than there is.
      const view = new DataView(bytes.buffer);
      if (at + 4 <= bytes.length)
        view.setUint32(at, dice.pick([0xffff_ffff, 0x7fff_ffff, 0x1_0000]));
      return bytes;
    }
    default:
      return join(bytes, ...Array.from({ length: dice.below(20) }, () => bytes.slice(at)));
  }
}

function join(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const length = Math.min(
    200_000,
    parts.reduce((sum, part) => sum + part.length, 0),
  );
  const whole = new Uint8Array(length);
  let end = 0;
  for (const part of parts) {
    const fits = part.subarray(0, length - end);
    whole.set(fits, end);
    end += fits.length;
  }
  return whole;
}
