/**
 * When the next backup of a schedule is due.
 *
 * DUE-1. While it runs the steady clock decides, because nobody can set it: a wall clock that is set back does not put a backup off.
 * DUE-2. The wall clock may make one due before that: on a machine that slept, the steady clock may have stood still.
 */
import type { KeptBackup } from "./backup-folder.ts";

/** In milliseconds. */
export interface Clocks {
  /** Since 1970. It may be set. */
  wall(): number;
  /** Since an arbitrary moment. It never goes back. */
  steady(): number;
}

export const MACHINE_CLOCKS: Clocks = {
  wall: () => Date.now(),
  steady: () => performance.now(),
};

/** A moment by both clocks. */
interface Moment {
  readonly wallMs: number;
  readonly steadyMs: number;
}

export class Due {
  readonly #clocks: Clocks;
  #at: Moment;

  /** At once. */
  constructor(clocks: Clocks) {
    this.#clocks = clocks;
    this.#at = this.now();
  }

  now(): Moment {
    return { wallMs: this.#clocks.wall(), steadyMs: this.#clocks.steady() };
  }

  after({ wallMs, steadyMs }: Moment, ms: number): void {
    this.#at = { wallMs: wallMs + ms, steadyMs: steadyMs + ms };
  }

  /** 0 or less: now. */
  get leftMs(): number {
    const { wallMs, steadyMs } = this.now();
    return Math.min(this.#at.wallMs - wallMs, this.#at.steadyMs - steadyMs);
  }
}

/** The plan of a schedule when it starts. */
export interface FirstRound {
  readonly waitMs: number;
  /** Backups that look younger than the newest one, but do not count: sentences. */
  readonly notes: readonly string[];
}

/**
 * One interval after the newest backup, so that a restart makes none too many. Two kinds of backups do not count: those of the future,
 * made while a clock was ahead, and those of another log.
 * @param kept the newest first
 * @param origin of the cluster's log; null: not known, or it has none
 */
export function firstRound(
  kept: readonly KeptBackup[],
  everyMs: number,
  nowMs: number,
  origin: number | null,
): FirstRound {
  const notes: string[] = [];
  const [future] = kept.filter(({ takenMs }) => takenMs > nowMs);
  if (future !== undefined) {
    notes.push(`${future.name} lies in the future by this machine's clock: it is not waited for`);
  }
  const past = kept.filter(({ takenMs }) => takenMs <= nowMs);
  const newest = past.find((backup) => origin === null || backup.origin === origin);
  const [other] = past;
  if (other !== undefined && other !== newest) {
    const whose = "of another cluster of this id, or of this one before it was begun anew";
    notes.push(`${other.name} is ${whose}: it is not waited for`);
  }
  const waitMs = newest === undefined ? 0 : Math.max(0, newest.takenMs + everyMs - nowMs);
  return { waitMs, notes };
}
