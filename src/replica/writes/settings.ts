/**
 * What management changes in the state, proposed by this node and in force at all nodes alike from its place in the log on: settings of the
 * cluster, and also users and compactions of the history, which are asked for and answered in the same way.
 */
import { KvError } from "../../base/index.ts";
import {
  encodeAccessChange,
  settingOf,
  type AccessChange,
  type Actor,
  type HistoryBound,
  type KvState,
} from "../../store/index.ts";
import type { Command } from "../../store/operations/index.ts";
import { aheadText } from "../../protocol/client/index.ts";
import type { ClientWrites } from "./client-writes.ts";
import { settingRoute, type SettingDone } from "./setting-route.ts";
import type { Standing } from "./standing.ts";

/** The replica that proposes them. */
export interface SettingsOwner {
  readonly state: KvState;
  newRouteId(): number;
  standing(): Standing;
}

/**
 * Each method throws KvError NO_QUORUM when no leader can be reached now, or the error with which this node refuses writes. It calls
 * `done` when the setting holds at this node, or was refused after all; it never does so for a proposal that was lost on its way.
 * The actor is the user that asks; every node judges its rights when it applies the setting.
 */
export class Settings {
  readonly #owner: SettingsOwner;
  readonly #writes: ClientWrites;

  constructor(owner: SettingsOwner, writes: ClientWrites) {
    this.#owner = owner;
    this.#writes = writes;
  }

  /** What the state of all nodes may take. */
  setQuota(bytes: number, actor: Actor | null = null, done: SettingDone | null = null): void {
    this.#propose({ kind: "setQuota", quotaBytes: bytes }, actor, done);
  }

  /** How much history all nodes keep. */
  setHistory(
    bound: HistoryBound,
    actor: Actor | null = null,
    done: SettingDone | null = null,
  ): void {
    this.#propose(settingOf(bound), actor, done);
  }

  /**
   * Compacts: earlier revisions can be read no more.
   * @throws KvError BAD_REQUEST for a revision that this node does not know yet
   */
  compact(revision: number, actor: Actor | null = null, done: SettingDone | null = null): void {
    const now = this.#owner.state.revision;
    if (revision > now) {
      throw new KvError("BAD_REQUEST", aheadText(revision, now));
    }
    this.#propose({ kind: "compact", compactRevision: revision }, actor, done);
  }

  /** Changes users, roles or permissions. */
  changeAccess(change: AccessChange, actor: Actor | null, done: SettingDone): void {
    this.#propose({ kind: "access", body: encodeAccessChange(change) }, actor, done);
  }

  #propose(command: Command, actor: Actor | null, done: SettingDone | null): void {
    const mayBeProposed = this.#owner.standing().kind !== "cutOff";
    const route = settingRoute(this.#owner.newRouteId(), command, actor, done);
    this.#writes.setting(route, command, mayBeProposed);
  }
}
