/**
 * The key of a request among the held ones, watched from when the request begins to wait until the lock is given back: by this key a
 * request learns that a holder handed it the lock, and later that somebody took it away.
 */
import { KvError } from "../../base/index.ts";
import type { Clock } from "../../machine/ports/index.ts";
import { pause } from "../terms/index.ts";
import type { LockStore } from "./lock-store.ts";

/** Pause when no node told what became of the key. */
const LOOK_AGAIN_MS = 1000;
/** No caller sees it: a new error each time would cost a stack that nobody reads. */
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
  /** Called once with the revision of the key, when another client has made it. */
  onHad: (token: number) => void = () => {};
  /** Called when the key was there and is there no more. */
  onGone: () => void = () => {};

  constructor(key: string, store: LockStore, clock: Clock) {
    this.key = key;
    this.#store = store;
    this.#clock = clock;
  }

  /** Of no effect when the key is watched already. @param from the first revision whose events are wanted */
  open(from: number): void {
    if (this.#isOpen || this.#over.signal.aborted) return;
    this.#isOpen = true;
    void this.#run(from);
  }

  /** The key came to be at that revision. When it has gone already `onGone` is called once more. */
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
        // The watch knows nothing then; the lease still tells what is certain.
        await pause(this.#clock, LOOK_AGAIN_MS, signal);
      }
    }
  }
}
