/** Settings of the cluster: proposed by this node, and in force at all nodes alike from their place in the log on. */
import { KvError } from "../base/errors.ts";
import { settingOf, type HistoryBound, type KvState } from "../kv/index.ts";
import type { Command } from "../operations/index.ts";
import type { ClientWrites } from "./client-writes.ts";
import type { Standing } from "./standing.ts";

/** The replica that proposes them. */
export interface SettingsOwner {
  readonly state: KvState;
  newRouteId(): number;
  standing(): Standing;
}

/** Each throws KvError NO_QUORUM when there is nobody to propose it to now, or what writes are refused with. */
export class Settings {
  readonly #owner: SettingsOwner;
  readonly #writes: ClientWrites;

  constructor(owner: SettingsOwner, writes: ClientWrites) {
    this.#owner = owner;
    this.#writes = writes;
  }

  /** What the state of all nodes may take. */
  setQuota(bytes: number): void {
    this.#propose({ kind: "setQuota", quotaBytes: bytes });
  }

  /** How much history all nodes keep. */
  setHistory(bound: HistoryBound): void {
    this.#propose(settingOf(bound));
  }

  /**
   * What was before this revision can be read no more.
   * @throws KvError BAD_REQUEST for a revision that this node does not know yet
   */
  compact(revision: number): void {
    const now = this.#owner.state.revision;
    if (revision > now) {
      const text = `revision ${revision} is not known here: the newest one is ${now}`;
      throw new KvError("BAD_REQUEST", text);
    }
    this.#propose({ kind: "compact", compactRevision: revision });
  }

  #propose(command: Command): void {
    const mayBeProposed = this.#owner.standing().kind !== "cutOff";
    this.#writes.setting(this.#owner.newRouteId(), command, mayBeProposed);
  }
}
