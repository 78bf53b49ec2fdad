/** Asks again and again which user this page is to the nodes: rights change while it is open. Any node does; the own one first. */
import { KvError } from "../base/index.ts";
import type { AdminCore } from "../client/admin/index.ts";
import type { CancelTimer, Clock } from "../machine/ports/index.ts";
import type { Who } from "./rights.ts";

const INTERVAL_MS = 2000;

export interface WhoWatchOptions {
  readonly clock: Clock;
  /** In the order in which they are asked. */
  readonly nodes: readonly number[];
  /** The one of now: it is another one after each sign-in. */
  readonly admin: () => Pick<AdminCore, "call">;
  /** It may be the same as before. */
  readonly onWho: (who: Who) => void;
}

export class WhoWatch {
  readonly #options: WhoWatchOptions;
  #cancelTimer: CancelTimer = () => {};
  /** Answers to earlier questions count for nothing. */
  #round = 0;
  #closed = false;

  constructor(options: WhoWatchOptions) {
    this.#options = options;
  }

  /** At once, and from then on. */
  ask(): void {
    this.#cancelTimer();
    if (this.#closed) return;
    this.#round += 1;
    void this.#ask(this.#round);
  }

  close(): void {
    this.#closed = true;
    this.#cancelTimer();
  }

  async #ask(round: number): Promise<void> {
    const { clock, nodes, admin, onWho } = this.#options;
    for (const node of nodes) {
      const who = await whoAt(admin(), node);
      if (this.#closed || round !== this.#round) return;
      if (who === null) continue;
      onWho(who);
      break;
    }
    this.#cancelTimer = clock.after(INTERVAL_MS, () => this.ask());
  }
}

/** Null: this node does not say. */
async function whoAt(admin: Pick<AdminCore, "call">, node: number): Promise<Who | null> {
  try {
    return await admin.call(node, "whoami", {});
  } catch (error) {
    if (error instanceof KvError) return null;
    throw error;
  }
}
