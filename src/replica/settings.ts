/** Settings of the cluster: proposed by this node, and in force at all nodes alike from their place in the log on. */
import { errorCodeFromWire, KvError } from "../base/errors.ts";
import {
  accessRefusalText,
  encodeAccessChange,
  settingOf,
  type AccessChange,
  type Actor,
  type HistoryBound,
  type KvState,
} from "../kv/index.ts";
import type { Command } from "../operations/index.ts";
import { decodeAnswers } from "../wire/client.ts";
import type { ClientWrites } from "./client-writes.ts";
import { forbiddenText, unknownText } from "./denied.ts";
import { innerRoute } from "./inner-route.ts";
import type { Standing } from "./standing.ts";

/** The replica that proposes them. */
export interface SettingsOwner {
  readonly state: KvState;
  newRouteId(): number;
  standing(): Standing;
}

/**
 * Each throws KvError NO_QUORUM when there is nobody to propose it to now, or what writes are refused with. The actor is who asks;
 * rights are judged where it is applied.
 */
export class Settings {
  readonly #owner: SettingsOwner;
  readonly #writes: ClientWrites;

  constructor(owner: SettingsOwner, writes: ClientWrites) {
    this.#owner = owner;
    this.#writes = writes;
  }

  /** What the state of all nodes may take. */
  setQuota(bytes: number, actor: Actor | null = null): void {
    this.#propose({ kind: "setQuota", quotaBytes: bytes }, actor);
  }

  /** How much history all nodes keep. */
  setHistory(bound: HistoryBound, actor: Actor | null = null): void {
    this.#propose(settingOf(bound), actor);
  }

  /**
   * What was before this revision can be read no more.
   * @throws KvError BAD_REQUEST for a revision that this node does not know yet
   */
  compact(revision: number, actor: Actor | null = null): void {
    const now = this.#owner.state.revision;
    if (revision > now) {
      const text = `revision ${revision} is not known here: the newest one is ${now}`;
      throw new KvError("BAD_REQUEST", text);
    }
    this.#propose({ kind: "compact", compactRevision: revision }, actor);
  }

  /**
   * Changes users, roles or permissions.
   * @param done told once when this node has applied it: why nothing has changed, or null. Never, when the proposal is lost
   * @returns calls off that it is told
   */
  changeAccess(
    change: AccessChange,
    actor: Actor | null,
    done: (error: KvError | null) => void,
  ): () => void {
    let isOpen = true;
    const body = encodeAccessChange(change);
    this.#propose(
      { kind: "access", body },
      actor,
      () => isOpen,
      (frame) => {
        if (!isOpen) return;
        isOpen = false;
        done(errorIn(frame, actor));
      },
    );
    return () => (isOpen = false);
  }

  #propose(
    command: Command,
    actor: Actor | null,
    isOpen = (): boolean => false,
    deliver: (frame: Uint8Array) => void = () => {},
  ): void {
    const mayBeProposed = this.#owner.standing().kind !== "cutOff";
    const route = innerRoute(this.#owner.newRouteId(), actor, isOpen, deliver);
    this.#writes.setting(route, command, mayBeProposed);
  }
}

function errorIn(frame: Uint8Array, actor: Actor | null): KvError | null {
  let error: KvError | null = null;
  const ignore = (): void => {};
  decodeAnswers(frame, {
    appliedIdx: ignore,
    write: (_session, _sequence, status, revision) => {
      if (status === 0) return;
      const code = errorCodeFromWire(status);
      if (code === "BAD_REQUEST") error = new KvError(code, accessRefusalText(revision));
      else
        error = new KvError(code, code === "FORBIDDEN" ? forbiddenText(actor) : unknownText(actor));
    },
    opened: ignore,
    refused: (_session, _first, _count, code, text) => {
      error = new KvError(code, text);
    },
    value: ignore,
    missing: ignore,
    unread: ignore,
  });
  return error;
}
