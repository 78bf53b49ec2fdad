/**
 * When the next backup of a schedule is due.
 *
 * DUE-1. While it runs the steady clock decides, which nobody sets: a wall clock that is set back does not put a backup off.
 * DUE-2. By the wall clock one may be due before that: on a machine that slept, the steady clock may have stood still.
 */
import type { KeptBackup } from "./backup-folder.ts";

/** In milliseconds. */
export interface Clocks {
  /** Since 1970. It may be set. */
  wall(): number;
  /** Since whenever. It only goes on. */
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

/** What a schedule finds when it is started. */
export interface FirstRound {
  readonly waitMs: number;
  /** Backups that are no reason to wait though they look younger than the one that is: sentences. */
  readonly notes: readonly string[];
}

/**
 * One time after the newest that is there, so that a restart makes none too many. No reason to wait is one of the future, which a clock that
 * was ahead has made, nor one of another log.
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
