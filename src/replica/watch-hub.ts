/**
 * The watches of a node's clients, fed from the history of its state and from nothing else. Pure: it is told what happens, and
 * hands frames to connections.
 *
 * There are two walks over the revisions. The live one goes over each revision once, when it was applied, for all watches that
 * have seen all before it. A watch whose connection has no room when an event comes for it leaves this walk and waits; so does
 * one that begins in the past. A sweep takes all that wait and have room and goes from the earliest revision that any of
 * them needs to where the live walk is; they join it there. So what is read of the history is read once for all that need it.
 *
 * Invariants:
 *   W1. Of a revision a watch is told everything it wants, in one record or in parts with nothing else for it in between, or
 *       nothing yet; and of no revision before all those before it from its first one on.
 *   W2. A live watch has been told everything up to `fed`, a swept one everything below the sweep's `at`, any other one
 *       everything below its `next`; as far as it is at or above its own `next`.
 *   W3. Progress at R is written only behind all events up to R of the watches that it is of.
 *   W4. What is not kept any more ends the watches that need it, COMPACTED, and no other.
 *   W5. A turn does at most what TURN says, and one revision; nothing is done and nothing kept while there are no watches.
 *   W6. What is written for a connection beyond its room is at most one part of a revision for each of its watches, and what
 *       says that a watch was created, has ended or got on.
 */
import type { ByteString } from "../base/byte-string.ts";
import type { ErrorCode } from "../base/errors.ts";
import { unreachable } from "../base/assert.ts";
import { changesAt, changesIn, type Change, type KvState } from "../kv/index.ts";
import { ALL_WATCHES, eventBytes, type WatchRequest, type WatchWish } from "../wire/client.ts";
import { RangeIndex, rangeBytes } from "./range-index.ts";
import { Watch, WatchSession, type Lane, type WatchRoute } from "./watch.ts";
import {
  LARGE_REVISION_KEYS,
  PART_BYTES,
  PIECE_CHANGES_MAX,
  PIECE_CHANGES_MIN,
  TURN,
  WATCH_OVERHEAD_BYTES,
  type WatchHubOptions,
} from "./watch-limits.ts";

const COMPACTED_TEXT =
  "changes that this watch needs are not kept any more: read what there is, and watch from the revision after that";

export interface WatchStats {
  /** That are open. */
  readonly watches: number;
  /** Of them, those that are read on from the history. */
  readonly behind: number;
  /** Events told since the process started. */
  readonly events: number;
  /** Watches that left the live feed because their connection had no room, since the process started. */
  readonly slowed: number;
}

/** What is left of a turn (W5). */
class Budget {
  changes = 0;
  records = 0;
  bytes = 0;
  /** Changes that are taken out of the history at once; the revision that reaches it is the last. */
  piece = PIECE_CHANGES_MIN;

  constructor() {
    this.refill();
  }

  refill(): void {
    this.changes = TURN.changes;
    this.records = TURN.records;
    this.bytes = TURN.bytes;
  }

  get isSpent(): boolean {
    return this.changes <= 0 || this.records <= 0 || this.bytes <= 0;
  }
}

export class WatchHub {
  readonly #options: WatchHubOptions;
  readonly #state: () => KvState;
  readonly #index = new RangeIndex<Watch>();
  readonly #sessions = new Map<number, WatchSession>();
  /** With watches that are not live. */
  readonly #behind = new Set<WatchSession>();
  /** With something to be sent. */
  readonly #dirty = new Set<WatchSession>();
  /** By the tick at which they are told of progress. */
  readonly #due: Set<WatchSession>[];
  /** Who has asked for progress and was not told yet. */
  readonly #askers = new Set<Watch>();
  /** To be told whether this node hears the leader. */
  readonly #untold = new Set<WatchSession>();
  readonly #swept = new Set<Watch>();
  #hearsLeader = true;
  /** The live walk has been over this revision. */
  #fed = 0;
  /** The revision that the sweep comes to next. */
  #at = 0;
  #count = 0;
  #behindCount = 0;
  #indexBytes = 0;
  #events = 0;
  #slowed = 0;
  #turn = 0;
  #tick = 0;
  readonly #live = new Budget();
  readonly #past = new Budget();

  constructor(options: WatchHubOptions, state: () => KvState) {
    this.#options = options;
    this.#state = state;
    this.#due = Array.from({ length: options.progressTicks }, () => new Set());
  }

  /** W5. */
  get isActive(): boolean {
    return this.#count > 0;
  }

  get stats(): WatchStats {
    return {
      watches: this.#count,
      behind: this.#behindCount,
      events: this.#events,
      slowed: this.#slowed,
    };
  }

  // ---- inputs ----------------------------------------------------------------------------------------------------

  /**
   * @param refusal for watches that are created now; null: they may be
   * @returns what the client did that it must not; null: nothing
   */
  request(
    route: WatchRoute,
    requests: readonly WatchRequest[],
    refusal: { readonly code: ErrorCode; readonly reason: string } | null,
  ): string | null {
    const session = this.#sessionOf(route);
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
          this.#askers.add(watch);
          break;
        default:
          unreachable(request, "request of a watch");
      }
    }
    this.#dirty.add(session);
    return null;
  }

  /** The client is gone. */
  forget(routeId: number): void {
    const session = this.#sessions.get(routeId);
    if (session === undefined) return;
    for (const watch of session.watches.values()) this.#remove(watch);
    this.#sessions.delete(routeId);
    this.#due[routeId % this.#due.length]?.delete(session);
    this.#untold.delete(session);
    this.#dirty.delete(session);
  }

  /** An entry was applied, or a state installed: as far as the turn goes, before another one may compact it. */
  applied(): void {
    if (this.isActive) this.#feed();
  }

  /** @param cutOffTicks since when nothing that is decided has come to this node, as far as it knows */
  tick(cutOffTicks: number): void {
    this.#tick += 1;
    const hearsLeader = cutOffTicks < this.#options.isolatedAfterTicks;
    if (hearsLeader !== this.#hearsLeader) {
      this.#hearsLeader = hearsLeader;
      for (const session of this.#sessions.values()) this.#untold.add(session);
    }
    const due = this.#due[this.#tick % this.#due.length] ?? [];
    for (const session of due) if (session.notices > 0) this.#notice(session);
  }

  /** This node may not serve from its state. */
  endAll(code: ErrorCode, reason: string): void {
    for (const session of this.#sessions.values()) {
      for (const watch of session.watches.values()) this.#end(watch, code, reason);
    }
  }

  /**
   * Once in each turn, after what was applied.
   * @param appliedIdx of the state
   * @returns whether another turn is wanted
   */
  endTurn(appliedIdx: number): boolean {
    if (this.isActive) {
      this.#feed();
      this.#serveLarge();
      this.#sweep();
      this.#answerAskers();
    }
    if (this.#dirty.size > 0 || this.#untold.size > 0) this.#flush(appliedIdx);
    this.#live.refill();
    this.#past.refill();
    const goesOn = this.#hasWork;
    this.#turn += 1;
    return goesOn;
  }

  get #hasWork(): boolean {
    if (this.#dirty.size > 0 || this.#untold.size > 0) return true;
    if (!this.isActive) return false;
    if (this.#fed < this.#state().revision) return true;
    for (const session of this.#behind) if (session.hasRoom(this.#turn)) return true;
    return false;
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
    refusal: { readonly code: ErrorCode; readonly reason: string } | null,
  ): void {
    const { revision, cells } = this.#state();
    const next = wish.from ?? revision + 1;
    if (refusal !== null) {
      return session.out.ended(number, refusal.code, refusal.reason, next);
    }
    const { limits } = this.#options;
    const bytes = rangeBytes(wish) + WATCH_OVERHEAD_BYTES;
    const isFull =
      session.watches.size >= limits.perConnection ||
      this.#count >= limits.perNode ||
      this.#indexBytes + bytes > limits.indexBytes;
    if (isFull) return session.out.ended(number, "OVERLOADED", "too many watches", next);
    const { oldest } = cells.history;
    if (next <= oldest) return session.out.ended(number, "COMPACTED", COMPACTED_TEXT, oldest);
    // What was applied while nobody watched is history.
    if (!this.isActive) this.#fed = revision;
    const watch = new Watch(number, session, wish, next);
    session.watches.set(number, watch);
    if (wish.notices) session.notices += 1;
    this.#index.add(wish, watch);
    this.#indexBytes += bytes;
    this.#count += 1;
    session.out.created(number, next, limits.progressMs);
    if (next <= this.#fed) this.#move(watch, "waiting");
  }

  #end(watch: Watch, code: ErrorCode, text: string, revision = this.#nextOf(watch)): void {
    const { session, number } = watch;
    this.#remove(watch);
    session.watches.delete(number);
    session.out.ended(number, code, text, revision);
    this.#dirty.add(session);
  }

  #remove(watch: Watch): void {
    const { session, wish } = watch;
    this.#move(watch, "ended");
    this.#askers.delete(watch);
    if (wish.notices) session.notices -= 1;
    this.#index.remove(wish, watch);
    this.#indexBytes -= rangeBytes(wish) + WATCH_OVERHEAD_BYTES;
    this.#count -= 1;
  }

  #move(watch: Watch, lane: Lane): void {
    const { session } = watch;
    const wasBehind = isBehind(watch.lane);
    if (watch.lane === "swept") this.#swept.delete(watch);
    watch.lane = lane;
    if (lane === "swept") this.#swept.add(watch);
    if (isBehind(lane) === wasBehind) return;
    if (wasBehind) {
      this.#behindCount -= 1;
      session.behind.delete(watch);
      if (session.behind.size === 0) this.#behind.delete(session);
    } else {
      this.#behindCount += 1;
      session.behind.add(watch);
      this.#behind.add(session);
    }
  }

  /** W2. */
  #nextOf({ lane, next }: Watch): number {
    if (lane === "live") return Math.max(next, this.#fed + 1);
    return lane === "swept" ? Math.max(next, this.#at) : next;
  }

  // ---- the live walk ---------------------------------------------------------------------------------------------

  #feed(): void {
    const { revision, cells } = this.#state();
    const { oldest } = cells.history;
    if (this.#fed < oldest) {
      for (const session of this.#sessions.values()) {
        for (const watch of session.watches.values()) {
          if (watch.lane === "live" && watch.next <= oldest) this.#compacted(watch, oldest);
        }
      }
      this.#fed = oldest;
    }
    while (this.#fed < revision && !this.#live.isSpent) {
      this.#fed = this.#walk("live", this.#fed + 1, revision, this.#live) - 1;
    }
  }

  /**
   * Tells watches of a lane of the next revisions.
   * @param from the first of them
   * @param last as far as it may go
   * @returns the revision to go on with
   */
  #walk(lane: "live" | "swept", from: number, last: number, budget: Budget): number {
    const { cells } = this.#state();
    const { history } = cells;
    const first = history.keysAt(from);
    if (first.length > LARGE_REVISION_KEYS) {
      budget.changes -= first.length;
      this.#setAside(lane, from, first);
      return from + 1;
    }
    let to = from;
    for (let changes = first.length; to < last && changes < budget.piece; to++) {
      const { length } = history.keysAt(to + 1);
      if (length > LARGE_REVISION_KEYS) break;
      changes += length;
    }
    const looked = { cells: 0 };
    const changes = changesIn(cells, from, to, (key) => this.#index.has(key), looked);
    budget.changes -= looked.cells;
    for (let at = 0; at < changes.length;) {
      const revision = changes[at]?.revision ?? to;
      let end = at + 1;
      while (changes[end]?.revision === revision) end += 1;
      this.#tell(lane, revision, changes.slice(at, end), budget);
      if (budget.isSpent && revision < to) {
        // What was made of the others is made once more: less of it next time.
        budget.piece = Math.max(PIECE_CHANGES_MIN, budget.piece >> 2);
        return revision + 1;
      }
      at = end;
    }
    budget.piece = Math.min(PIECE_CHANGES_MAX, 2 * budget.piece);
    return to + 1;
  }

  /** All that the watches of a lane want of one revision (W1). */
  #tell(
    lane: "live" | "swept",
    revision: number,
    changes: readonly Change[],
    budget: Budget,
  ): void {
    const touched: Watch[] = [];
    for (const change of changes) {
      const event = new SharedEvent(change);
      this.#index.visit(change.key, (watch) => {
        if (watch.lane !== lane || watch.next > revision || !wants(watch, change)) return;
        if (watch.events.length === 0) touched.push(watch);
        const bytes = event.bytes(watch.wish.previous);
        watch.events.push(bytes);
        watch.eventBytes += bytes.length;
      });
    }
    for (const watch of touched) {
      const { session, events, eventBytes: bytes, number } = watch;
      if (events.length > 1 && bytes > PART_BYTES) this.#leave(watch, revision, "large");
      else if (budget.bytes <= 0 || !session.hasRoom(this.#turn)) {
        this.#leave(watch, revision, "waiting");
      } else {
        session.out.events(number, revision, events, false);
        this.#dirty.add(session);
        this.#events += events.length;
        budget.records -= 1;
        budget.bytes -= bytes;
      }
      events.length = 0;
      watch.eventBytes = 0;
    }
  }

  /** @param revision of which it was told nothing */
  #leave(watch: Watch, revision: number, lane: "waiting" | "large"): void {
    if (watch.lane === "live" && lane === "waiting") this.#slowed += 1;
    watch.next = revision;
    watch.sentKey = null;
    this.#move(watch, lane);
  }

  /** A revision of very many keys: whoever wants any of them gets it by itself. */
  #setAside(lane: "live" | "swept", revision: number, keys: readonly ByteString[]): void {
    const sorted = keys.toSorted();
    const concern = (watch: Watch): void => {
      if (watch.lane !== lane || watch.next > revision) return;
      const { start, end } = watch.wish;
      const first = sorted[firstFrom(sorted, start)];
      if (first !== undefined && (end === null || first < end)) {
        this.#leave(watch, revision, "large");
      }
    };
    if (lane === "swept") for (const watch of this.#swept) concern(watch);
    else for (const { watches } of this.#sessions.values()) watches.forEach(concern);
  }

  // ---- those that are behind -------------------------------------------------------------------------------------

  #compacted(watch: Watch, oldest: number): void {
    this.#end(watch, "COMPACTED", COMPACTED_TEXT, oldest);
  }

  /** Part after part of one revision, for one watch after the other. */
  #serveLarge(): void {
    const { cells } = this.#state();
    const { oldest } = cells.history;
    for (const { behind } of this.#behind) {
      for (const watch of behind) {
        if (watch.lane !== "large") continue;
        if (watch.next <= oldest) this.#compacted(watch, oldest);
        else if (!this.#past.isSpent) this.#tellPart(watch);
      }
    }
  }

  #tellPart(watch: Watch): void {
    const { session, wish, next: revision, number } = watch;
    const { cells } = this.#state();
    const keys = cells.history.keysAt(revision).toSorted();
    this.#past.changes -= keys.length;
    let at = firstFrom(keys, wish.start);
    if (watch.sentKey !== null) at = firstFrom(keys, `${watch.sentKey}\0` as ByteString);
    while (session.hasRoom(this.#turn) && !this.#past.isSpent) {
      const events: Uint8Array[] = [];
      let bytes = 0;
      let key = keys[at];
      while (key !== undefined && isIn(key, wish.end) && bytes < PART_BYTES) {
        for (const change of changesAt(cells, revision, [key])) {
          this.#past.changes -= 1;
          if (!wants(watch, change)) continue;
          const event = new SharedEvent(change).bytes(wish.previous);
          events.push(event);
          bytes += event.length;
        }
        watch.sentKey = key;
        at += 1;
        key = keys[at];
      }
      const more = key !== undefined && isIn(key, wish.end);
      if (events.length > 0 || !more) session.out.events(number, revision, events, more);
      this.#dirty.add(session);
      this.#events += events.length;
      this.#past.records -= 1;
      this.#past.bytes -= bytes;
      if (more) continue;
      watch.next = revision + 1;
      return this.#move(watch, watch.next > this.#fed ? "live" : "waiting");
    }
  }

  #sweep(): void {
    const { oldest } = this.#state().cells.history;
    if (this.#swept.size > 0 && this.#at <= oldest) {
      for (const watch of this.#swept) if (watch.next <= oldest) this.#compacted(watch, oldest);
      this.#at = oldest + 1;
    }
    while (!this.#past.isSpent) {
      if (this.#swept.size === 0 && !this.#beginSweep(oldest)) return;
      if (this.#at > this.#fed) {
        // They have been told all that the live ones have.
        for (const watch of this.#swept) this.#move(watch, "live");
        continue;
      }
      this.#at = this.#walk("swept", this.#at, this.#fed, this.#past);
    }
  }

  /** With all that wait and have room. @returns whether there are any */
  #beginSweep(oldest: number): boolean {
    let at = Infinity;
    for (const session of this.#behind) {
      const hasRoom = session.hasRoom(this.#turn);
      for (const watch of session.behind) {
        if (watch.lane !== "waiting") continue;
        if (watch.next <= oldest) this.#compacted(watch, oldest);
        else if (hasRoom) {
          at = Math.min(at, watch.next);
          this.#move(watch, "swept");
        }
      }
    }
    if (this.#swept.size === 0) return false;
    this.#at = at;
    return true;
  }

  // ---- what else they are told -----------------------------------------------------------------------------------

  /** W3. */
  #answerAskers(): void {
    for (const watch of this.#askers) {
      const sent = this.#nextOf(watch) - 1;
      const upTo = watch.lane === "live" ? this.#fed : Math.min(sent, this.#fed);
      // Not between the parts of a revision.
      if (watch.asked === null || watch.lane === "large" || upTo < watch.asked) continue;
      watch.asked = null;
      this.#askers.delete(watch);
      watch.session.out.progress(watch.number, upTo);
      this.#dirty.add(watch.session);
    }
  }

  /** W3. While what was applied is yet to be walked over it says less than it might, and nothing wrong. */
  #notice(session: WatchSession): void {
    if (!session.hasRoom(this.#turn)) return;
    if (session.behind.size === 0) session.out.progress(ALL_WATCHES, this.#fed);
    else {
      for (const { lane, number, wish } of session.watches.values()) {
        if (lane === "live" && wish.notices) session.out.progress(number, this.#fed);
      }
    }
    this.#dirty.add(session);
  }

  #flush(appliedIdx: number): void {
    let left: number = TURN.connections;
    for (const session of this.#untold) {
      if (left-- === 0) break;
      this.#untold.delete(session);
      if (session.hearsLeader === this.#hearsLeader) continue;
      session.hearsLeader = this.#hearsLeader;
      session.out.standing(this.#hearsLeader);
      this.#dirty.add(session);
    }
    left = TURN.connections;
    for (const session of this.#dirty) {
      if (left-- === 0) return;
      this.#dirty.delete(session);
      session.flush(appliedIdx);
    }
  }
}

/** Encoded when it is first wanted, and then once for all that want it so. */
class SharedEvent {
  readonly #change: Change;
  #plain: Uint8Array | null = null;
  #withPrevious: Uint8Array | null = null;

  constructor(change: Change) {
    this.#change = change;
  }

  bytes(previous: boolean): Uint8Array {
    const { key, after, before } = this.#change;
    const put = after.version === 0 ? null : after;
    if (!previous || before.version === 0) {
      return (this.#plain ??= eventBytes({ key, put, previous: null }));
    }
    return (this.#withPrevious ??= eventBytes({ key, put, previous: before }));
  }
}

function isBehind(lane: Lane): boolean {
  return lane !== "live" && lane !== "ended";
}

function wants({ wish }: Watch, { after }: Change): boolean {
  return after.version === 0 ? wish.deletes : wish.puts;
}

function isIn(key: ByteString, end: ByteString | null): boolean {
  return end === null || key < end;
}

/** Place of the first key that is not below the bound. @param keys in order */
function firstFrom(keys: readonly ByteString[], bound: ByteString): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((keys[middle] ?? bound) < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}
