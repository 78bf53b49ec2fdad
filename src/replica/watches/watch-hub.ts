/**
 * The watches of a node's clients: the hub creates and ends them, feeds them (watch-walks), and tells them of progress and of the
 * leader. Pure: its owner reports what happens, and its frames leave with the effects of the turn.
 *
 * Invariants, beside those of the walks and of rights:
 *   HUB-1. Progress at R is written only behind all events up to R of the watches that it concerns.
 *   HUB-2. While there are no watches the hub does nothing, and keeps only the sessions of connections that once had some.
 *   HUB-3. While watches are left that must end because the node may not serve, no watch is told of events or progress.
 */
import { type ByteString, type ErrorCode, unreachable } from "../../base/index.ts";
import type { KvState } from "../../store/index.ts";
import { ALL_WATCHES, type WatchRequest, type WatchWish } from "../../protocol/client/index.ts";
import { rangeBytes } from "./range-index.ts";
import { Watch, WatchSession, type Told, type WatchRoute } from "./watch.ts";
import {
  END_RECORDS,
  REMOVAL_RECORDS,
  WATCH_OVERHEAD_BYTES,
  type WatchHubOptions,
} from "./watch-limits.ts";
import { WatchRights, type WatchRefusal } from "./watch-rights.ts";
import { WatchShares } from "./watch-shares.ts";
import { WatchWalks } from "./watch-walks.ts";

const NOTHING_TOLD: readonly Told[] = [];
const COMPACTED_TEXT =
  "changes that this watch needs are not kept any more: read what there is, and watch from the revision after that";

export interface WatchStats {
  /** Open watches. */
  readonly watches: number;
  /** Those of them that read from the history. */
  readonly behind: number;
  /** Events told since the process started. */
  readonly events: number;
  /** Watches that left the live feed because their connection had no room, since the process started. */
  readonly slowed: number;
}

export class WatchHub {
  readonly #options: WatchHubOptions;
  readonly #state: () => KvState;
  readonly #sessions = new Map<number, WatchSession>();
  readonly #walks: WatchWalks;
  readonly #rights: WatchRights;
  readonly #shares: WatchShares;
  /** Sessions with something to send. */
  readonly #dirty = new Set<WatchSession>();
  /** By the tick at which they are told of progress. */
  readonly #due: Set<WatchSession>[];
  /**
   * Watches whose clients asked for progress, and wait for the live walk. Those that are behind are not among them: they come here,
   * or are answered, when they have come further.
   */
  readonly #askers = new Set<Watch>();
  /** Sessions of clients that are gone, with watches that are yet to be taken out. */
  readonly #closed = new Set<WatchSession>();
  /** HUB-3: sessions whose watches end, and with what. */
  readonly #toEnd = new Set<WatchSession>();
  #endsWith: WatchRefusal = { code: "DIVERGED", reason: "" };
  /** How many watches may still be taken out in this turn. */
  #removals: number;
  /** Sessions not told yet that this node hears the leader again, or no longer. */
  readonly #untold = new Set<WatchSession>();
  /** What leaves with this turn. */
  #outgoing: Told[] = [];
  #hearsLeader = true;
  #tick = 0;

  constructor(options: WatchHubOptions, state: () => KvState) {
    this.#options = options;
    this.#state = state;
    this.#shares = new WatchShares(options.limits);
    this.#walks = new WatchWalks(options.limits.turn, state, {
      wrote: (session) => this.#dirty.add(session),
      compacted: (watch, oldest) => this.#end(watch, "COMPACTED", COMPACTED_TEXT, oldest),
      asked: (watch) => this.#asked(watch),
    });
    this.#rights = new WatchRights(
      options.limits.turn.judged,
      () => state().access,
      this.#sessions,
      (watch, { code, reason }) => this.#end(watch, code, reason),
    );
    this.#due = Array.from({ length: options.progressTicks }, () => new Set());
    this.#removals = options.limits.turn.records / REMOVAL_RECORDS;
  }

  /** HUB-2. */
  get isActive(): boolean {
    return this.#shares.watches > 0;
  }

  /** HUB-3. */
  get #mayTell(): boolean {
    return this.isActive && this.#toEnd.size === 0;
  }

  get stats(): WatchStats {
    return { watches: this.#shares.watches, ...this.#walks.stats };
  }

  // ---- inputs ----------------------------------------------------------------------------------------------------

  /**
   * @param refusal for watches that are created now; null: they may be
   * @returns the client's breach of the protocol; null: none
   */
  request(
    route: WatchRoute,
    requests: readonly WatchRequest[],
    refusal: WatchRefusal | null,
  ): string | null {
    const session = this.#sessionOf(route);
    this.#rights.look(session);
    for (const request of requests) {
      const watch = session.watches.get(request.watch);
      switch (request.kind) {
        case "create":
          if (watch !== undefined) return `watch ${request.watch} is open already`;
          this.#create(session, request.watch, request.wish, refusal);
          break;
        case "cancel":
          if (watch !== undefined) this.#end(watch, "CANCELLED", "as it was asked to");
          break;
        case "progress":
          if (watch === undefined) break;
          watch.asked = this.#state().revision;
          this.#asked(watch);
          break;
        default:
          unreachable(request, "request of a watch");
      }
    }
    this.#dirty.add(session);
    return null;
  }

  /** The client is gone. Its watches are told nothing more, and are taken out as far as each turn goes. */
  forget(routeId: number): void {
    const session = this.#sessions.get(routeId);
    if (session === undefined) return;
    session.isClosed = true;
    this.#closed.add(session);
    this.#removeClosed();
    this.#sessions.delete(routeId);
    this.#due[routeId % this.#due.length]?.delete(session);
    this.#untold.delete(session);
    this.#dirty.delete(session);
    this.#rights.forget(session);
    this.#toEnd.delete(session);
  }

  /** An entry was applied, or is about to compact what it has changed, or a state was installed: as far as the turn goes. */
  applied(mayServe: boolean): void {
    if (mayServe && this.#mayTell && this.#rights.judge()) this.#walks.feed();
  }

  /** @param cutOffTicks since when nothing that is decided has come to this node, as far as it knows */
  tick(cutOffTicks: number): void {
    this.#tick += 1;
    this.#walks.tick();
    const hearsLeader = cutOffTicks < this.#options.isolatedAfterTicks;
    if (hearsLeader !== this.#hearsLeader) {
      this.#hearsLeader = hearsLeader;
      for (const session of this.#sessions.values()) this.#untold.add(session);
    }
    const due = this.#due[this.#tick % this.#due.length] ?? [];
    for (const session of due) {
      if (session.watches.size > 0) this.#rights.look(session);
      if (session.notices > 0 && this.#mayTell) this.#notice(session);
    }
  }

  /** HUB-3. This node may not serve from its state: ends all that there are, as many as each turn has room for. */
  endAll(code: ErrorCode, reason: string): void {
    for (const session of this.#sessions.values()) this.#toEnd.add(session);
    this.#endsWith = { code, reason };
    this.#endSome();
  }

  /**
   * Once in each turn, after what was applied.
   * @param appliedIdx of the state
   * @returns whether another turn is wanted
   */
  endTurn(appliedIdx: number): boolean {
    this.#removeClosed();
    this.#endSome();
    if (this.#mayTell && this.#rights.judge()) {
      this.#walks.feed();
      this.#walks.catchUp();
      this.#answerAskers();
    }
    if (this.#dirty.size > 0 || this.#untold.size > 0) this.#flush(appliedIdx);
    const isLeft =
      this.#dirty.size > 0 ||
      this.#untold.size > 0 ||
      this.#closed.size > 0 ||
      this.#toEnd.size > 0;
    const goesOn =
      isLeft ||
      (this.#mayTell && (this.#walks.hasWork || this.#answersMore || !this.#rights.isDone));
    this.#removals = this.#options.limits.turn.records / REMOVAL_RECORDS;
    this.#walks.endTurn();
    this.#rights.endTurn();
    return goesOn;
  }

  /** After `endTurn`: what its turn has for clients. */
  takeOutgoing(): readonly Told[] {
    const outgoing = this.#outgoing;
    if (outgoing.length === 0) return NOTHING_TOLD;
    this.#outgoing = [];
    return outgoing;
  }

  // ---- watches come and go ---------------------------------------------------------------------------------------

  #sessionOf(route: WatchRoute): WatchSession {
    const known = this.#sessions.get(route.id);
    if (known !== undefined) return known;
    const session = new WatchSession(route, this.#options.limits.unreadBytes);
    this.#sessions.set(route.id, session);
    this.#due[route.id % this.#due.length]?.add(session);
    if (!this.#hearsLeader) this.#untold.add(session);
    return session;
  }

  #create(
    session: WatchSession,
    number: number,
    wish: WatchWish<ByteString>,
    refusal: WatchRefusal | null,
  ): void {
    const { revision, cells } = this.#state();
    const next = wish.from ?? revision + 1;
    const denied = refusal ?? this.#rights.refusal(session, wish);
    if (denied !== null) return session.out.ended(number, denied.code, denied.reason, next);
    const { limits } = this.#options;
    const bytes = bytesOf(wish);
    const isFull = this.#shares.refusal(session, bytes);
    if (isFull !== null) return session.out.ended(number, "OVERLOADED", isFull, next);
    const { oldest } = cells.history;
    if (next <= oldest) return session.out.ended(number, "COMPACTED", COMPACTED_TEXT, oldest);
    if (!this.isActive) this.#walks.begin();
    const watch = new Watch(number, session, wish, next);
    session.watches.set(number, watch);
    if (wish.notices) session.notices += 1;
    this.#walks.add(watch);
    this.#shares.take(session, bytes);
    session.out.created(number, next, limits.progressMs);
  }

  #end(watch: Watch, code: ErrorCode, text: string, revision = this.#walks.nextOf(watch)): void {
    const { session, number } = watch;
    this.#remove(watch);
    if (session.isClosed) return;
    session.out.ended(number, code, text, revision);
    this.#dirty.add(session);
  }

  #endSome(): void {
    for (const session of this.#toEnd) {
      for (const watch of session.watches.values()) {
        if (this.#removals <= 0) return;
        this.#removals -= END_RECORDS / REMOVAL_RECORDS;
        this.#end(watch, this.#endsWith.code, this.#endsWith.reason);
      }
      this.#toEnd.delete(session);
    }
  }

  #removeClosed(): void {
    for (const session of this.#closed) {
      for (const watch of session.watches.values()) {
        if (this.#removals <= 0) return;
        this.#removals -= 1;
        this.#remove(watch);
      }
      this.#closed.delete(session);
    }
  }

  #remove(watch: Watch): void {
    const { session, wish, number } = watch;
    session.watches.delete(number);
    this.#walks.remove(watch);
    this.#askers.delete(watch);
    if (wish.notices) session.notices -= 1;
    this.#shares.giveBack(session, bytesOf(wish));
  }

  // ---- what else they are told -----------------------------------------------------------------------------------

  /** HUB-1. Its client waits for progress, and it has come to where that can be told, or will be with the live walk. */
  #asked(watch: Watch): void {
    this.#askers.delete(watch);
    switch (watch.source) {
      case "live":
      case "future":
        this.#askers.add(watch);
        break;
      case "waiting":
        if (watch.next > (watch.asked ?? Infinity)) this.#answer(watch, watch.next - 1);
        break;
      case "swept":
      case "large":
      case "none":
        // It is seen to when it has come further.
        break;
      default:
        unreachable(watch.source, "place of a watch");
    }
  }

  #answer(watch: Watch, upTo: number): void {
    const { session, number } = watch;
    watch.asked = null;
    if (session.isClosed) return;
    session.out.progress(number, upTo);
    this.#dirty.add(session);
  }

  /** HUB-1. As many as a turn has records. */
  #answerAskers(): void {
    let left = this.#options.limits.turn.records;
    for (const watch of this.#askers) {
      if (left-- <= 0) return;
      const isLive = watch.source === "live" || watch.source === "future";
      if (isLive && watch.asked !== null && watch.asked > this.#walks.fed) return;
      this.#askers.delete(watch);
      if (isLive) this.#answer(watch, this.#walks.fed);
    }
  }

  /** Whether another turn would answer some that asked. While the live walk is behind, that has work of its own. */
  get #answersMore(): boolean {
    const [watch] = this.#askers;
    return watch !== undefined && (watch.asked ?? 0) <= this.#walks.fed;
  }

  /** HUB-1. While the live walk is behind the applied entries, the notice says less than it might, and nothing wrong. */
  #notice(session: WatchSession): void {
    if (!session.hasRoom(this.#walks.turn)) return;
    if (session.behind === 0) session.out.progress(ALL_WATCHES, this.#walks.fed);
    else {
      for (const { source, number, wish } of session.watches.values()) {
        const isLive = source === "live" || source === "future";
        if (isLive && wish.notices) session.out.progress(number, this.#walks.fed);
      }
    }
    this.#dirty.add(session);
  }

  #flush(appliedIdx: number): void {
    const { connections } = this.#options.limits.turn;
    let left = connections;
    for (const session of this.#untold) {
      if (left-- === 0) break;
      this.#untold.delete(session);
      if (session.hearsLeader === this.#hearsLeader) continue;
      session.hearsLeader = this.#hearsLeader;
      session.out.standing(this.#hearsLeader);
      this.#dirty.add(session);
    }
    left = connections;
    for (const session of this.#dirty) {
      if (left-- === 0) return;
      this.#dirty.delete(session);
      session.flush(appliedIdx, this.#outgoing);
    }
  }
}

/** What a watch takes of the bound on bytes. */
function bytesOf(wish: WatchWish<ByteString>): number {
  return rangeBytes(wish) + WATCH_OVERHEAD_BYTES;
}
