/** Which node leads, told once for each change. */
import type { Logger } from "../../machine/ports/index.ts";
import { ballotText, type Ballot } from "../../omnipaxos/index.ts";
import type { Replica } from "../../replica/index.ts";

/** Logs changes of role and leader, once each. */
export class RoleLog {
  readonly #replica: Replica;
  readonly #logger: Logger;
  #last: { readonly role: string; readonly promise: Ballot } | null = null;
  #leadersSeen = 0;

  constructor(replica: Replica, logger: Logger) {
    this.#replica = replica;
    this.#logger = logger;
  }

  /** Leaderships that this process has seen begin, the first one included. */
  get leadersSeen(): number {
    return this.#leadersSeen;
  }

  /** Cheap when nothing changed: the node asks once a tick. */
  update(): void {
    const { role, phase, promise, decidedIdx } = this.#replica.core;
    if (phase !== "accept") return;
    if (this.#last?.role === role && this.#last.promise === promise) return;
    this.#last = { role, promise };
    this.#leadersSeen += 1;
    const fields = { ballot: ballotText(promise), decidedIdx };
    if (role === "leader") this.#logger.info("became leader", fields);
    else this.#logger.info(`follows node ${promise.pid}`, fields);
  }
}
