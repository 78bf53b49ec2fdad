/**
 * The order in which one client has asked for locks. Its requests reach the cluster in this order, although one of them may have a lease
 * at hand while another one has to wait for its own. A query of locks sees every request that this client made before it.
 */
import type { Clock } from "../../machine/ports/index.ts";

/** A query of locks waits no longer than this for a request that is slow to get in line. */
const PLACED_MS_MAX = 1000;

/** One request among those of the client. Each must call both functions, however it ends; more calls do no harm. */
export interface Turn {
  /** Resolves when the requests before it are on their way. */
  readonly before: Promise<void>;
  /** This request is on its way: later ones come after it. */
  sent(): void;
  /** This request holds the lock, waits for it, or has failed. */
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
    // It does not open before the one before it does: so the next request has to wait for the last one only.
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
  /** @param after a promise that it waits for first */
  readonly open: (after?: Promise<void>) => void;
}

function gate(): Gate {
  let open: Gate["open"] = () => {};
  const passed = new Promise<void>((resolve) => {
    open = (after) => resolve(after);
  });
  return { passed, open };
}
