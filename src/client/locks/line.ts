/**
 * The order in which one client has asked for locks. Its requests reach the cluster in it, although one of them may have a lease at hand for
 * which another one has to wait; and whoever asks which locks there are is told of all that were asked for before.
 */
import type { Clock } from "../../machine/ports/index.ts";

/** Whoever only asks which locks there are waits no longer than this for a request that is slow to get in line. */
const PLACED_MS_MAX = 1000;

/** A request among those of the client. Each is to call both, whatever becomes of it, as often as it likes. */
export interface Turn {
  /** Resolves when those before it are on their way. */
  readonly before: Promise<void>;
  /** It is on its way: what comes later comes after it. */
  sent(): void;
  /** It holds the lock, waits for it, or has failed. */
  placed(): void;
}

export class Line {
  readonly #clock: Clock;
  /** Resolves when all that have joined are on their way. */
  #last: Promise<void> = Promise.resolve();
  readonly #placing = new Set<Promise<void>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  join(): Turn {
    const before = this.#last;
    const own = gate();
    this.#last = own.passed;
    const placing = gate();
    this.#placing.add(placing.passed);
    // Not past one before it that is not: so the next one has to wait for the last one only.
    const sent = (): void => own.open(before);
    const placed = (): void => {
      sent();
      this.#placing.delete(placing.passed);
      placing.open();
    };
    return { before, sent, placed };
  }

  /** Resolves when all that have joined are placed, or after a second. */
  async allPlaced(): Promise<void> {
    if (this.#placing.size === 0) return;
    const enough = gate();
    const cancel = this.#clock.after(PLACED_MS_MAX, () => enough.open());
    await Promise.race([Promise.all(this.#placing), enough.passed]);
    cancel();
  }
}

interface Gate {
  readonly passed: Promise<void>;
  /** @param after what else is waited for */
  readonly open: (after?: Promise<void>) => void;
}

function gate(): Gate {
  let open: Gate["open"] = () => {};
  const passed = new Promise<void>((resolve) => {
    open = (after) => resolve(after);
  });
  return { passed, open };
}
