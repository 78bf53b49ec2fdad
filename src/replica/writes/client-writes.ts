/**
 * The writes of clients, from their arrival until the log has them: what is taken in, and what is refused.
 *
 * Invariant: a definite refusal is given only to what this node has neither proposed nor relayed (Replica, REPLICA-3).
 */
import { type ErrorCode, KvError } from "../../base/index.ts";
import {
  buildEntry,
  GroupWriter,
  NO_SESSION,
  refusalOf,
  rightsNow,
  rulesFor,
  splitGroup,
  withActor,
  type KvState,
  type Rights,
  type SplitGroup,
} from "../../store/index.ts";
import { deniedText, SHUT_OUT_TEXT } from "../requests/denied.ts";
import type { Command } from "../../store/operations/index.ts";
import type { AnswerOutbox } from "../turn/answer-outbox.ts";
import { Openings } from "./openings.ts";
import { proposalsOptions } from "./proposals-limits.ts";
import { Proposals } from "./proposals.ts";
import { Rebuilds, REBUILDS_TEXT } from "./rebuilds.ts";
import type { ReplicaOptions } from "../turn/replica-options.ts";
import type { Route } from "../requests/route.ts";
import type { RulesOfAll } from "./rules-of-all.ts";
import type { Space } from "./space.ts";

export interface Refusal {
  readonly code: ErrorCode;
  readonly reason: string;
}

export interface ClientWritesOptions {
  readonly replica: ReplicaOptions;
  readonly outbox: AnswerOutbox;
  readonly space: Space;
  readonly rules: Pick<RulesOfAll, "known">;
  /** What this node has applied. */
  readonly state: () => KvState;
  /** Why this node serves no client now; null: it does. */
  readonly refusal: () => Refusal | null;
}

export class ClientWrites {
  /** A trouble of the host, such as a full disk: this node refuses writes with it until the host lifts it. */
  hostRefusal: Refusal | null = null;
  readonly #options: ClientWritesOptions;
  readonly #proposals: Proposals<Route>;
  readonly #openings = new Openings();
  readonly #rebuilds: Rebuilds;
  #tick = 0;

  constructor(options: ClientWritesOptions) {
    this.#options = options;
    this.#rebuilds = new Rebuilds(options.state);
    const { pid: node, incarnation: nonce } = options.replica.core;
    this.#proposals = new Proposals(
      proposalsOptions(options.replica),
      (batch, groups) =>
        buildEntry({ node, nonce, batch }, groups, rulesFor(groups, options.rules.known)),
      ({ load }, commands, bytes) => {
        load.commands += commands;
        load.bytes += bytes;
      },
      (route, group) => this.#stamped(route, group),
    );
  }

  /** The writes that wait or are under way. */
  get proposals(): Proposals<Route> {
    return this.#proposals;
  }

  get refusesAll(): boolean {
    return this.#refusal() !== null;
  }

  /** @param group checked: commands of one session, as the log will hold them */
  add(route: Route, group: Uint8Array, commands: number): void {
    const { outbox } = this.#options;
    const refuse = (of: Uint8Array, { code, reason }: Refusal): void =>
      outbox.refuseGroup(route, of, false, code, reason);
    const refusal = this.#refusal();
    if (refusal !== null) return refuse(group, refusal);
    const allowed = this.#allowed(route, group, commands);
    if (allowed === null) return;
    // Only now: what is not allowed must not use up what clients may open.
    const tooMany = this.#openings.refuse(route.id, allowed.group, this.#tick);
    if (tooMany !== null) return refuse(allowed.group, tooMany);
    this.#addAllowed(route, allowed.group, allowed.commands);
  }

  #addAllowed(route: Route, group: Uint8Array, commands: number): void {
    const { space } = this.#options;
    const fitting = space.split(group);
    if (fitting !== null)
      this.#refusePart(route, fitting, "NO_SPACE", space.memoryText(route.actor ?? null));
    const left = fitting === null ? group : fitting.group;
    if (left === null) return;
    const affordable = this.#rebuilds.split(route, left, this.#tick);
    if (affordable === null) return this.#stage(route, left, fitting?.commands ?? commands);
    this.#refusePart(route, affordable, "OVERLOADED", REBUILDS_TEXT);
    if (affordable.group !== null) this.#stage(route, affordable.group, affordable.commands);
  }

  /**
   * Proposes a setting of the cluster, which holds once it stands in the log.
   * @param route of this proposal alone: names the user that asks, and gets the outcome
   * @param mayBeProposed whether a leader can be reached
   * @throws KvError NO_QUORUM when none can, or the error with which this node refuses writes
   */
  setting(route: Route, command: Command, mayBeProposed: boolean): void {
    const refusal = this.#refusal();
    if (refusal !== null) throw new KvError(refusal.code, refusal.reason);
    if (!mayBeProposed) throw new KvError("NO_QUORUM", NO_QUORUM_TEXT);
    const writer = new GroupWriter();
    writer.add(0, command);
    // To compact once more changes nothing. Any other setting would undo what another manager has set since.
    const once = command.kind !== "compact";
    // Even when many writes wait, management must get through.
    this.#proposals.adopt(route, writer.take(NO_SESSION, 0), 1, 0, false, once);
  }

  /**
   * The commands of a group that the user may do now, as far as this node knows; the rest is refused. Every node judges them again
   * when it applies them, so a command let through here by mistake has no effect. A repeated command that has its outcome already
   * is let through too: a user who may not do it any more still learns the outcome, and not that nothing happened.
   * @returns null: no command is left
   */
  #allowed(
    route: Route,
    group: Uint8Array,
    commands: number,
  ): { readonly group: Uint8Array; readonly commands: number } | null {
    const state = this.#options.state();
    const rights = rightsNow(state.access, route);
    if (rights === null || rights.isRoot) return { group, commands };
    // Of whom nobody knows nothing needs to be found out.
    const unpaid = rights.isKnown
      ? this.#rebuilds.splitBeforeJudged(route, group, this.#tick)
      : null;
    if (unpaid === null) return this.#judged(route, group, commands, rights);
    this.#refusePart(route, unpaid, "OVERLOADED", REBUILDS_TEXT);
    if (unpaid.group === null) return null;
    return this.#judged(route, unpaid.group, unpaid.commands, rights);
  }

  /** What is left of the group without what the user may not do. */
  #judged(
    route: Route,
    group: Uint8Array,
    commands: number,
    rights: Rights,
  ): { readonly group: Uint8Array; readonly commands: number } | null {
    const state = this.#options.state();
    const actor = route.actor ?? null;
    const split = splitGroup(
      group,
      (cursor) =>
        (!rights.isKnown || refusalOf(rights, cursor, state.leases) !== 0) &&
        !state.hasOutcome(cursor.session, cursor.sequence),
    );
    if (split.taken.length === 0) return { group, commands };
    const code = rights.isKnown ? "FORBIDDEN" : "UNAUTHENTICATED";
    this.#refusePart(route, split, code, deniedText(rights, actor));
    return split.group === null ? null : { group: split.group, commands: split.commands };
  }

  /** Adds the user to the group; while access control is off the log names none. */
  #stamped(route: Route, group: Uint8Array): Uint8Array {
    const { actor } = route;
    if (actor === undefined || actor === null || !this.#options.state().access.isOn) return group;
    return withActor(group, actor);
  }

  /** The connection is gone. */
  forget(routeId: number): void {
    this.#openings.forget(routeId);
  }

  /** A group that has been at another node, and waited there for `ageTicks`. */
  adopt(
    route: Route,
    group: Uint8Array,
    commands: number,
    { ageTicks, maybeProposed }: { readonly ageTicks: number; readonly maybeProposed: boolean },
  ): void {
    const refusal = this.#refusal() ?? this.#shutOut(route);
    if (refusal === null) {
      this.#proposals.adopt(route, group, commands, ageTicks, maybeProposed);
    } else {
      this.#options.outbox.refuseGroup(route, group, maybeProposed, refusal.code, refusal.reason);
    }
  }

  /** Where it is applied everything would be allowed. */
  #shutOut({ onlyWhileOn }: Route): Refusal | null {
    if (onlyWhileOn !== true || this.#options.state().access.isOn) return null;
    return { code: "UNAUTHENTICATED", reason: SHUT_OUT_TEXT };
  }

  /** Refuses groups that have waited for too long. */
  tick(): void {
    this.#tick += 1;
    for (const { route, group, maybeProposed } of this.#proposals.tick()) {
      this.#options.outbox.refuseGroup(route, group, maybeProposed, "NO_QUORUM", NO_QUORUM_TEXT);
    }
  }

  /** Refuses all groups that were not handed to the core. */
  refuseStaged({ code, reason }: Refusal): void {
    for (const { route, group, maybeProposed } of this.#proposals.withdrawUnproposed(() => true)) {
      this.#options.outbox.refuseGroup(route, group, maybeProposed, code, reason);
    }
  }

  #refusePart(route: Route, { session, taken }: SplitGroup, code: ErrorCode, text: string): void {
    const { outbox } = this.#options;
    outbox.markDirty(route);
    route.answers.refuseRuns(session, taken, code, text);
    outbox.refused.add("write", code);
  }

  #stage(route: Route, group: Uint8Array, commands: number): void {
    if (this.#proposals.stage(route, group, commands, route.load)) return;
    const text = "too many writes are under way at this node";
    this.#options.outbox.refuseGroup(route, group, false, "OVERLOADED", text);
  }

  #refusal(): Refusal | null {
    return this.#options.refusal() ?? this.hostRefusal;
  }
}

const NO_QUORUM_TEXT = "this node reaches no leader with a quorum; nothing was changed";
