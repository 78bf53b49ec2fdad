/** Which completed operations can wait because another one, that can come now, may just as well come first. */
import { END, type Tracks } from "./tracks.ts";
import type { Machine } from "./model.ts";

export class Exchange {
  readonly #machine: Machine;
  readonly #tracks: Tracks;
  /** Completed operations that do the same have the same number; -1: there is no other. Null: several tracks. */
  readonly #twins: Int32Array | null;

  constructor(machine: Machine, tracks: Tracks, ends: Float64Array) {
    this.#machine = machine;
    this.#tracks = tracks;
    this.#twins = tracks.count > 1 ? null : twinsOf(machine, ends);
  }

  /** Whether one that does the same, and was answered before, can come now. */
  hasEarlierTwin(position: number): boolean {
    const twin = this.#twins?.[position] ?? -1;
    if (twin === -1) return false;
    const end = this.#tracks.answerTime(position);
    for (
      let node = this.#tracks.first(0);
      node !== END && (node & 1) === 0;
      node = this.#tracks.after(node)
    ) {
      const other = node >>> 1;
      if (this.#twins?.[other] !== twin || other === position) continue;
      const otherEnd = this.#tracks.answerTime(other);
      if (otherEnd < end || (otherEnd === end && other < position)) return true;
    }
    return false;
  }

  /** Whether it overwrites what one that nobody saw, and that can come now, would leave. */
  overwritesUnseen(position: number): boolean {
    const machine = this.#machine;
    if (!machine.overwrites(position) || machine.isUnseen(position)) return false;
    const group = machine.group(position);
    for (let track = 0; track < this.#tracks.count; track++) {
      let node = this.#tracks.first(track);
      while (node !== END && (node & 1) === 0) {
        if (machine.group(node >>> 1) === group && machine.isUnseen(node >>> 1)) return true;
        node = this.#tracks.after(node);
      }
    }
    return false;
  }
}

function twinsOf(machine: Machine, ends: Float64Array): Int32Array {
  const twins = new Int32Array(ends.length).fill(-1);
  const first = new Map<string, number>();
  ends.forEach((end, position) => {
    if (end === Number.POSITIVE_INFINITY || machine.isObserver(position)) return;
    const signature = machine.signature(position);
    const other = first.get(signature);
    if (other === undefined) first.set(signature, position);
    else twins[position] = twins[other] = other;
  });
  return twins;
}
