/**
 * Whether users may read what they watch. This is judged when a watch is created, and again whenever users and rights change, or
 * the connection's user changes or is deleted.
 *
 * Invariant WATCHRIGHTS-1: while a watch is yet to be judged by the present rights, no watch is told of any event. So no watch is
 * told of a change that was applied after its right was withdrawn.
 */
import type { ByteString, ErrorCode } from "../../base/index.ts";
import {
  EMPTY_ACCESS,
  rightsNow,
  type AccessState,
  type Actor,
  type Rights,
} from "../../store/index.ts";
import type { WatchWish } from "../../protocol/client/index.ts";
import { deniedText } from "../requests/denied.ts";
import type { Watch, WatchSession } from "./watch.ts";

export interface WatchRefusal {
  readonly code: ErrorCode;
  readonly reason: string;
}

export class WatchRights {
  readonly #access: () => AccessState;
  readonly #sessions: ReadonlyMap<number, WatchSession>;
  /** The user may not read this watch any more: the hub must end it and take it out. */
  readonly #denied: (watch: Watch, refusal: WatchRefusal) => void;
  /** Immutable: any change of users and rights is another object. */
  #judgedBy: AccessState = EMPTY_ACCESS;
  /** The first of them is being judged. */
  readonly #toJudge = new Set<WatchSession>();
  /** Of the first one, those that are not judged. Null: none of them is. */
  #rest: Iterator<Watch> | null = null;
  /** How much may still be judged in this turn. */
  #left: number;
  readonly #perTurn: number;

  /**
   * @param perTurn as `judged` of WatchTurn
   * @param sessions all that there are, by the number of their route
   */
  constructor(
    perTurn: number,
    access: () => AccessState,
    sessions: ReadonlyMap<number, WatchSession>,
    denied: (watch: Watch, refusal: WatchRefusal) => void,
  ) {
    this.#perTurn = perTurn;
    this.#left = perTurn;
    this.#access = access;
    this.#sessions = sessions;
    this.#denied = denied;
  }

  /** Why this watch may not be created now; null: it may. */
  refusal({ route }: WatchSession, wish: WatchWish<ByteString>): WatchRefusal | null {
    const rights = rightsNow(this.#access(), route);
    return rights === null ? null : refusalOf(rights, route.actor ?? null, wish);
  }

  /** WATCHRIGHTS-1. Looks at as many as the turn has left. @returns whether all are judged */
  judge(): boolean {
    const access = this.#access();
    if (access !== this.#judgedBy) {
      this.#judgedBy = access;
      this.#toJudge.clear();
      this.#rest = null;
      for (const session of this.#sessions.values()) {
        if (access.isOn || session.route.onlyWhileOn === true) this.#toJudge.add(session);
      }
    }
    while (this.#toJudge.size > 0 && this.#left > 0) {
      const [session] = this.#toJudge;
      if (session !== undefined) this.#judgeSome(session, access);
    }
    return this.isDone;
  }

  get isDone(): boolean {
    return this.#toJudge.size === 0 && this.#access() === this.#judgedBy;
  }

  /** The session's client may have signed in anew, or its sign-in may have ended. */
  look(session: WatchSession): void {
    const actor = session.route.actor ?? null;
    if (!this.#access().isOn || isSame(actor, session.judgedAs)) return;
    session.judgedAs = actor;
    this.#beginAnew(session);
    this.#toJudge.add(session);
  }

  forget(session: WatchSession): void {
    this.#beginAnew(session);
    this.#toJudge.delete(session);
  }

  endTurn(): void {
    this.#left = this.#perTurn;
  }

  /** Only of the first one something is judged. */
  #beginAnew(session: WatchSession): void {
    const [first] = this.#toJudge;
    if (first === session) this.#rest = null;
  }

  #judgeSome(session: WatchSession, access: AccessState): void {
    const actor = session.route.actor ?? null;
    if (this.#rest === null) session.judgedAs = actor;
    const rights = rightsNow(access, session.route);
    const rest = (this.#rest ??= session.watches.values());
    // A connection counts too: there may be thousands of them, with few watches. One step at least, or a small turn would do nothing, for ever.
    this.#left -= 1;
    do {
      const { value: watch, done } = rest.next();
      if (done === true || rights === null || rights.isRoot) {
        this.#toJudge.delete(session);
        this.#rest = null;
        return;
      }
      const refusal = refusalOf(rights, actor, watch.wish);
      if (refusal !== null) this.#denied(watch, refusal);
      this.#left -= 1;
    } while (this.#left > 0);
  }
}

function refusalOf(
  rights: Rights,
  actor: Actor | null,
  { start, end }: WatchWish<ByteString>,
): WatchRefusal | null {
  if (rights.mayRead({ start, end })) return null;
  const code = rights.isKnown ? "FORBIDDEN" : "UNAUTHENTICATED";
  return { code, reason: deniedText(rights, actor) };
}

function isSame(a: Actor | null, b: Actor | null): boolean {
  return a?.name === b?.name && a?.generation === b?.generation;
}
