/**
 * The key of a request among the held ones, watched from when the request begins to wait until the lock is given back: by it a request is told
 * that the lock was handed to it, and later that it was taken away.
 */
import { KvError } from "../../base/index.ts";
import type { Clock } from "../../machine/ports/index.ts";
import { pause } from "../terms/index.ts";
import type { LockStore } from "./lock-store.ts";

/** When no node would tell what became of it. */
const LOOK_AGAIN_MS = 1000;
/** Nobody is told: an error of its own each time would cost a stack that nobody reads. */
const CLOSED = new KvError("CANCELLED", "the key is not watched any more");

export class HeldKey {
  readonly key: string;
  readonly #store: LockStore;
  readonly #clock: Clock;
  readonly #over = new AbortController();
  #isOpen = false;
  /** The revision at which it came to be; 0: it has not. */
  #token = 0;
  #isGone = false;
  /** Called once, when somebody has made it, with the revision at which. */
  onHad: (token: number) => void = () => {};
  /** Called when it was there and is not any more. */
  onGone: () => void = () => {};

  constructor(key: string, store: LockStore, clock: Clock) {
    this.key = key;
    this.#store = store;
    this.#clock = clock;
  }

  /** Of no effect when it is watched already. @param from the first revision of which it is to be told */
  open(from: number): void {
    if (this.#isOpen || this.#over.signal.aborted) return;
    this.#isOpen = true;
    void this.#run(from);
  }

  /** It came to be at that revision. When it has gone already `onGone` is called once more. */
  holds(token: number): void {
    this.#token = token;
    if (this.#isGone) this.onGone();
    this.open(token + 1);
  }

  close(): void {
    this.#over.abort(CLOSED);
  }

  async #run(first: number): Promise<void> {
    const { signal } = this.#over;
    let from: number | null = first;
    while (!signal.aborted) {
      try {
        for await (const { revision, createRevision } of this.#store.follow(
          this.key,
          from,
          signal,
        )) {
          if (signal.aborted) return;
          from = revision + 1;
          if (createRevision > 0 && this.#token === 0) {
            this.#token = createRevision;
            this.onHad(createRevision);
          } else if (createRevision === 0 && this.#token > 0 && revision > this.#token) {
            this.#isGone = true;
            this.onGone();
            return;
          }
        }
      } catch {
        // Nothing is known then, and the lease goes on to tell what is certain.
        await pause(this.#clock, LOOK_AGAIN_MS, signal);
      }
    }
  }
}
