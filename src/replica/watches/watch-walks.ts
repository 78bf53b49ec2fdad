/**
 * How watches are fed, from the history of a node's state and from nothing else.
 *
 * There are two walks over the revisions. The live one goes over each revision once, when it was applied, for all watches that
 * have seen all before it. A watch whose connection has no room when an event comes for it leaves this walk and waits; so does
 * one that begins in the past. A sweep takes all watches that wait and have room, and goes from the earliest revision that any of
 * them needs to where the live walk is; there they join it. So each part of the history is read once for all watches that need it.
 *
 * Invariants:
 *   WALKS-1. A watch is told all that it wants of a revision, in one record or in parts with nothing else for it in between, or
 *       nothing yet. It is told of revisions in order, from its first one on, and misses none.
 *   WALKS-2. A live watch has been told everything up to `fed`, a swept one everything below the sweep's `at`, any other one
 *       everything below its `next`; as far as it is at or above its own `next`.
 *   WALKS-3. A compacted revision ends the watches that need it, COMPACTED, and no other.
 *   WALKS-4. A turn does at most what WatchTurn says, and one revision.
 *   WALKS-5. Beyond a connection's room the hub writes at most one part of a revision for each of its watches, and the notices
 *       that a watch was created, has ended or made progress.
 */
import { type ByteString, firstFrom } from "../../base/index.ts";
import { changesAt, changesIn, NextChanges, type Change, type KvState } from "../../store/index.ts";
import { RangeIndex } from "./range-index.ts";
import type { WatchSource, Watch, WatchSession } from "./watch.ts";
import { isIn, SharedEvent, wants } from "./watch-events.ts";
import {
  FAR_REVISIONS,
  PIECE_CHANGES_MAX,
  PIECE_CHANGES_MIN,
  type WatchTurn,
} from "./watch-limits.ts";

/** With ticks of 10 ms, 5 s. */
const NEXT_KEPT_TICKS = 500;

export interface WalkHooks {
  /** Something was written for this connection. */
  wrote(session: WatchSession): void;
  /** WALKS-3. The hub must end this watch and take it out. */
  compacted(watch: Watch, oldest: number): void;
}

/** What a turn may still do (WALKS-4). */
class Budget {
  changes = 0;
  records = 0;
  bytes = 0;
  /** Changes that are taken out of the history at once; the revision that reaches it is the last. */
  piece = PIECE_CHANGES_MIN;
  readonly #turn: WatchTurn;

  constructor(turn: WatchTurn) {
    this.#turn = turn;
    this.refill();
  }

  refill(): void {
    const { changes, records, bytes } = this.#turn;
    this.changes = changes;
    this.records = records;
    this.bytes = bytes;
  }

  get isSpent(): boolean {
    return this.changes <= 0 || this.records <= 0 || this.bytes <= 0;
  }
}

export class WatchWalks {
  readonly #state: () => KvState;
  readonly #sessions: ReadonlyMap<number, WatchSession>;
  readonly #hooks: WalkHooks;
  readonly #index = new RangeIndex<Watch>();
  /** Sessions that have watches which are not live. */
  readonly #behind = new Set<WatchSession>();
  readonly #swept = new Set<Watch>();
  /** The live walk has been over this revision. */
  #fed = 0;
  /** The revision that the sweep comes to next. */
  #at = 0;
  #behindCount = 0;
  #events = 0;
  #slowed = 0;
  #turn = 0;
  /**
   * The next change of each key after revisions that are far back; null: no walk has been so far behind for a while. To make it is
   * a pass over the whole history, which a client that begins and ends such watches would ask for again and again.
   */
  #next: NextChanges | null = null;
  /** Ticks since a watch was behind. */
  #idleTicks = 0;
  readonly #bounds: WatchTurn;
  readonly #live: Budget;
  readonly #past: Budget;

  /** @param sessions all that there are, by the number of their route */
  constructor(
    bounds: WatchTurn,
    state: () => KvState,
    sessions: ReadonlyMap<number, WatchSession>,
    hooks: WalkHooks,
  ) {
    this.#bounds = bounds;
    this.#live = new Budget(bounds);
    this.#past = new Budget(bounds);
    this.#state = state;
    this.#sessions = sessions;
    this.#hooks = hooks;
  }

  /** Number of the present turn: the hub looks once in each at what a connection holds. */
  get turn(): number {
    return this.#turn;
  }

  /** Live watches have been told everything up to this revision. */
  get fed(): number {
    return this.#fed;
  }

  get stats(): { readonly behind: number; readonly events: number; readonly slowed: number } {
    return { behind: this.#behindCount, events: this.#events, slowed: this.#slowed };
  }

  /** No client has watched so far: the entries applied until now are history. */
  begin(): void {
    this.#fed = this.#state().revision;
  }

  add(watch: Watch): void {
    this.#index.add(watch.wish, watch);
    if (watch.next <= this.#fed) this.#move(watch, "waiting");
  }

  remove(watch: Watch): void {
    this.#index.remove(watch.wish, watch);
    this.#move(watch, "ended");
  }

  /** The first revision of which not all was sent (WALKS-2). */
  nextOf({ source, next }: Watch): number {
    if (source === "live") return Math.max(next, this.#fed + 1);
    return source === "swept" ? Math.max(next, this.#at) : next;
  }

  /** Feeds the watches that are behind, as far as the turn goes. */
  catchUp(): void {
    this.#serveLarge();
    this.#sweep();
  }

  tick(): void {
    this.#idleTicks = this.#behindCount === 0 ? this.#idleTicks + 1 : 0;
    if (this.#idleTicks > NEXT_KEPT_TICKS) this.#next = null;
  }

  endTurn(): void {
    this.#live.refill();
    this.#past.refill();
    this.#turn += 1;
  }

  /** Whether another turn could feed a watch that is behind. */
  get hasWork(): boolean {
    if (this.#fed < this.#state().revision) return true;
    for (const session of this.#behind) if (session.hasRoom(this.#turn)) return true;
    return false;
  }

  #move(watch: Watch, source: WatchSource): void {
    const { session } = watch;
    const wasBehind = isBehind(watch.source);
    if (watch.source === "swept") this.#swept.delete(watch);
    watch.source = source;
    if (source === "swept") this.#swept.add(watch);
    if (isBehind(source) === wasBehind) return;
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

  // ---- the live walk ---------------------------------------------------------------------------------------------

  /** The live walk, as far as the turn goes. */
  feed(): void {
    const { revision, cells } = this.#state();
    const { oldest } = cells.history;
    if (this.#fed < oldest) {
      for (const { watches } of this.#sessions.values()) {
        for (const watch of watches.values()) {
          if (watch.source === "live" && watch.next <= oldest) this.#compacted(watch, oldest);
        }
      }
      this.#fed = oldest;
    }
    while (this.#fed < revision && !this.#live.isSpent) {
      this.#fed = this.#walk("live", this.#fed + 1, revision, this.#live) - 1;
    }
  }

  /**
   * Tells watches of a source of the next revisions.
   * @param from the first of them
   * @param last as far as it may go
   * @returns the revision to go on with
   */
  #walk(source: "live" | "swept", from: number, last: number, budget: Budget): number {
    const { cells } = this.#state();
    const { history } = cells;
    if (!this.#knowsNext(from, budget, FAR_REVISIONS[source === "live" ? "live" : "past"]))
      return from;
    const first = history.keysAt(from);
    if (first.length > this.#bounds.revisionKeys) {
      budget.changes -= first.length;
      this.#setAside(source, from, first);
      return from + 1;
    }
    let to = from;
    for (let changes = first.length; to < last && changes < budget.piece; to++) {
      const { length } = history.keysAt(to + 1);
      if (length > this.#bounds.revisionKeys) break;
      changes += length;
    }
    const looked = { cells: 0 };
    const changes = changesIn(cells, from, to, (key) => this.#index.has(key), looked, this.#next);
    budget.changes -= looked.cells;
    for (let at = 0; at < changes.length;) {
      const revision = changes[at]?.revision ?? to;
      let end = at + 1;
      while (changes[end]?.revision === revision) end += 1;
      this.#tell(source, revision, changes.slice(at, end), budget);
      if (budget.isSpent && revision < to) {
        // The changes after this one must be collected once more: collect fewer next time.
        budget.piece = Math.max(PIECE_CHANGES_MIN, budget.piece >> 2);
        return revision + 1;
      }
      at = end;
    }
    budget.piece = Math.min(PIECE_CHANGES_MAX, 2 * budget.piece);
    return to + 1;
  }

  /**
   * Where a walk is far behind, looks up the next change of each key.
   * @returns false when that took the rest of the turn
   */
  #knowsNext(from: number, budget: Budget, farRevisions: number): boolean {
    const { history } = this.#state().cells;
    const isFar = history.last - from > farRevisions;
    if (this.#next === null && !isFar) return true;
    if (this.#next?.mayGoOn(history, from) !== true) this.#next = new NextChanges(history, from);
    budget.changes -= this.#next.extend(budget.changes);
    return this.#next.last === history.last;
  }

  /** All that the watches of a source want of one revision (WALKS-1). */
  #tell(
    source: "live" | "swept",
    revision: number,
    changes: readonly Change[],
    budget: Budget,
  ): void {
    const touched: Watch[] = [];
    for (const change of changes) {
      const event = new SharedEvent(change);
      this.#index.visit(change.key, (watch) => {
        if (watch.source !== source || watch.next > revision || !wants(watch, change)) return;
        if (watch.events.length === 0) touched.push(watch);
        const bytes = event.bytes(watch.wish.previous);
        watch.events.push(bytes);
        watch.eventBytes += bytes.length;
      });
    }
    for (const watch of touched) {
      const { session, events, eventBytes: bytes, number } = watch;
      if (events.length > 1 && bytes > this.#bounds.partBytes)
        this.#leave(watch, revision, "large");
      else if (budget.bytes <= 0 || !session.hasRoom(this.#turn)) {
        this.#leave(watch, revision, "waiting");
      } else {
        session.out.events(number, revision, events, false);
        this.#hooks.wrote(session);
        this.#events += events.length;
        budget.records -= 1;
        budget.bytes -= bytes;
      }
      events.length = 0;
      watch.eventBytes = 0;
    }
  }

  /** @param revision the first of which the watch was told nothing */
  #leave(watch: Watch, revision: number, source: "waiting" | "large"): void {
    if (watch.source === "live" && source === "waiting") this.#slowed += 1;
    watch.next = revision;
    watch.sentKey = null;
    this.#move(watch, source);
  }

  /** A revision of very many keys: each watch that wants some of them gets the revision by itself. */
  #setAside(source: "live" | "swept", revision: number, keys: readonly ByteString[]): void {
    const sorted = keys.toSorted();
    const concern = (watch: Watch): void => {
      if (watch.source !== source || watch.next > revision) return;
      const { start, end } = watch.wish;
      const first = sorted[firstFrom(sorted, start)];
      if (first !== undefined && (end === null || first < end)) {
        this.#leave(watch, revision, "large");
      }
    };
    if (source === "swept") for (const watch of this.#swept) concern(watch);
    else for (const { watches } of this.#sessions.values()) watches.forEach(concern);
  }

  // ---- those that are behind -------------------------------------------------------------------------------------

  #compacted(watch: Watch, oldest: number): void {
    this.#hooks.compacted(watch, oldest);
  }

  /** Part after part of one revision, for one watch after the other. */
  #serveLarge(): void {
    const { cells } = this.#state();
    const { oldest } = cells.history;
    for (const { behind } of this.#behind) {
      for (const watch of behind) {
        if (watch.source !== "large") continue;
        if (watch.next <= oldest) this.#compacted(watch, oldest);
        else if (!this.#past.isSpent) this.#tellPart(watch);
      }
    }
  }

  #tellPart(watch: Watch): void {
    const { session, wish, next: revision, number } = watch;
    // Without room it takes nothing of the turn from the others.
    if (!session.hasRoom(this.#turn)) return;
    const { cells } = this.#state();
    if (!this.#knowsNext(revision, this.#past, FAR_REVISIONS.past)) return;
    const keys = cells.history.keysAt(revision).toSorted();
    this.#past.changes -= keys.length;
    let at = firstFrom(keys, wish.start);
    if (watch.sentKey !== null) at = firstFrom(keys, `${watch.sentKey}\0` as ByteString);
    // One part at least: the keys of one revision may be more than a turn's changes, and in the next turn they were as many again.
    do {
      const events: Uint8Array[] = [];
      let bytes = 0;
      let key = keys[at];
      while (key !== undefined && isIn(key, wish.end) && bytes < this.#bounds.partBytes) {
        for (const change of changesAt(cells, revision, [key], { cells: 0 }, this.#next)) {
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
      this.#hooks.wrote(session);
      this.#events += events.length;
      this.#past.records -= 1;
      this.#past.bytes -= bytes;
      if (more) continue;
      watch.next = revision + 1;
      return this.#move(watch, watch.next > this.#fed ? "live" : "waiting");
    } while (session.hasRoom(this.#turn) && !this.#past.isSpent);
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
        if (watch.source !== "waiting") continue;
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
}

function isBehind(source: WatchSource): boolean {
  return source !== "live" && source !== "ended";
}
