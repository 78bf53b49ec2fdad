/** A cluster that is not there, on a clock that is turned by hand: writes are acknowledged while somebody leads. */
import type { NodeLook, Subject } from "../../src/measure/faults/subject.ts";
import {
  isBroken,
  quorumConnected,
  type LinkPair,
  type NodeId,
} from "../../src/client/scenarios/index.ts";
import type { SimClock } from "../../src/proof/simulator/sim-clock.ts";

export interface FakeOptions {
  readonly nodes: number;
  readonly electionTimeoutMs: number;
  /** From the loss of the leader's quorum to the next leader; Infinity: there is none. */
  readonly electionMs: number;
  /** From healing to the first write after it. */
  readonly pauseAfterHealMs?: number;
}

export class FakeSubject implements Subject {
  readonly system = "fake 1.0";
  readonly loses = "messages";
  readonly nodes: readonly NodeId[];
  readonly electionTimeoutMs: number;
  readonly cuts: { readonly atMs: number; readonly broken: readonly LinkPair[] }[] = [];
  disposed = 0;
  openWriters = 0;
  readonly #clock: SimClock;
  readonly #options: FakeOptions;
  #leader: NodeId | null = 1;
  #term = 1;
  #broken: readonly LinkPair[] = [];
  #pausedUntilMs = 0;

  constructor(clock: SimClock, options: FakeOptions) {
    this.#clock = clock;
    this.#options = options;
    this.nodes = Array.from({ length: options.nodes }, (_, i) => i + 1);
    this.electionTimeoutMs = options.electionTimeoutMs;
  }

  openWriter(): ReturnType<Subject["openWriter"]> {
    const closed = new AbortController();
    this.openWriters += 1;
    return {
      write: () =>
        new Promise((resolve, reject) => {
          const attempt = (): void => {
            if (closed.signal.aborted) reject(new Error("closed"));
            else if (this.#leader !== null && this.#clock.now() >= this.#pausedUntilMs) resolve();
            else this.#clock.after(1, attempt);
          };
          this.#clock.after(1, attempt);
        }),
      close: () => {
        closed.abort();
        this.openWriters -= 1;
      },
    };
  }

  look(): Promise<readonly NodeLook[]> {
    const leader = this.#leader;
    const term = { order: this.#term, text: String(this.#term) };
    return Promise.resolve(
      this.nodes.map((node): NodeLook => {
        const hears = leader !== null && !isBroken(this.#broken, [node, leader]);
        const standing = node === leader ? "leading" : hears ? "following" : "cutOff";
        return { node, standing, leader, term };
      }),
    );
  }

  applyBroken(broken: readonly LinkPair[]): Promise<void> {
    const { electionMs, pauseAfterHealMs = 0 } = this.#options;
    this.cuts.push({ atMs: this.#clock.now(), broken });
    this.#broken = broken;
    if (broken.length === 0) this.#pausedUntilMs = this.#clock.now() + pauseAfterHealMs;
    const able = quorumConnected(this.nodes, broken);
    if (this.#leader === null || !able.includes(this.#leader)) {
      this.#leader = null;
      const elected = able[0] ?? null;
      // Healed, everybody can lead at once.
      const afterMs = broken.length === 0 ? 1 : electionMs;
      if (afterMs !== Infinity) {
        this.#clock.after(afterMs, () => {
          this.#leader = elected;
          this.#term += 1;
        });
      }
    }
    return Promise.resolve();
  }

  dispose(): Promise<void> {
    this.disposed += 1;
    return Promise.resolve();
  }
}
