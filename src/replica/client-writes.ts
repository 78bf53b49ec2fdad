/**
 * The writes of clients, from their arrival until the log has them: what is taken in, and what is refused.
 *
 * Invariant: a definite refusal is given only to what this node has neither proposed nor relayed (Replica, N3).
 */
import type { ErrorCode } from "../base/errors.ts";
import type { AnswerDesk } from "./answer-desk.ts";
import { proposalsOptions } from "./proposals-limits.ts";
import { Proposals } from "./proposals.ts";
import type { ReplicaOptions } from "./replica-options.ts";
import type { Route } from "./route.ts";

export interface Refusal {
  readonly code: ErrorCode;
  readonly reason: string;
}

export interface ClientWritesOptions {
  readonly replica: ReplicaOptions;
  readonly desk: AnswerDesk;
  /** Why nobody is answered by this node now; null: nothing of the kind. */
  readonly refusal: () => Refusal | null;
  readonly buildEntry: (batchNumber: number, groups: readonly Uint8Array[]) => Uint8Array;
}

export class ClientWrites {
  /** Disk full and the like: writes are refused with this until it is lifted. */
  hostRefusal: Refusal | null = null;
  readonly #options: ClientWritesOptions;
  readonly #proposals: Proposals<Route>;

  constructor(options: ClientWritesOptions) {
    this.#options = options;
    this.#proposals = new Proposals(
      proposalsOptions(options.replica),
      options.buildEntry,
      ({ load }, commands, bytes) => {
        load.commands += commands;
        load.bytes += bytes;
      },
    );
  }

  /** What waits and what is under way. */
  get proposals(): Proposals<Route> {
    return this.#proposals;
  }

  /** @param group checked: commands of one session, as the log will hold them */
  add(route: Route, group: Uint8Array, commands: number): void {
    const { desk } = this.#options;
    const refusal = this.#refusal();
    if (refusal !== null) {
      desk.refuseGroup(route, group, false, refusal.code, refusal.reason);
    } else if (!this.#proposals.stage(route, group, commands, route.load)) {
      const text = "too many writes are under way at this node";
      desk.refuseGroup(route, group, false, "OVERLOADED", text);
    }
  }

  /** A group that has been at another node, and waited there for `ageTicks`. */
  takeIn(
    route: Route,
    group: Uint8Array,
    commands: number,
    { ageTicks, maybeProposed }: { readonly ageTicks: number; readonly maybeProposed: boolean },
  ): void {
    const refusal = this.#refusal();
    if (refusal === null) {
      this.#proposals.takeIn(route, group, commands, ageTicks, maybeProposed);
    } else {
      this.#options.desk.refuseGroup(route, group, maybeProposed, refusal.code, refusal.reason);
    }
  }

  /** Refuses what has waited for too long. */
  tick(): void {
    for (const { route, group, maybeProposed } of this.#proposals.tick()) {
      this.#options.desk.refuseGroup(route, group, maybeProposed, "NO_QUORUM", NO_QUORUM_TEXT);
    }
  }

  /** All that was not handed to the core. */
  refuseStaged({ code, reason }: Refusal): void {
    for (const { route, group, maybeProposed } of this.#proposals.takeStaged(() => true)) {
      this.#options.desk.refuseGroup(route, group, maybeProposed, code, reason);
    }
  }

  #refusal(): Refusal | null {
    return this.#options.refusal() ?? this.hostRefusal;
  }
}

const NO_QUORUM_TEXT = "this node reaches no leader with a quorum; nothing was changed";
