/**
 * How watches are fed, from the history of a node's state and from nothing else.
 *
 * There are two walks over the revisions. The live one goes over each revision once, when it was applied, for all watches that
 * have seen all before it. A watch whose connection has no room when an event comes for it leaves this walk and waits; so does
 * one that begins in the past. A sweep takes watches that wait and have room, as many as a turn has records, of one connection
 * after the other. It goes from the earliest revision that any of them needs to where the live walk is; there they join it. So
 * each part of the history is read once for thousands of watches that need it.
 *
 * Invariants:
 *   WALKS-1. A watch is told all that it wants of a revision, in one record or in parts with nothing else for it in between, or
 *       nothing yet. It is told of revisions in order, from its first one on, and misses none.
 *   WALKS-2. A live watch has been told everything up to `fed`, a swept one everything below the sweep's `at`, any other one
 *       everything below its `next`; as far as it is at or above its own `next`. Where a turn ends within a revision, those that were
 *       told of it have a `next` beyond it.
 *   WALKS-3. A compacted revision ends the watches that need it, COMPACTED, and no other.
 *   WALKS-4. A turn does at most what WatchTurn says, and the changes of one revision: watches that end, move or are passed over count
 *       as records do (END_RECORDS, VISITS_PER_RECORD), and a revision that more watches want than are left in the turn goes on in the
 *       next one. Those that wait without room cost nothing.
 *   WALKS-5. Beyond a connection's room the hub writes at most one part of a revision for each of its watches, and the notices
 *       that a watch was created, has ended or made progress.
 *   WALKS-6. Connections that are behind are fed in turn: who was served is the last of them; sweeps and large revisions come first
 *       in every other turn; and no sweep goes on for more than SWEEP_TURNS without those that have come to wait.
 *   WALKS-7. Connections that are behind pay for what is read and written for them (WatchSession.charge); those of a sweep share what
 *       it reads. One that rests from its work is fed no more of the past until it has rested.
 */
import { type ByteString, firstFrom } from "../../base/index.ts";
import { changesAt, changesIn, NextChanges, type Change, type KvState } from "../../store/index.ts";
import type { RangeIndex } from "./range-index.ts";
import { TurnBudget } from "./turn-budget.ts";
import type { Watch, WatchSession } from "./watch.ts";
import { isIn, SharedEvent, wants } from "./watch-events.ts";
import {
  CHANGE_WORK_BYTES,
  END_RECORDS,
  FAR_REVISIONS,
  PASSED_PER_CHANGE,
  PIECE_CHANGES_MAX,
  PIECE_CHANGES_MIN,
  RECORD_WORK_BYTES,
  SWEEP_TURNS,
  toldWork,
  VISITS_PER_RECORD,
  type WatchTurn,
} from "./watch-limits.ts";
import { WatchPlaces } from "./watch-places.ts";

/** With ticks of 10 ms, 5 s. */
const NEXT_KEPT_TICKS = 500;

export interface WalkHooks {
  /** Something was written for this connection. */
  wrote(session: WatchSession): void;
  /** WALKS-3. The hub must end this watch and take it out. */
  compacted(watch: Watch, oldest: number): void;
  /** Its client waits for progress. Live or future: it is told with the live walk; waiting: it was told all before its `next`. */
  asked(watch: Watch): void;
}

interface SortedKeys {
  readonly history: KvState["cells"]["history"];
  readonly revision: number;
  readonly keys: readonly ByteString[];
}

export class WatchWalks {
  readonly #state: () => KvState;
  readonly #hooks: WalkHooks;
  readonly #places: WatchPlaces;
  /** The live walk has been over this revision. */
  #fed = 0;
  /** The revision that the sweep comes to next. */
  #at = 0;
  /** The turn in which it began. */
  #sweptSince = 0;
  /** WALKS-7: the connections that were in it from then on, and the changes that they have not paid for. */
  readonly #payers = new Set<WatchSession>();
  #unpaid = 0;
  #events = 0;
  #slowed = 0;
  #turn = 0;
  /**
   * The next change of each key after revisions that are far back; null: no walk has been so far behind for a while. To make it is
   * a pass over the whole history, which a client that begins and ends such watches would ask for again and again.
   */
  #next: NextChanges | null = null;
  /** The keys of the revision of which a part was told last: a hundred thousand may take more time to sort than the part. */
  #sorted: SortedKeys | null = null;
  /** Ticks since a watch was behind. */
  #idleTicks = 0;
  readonly #bounds: WatchTurn;
  readonly #live: TurnBudget;
  readonly #past: TurnBudget;

  constructor(bounds: WatchTurn, state: () => KvState, hooks: WalkHooks) {
    this.#bounds = bounds;
    this.#live = new TurnBudget(bounds, bounds.changes);
    this.#past = new TurnBudget(bounds, bounds.pastChanges);
    this.#state = state;
    this.#hooks = hooks;
    this.#places = new WatchPlaces((watch) => hooks.asked(watch));
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
    return { behind: this.#places.behindCount, events: this.#events, slowed: this.#slowed };
  }

  /** No client has watched so far: the entries applied until now are history. */
  begin(): void {
    this.#fed = this.#state().revision;
  }

  /** @param watch that is new, and wants nothing that is compacted */
  add(watch: Watch): void {
    if (watch.next <= this.#fed) this.#places.place(watch, "waiting");
    else this.#places.place(watch, watch.next === this.#fed + 1 ? "live" : "future");
  }

  remove(watch: Watch): void {
    this.#places.place(watch, "none");
  }

  /** The first revision of which not all was sent (WALKS-2). */
  nextOf({ source, next }: Watch): number {
    if (source === "live") return Math.max(next, this.#fed + 1);
    return source === "swept" ? Math.max(next, this.#at) : next;
  }

  /** Feeds the watches that are behind, as far as the turn goes. */
  catchUp(): void {
    this.#endOvertaken();
    const isSweepFirst = this.#turn % 2 === 0;
    if (isSweepFirst) this.#sweep();
    this.#serveLarge();
    if (!isSweepFirst) this.#sweep();
  }

  tick(): void {
    this.#idleTicks = this.#places.behindCount === 0 ? this.#idleTicks + 1 : 0;
    if (this.#places.large.size === 0) this.#sorted = null;
    if (this.#idleTicks > NEXT_KEPT_TICKS) this.#next = null;
  }

  endTurn(): void {
    this.#live.refill();
    this.#past.refill();
    this.#turn += 1;
  }

  /** Whether another turn could feed a watch that is behind, or must end one. */
  get hasWork(): boolean {
    const { revision, cells } = this.#state();
    const { swept, needs, waiting, large } = this.#places;
    if (this.#fed < revision || swept.size > 0) return true;
    if (needs.first !== undefined && needs.first.next <= cells.history.oldest) return true;
    for (const sessions of [waiting, large]) {
      for (const session of sessions) if (session.mayCatchUp(this.#turn)) return true;
    }
    return false;
  }

  // ---- the live walk ---------------------------------------------------------------------------------------------

  /** The live walk, as far as the turn goes. */
  feed(): void {
    const { revision, cells } = this.#state();
    const { future } = this.#places;
    const { oldest } = cells.history;
    if (this.#fed < oldest) {
      if (!this.#endLive(oldest)) return;
      this.#fed = oldest;
    }
    while (this.#fed < revision && !this.#live.isSpent) {
      const next = future.first;
      if (next !== undefined && next.next <= this.#fed + 1) {
        this.#places.place(next, "live");
        this.#live.records -= 1;
        continue;
      }
      const last = Math.min(revision, (next?.next ?? Infinity) - 1);
      this.#fed = this.#walk("live", this.#fed + 1, last, this.#live) - 1;
    }
  }

  /** All that are live need the revision after `fed`, which is compacted. @returns whether the turn was enough for them */
  #endLive(oldest: number): boolean {
    const { live, future } = this.#places;
    const budget = this.#live;
    for (let { first } = future; first !== undefined && first.next <= oldest; { first } = future) {
      if (budget.isSpent) return false;
      this.#compacted(first, oldest, budget);
    }
    for (const watch of live.some(this.#bounds.records)) {
      if (budget.isSpent) return false;
      if (watch.next <= oldest) this.#compacted(watch, oldest, budget);
      else {
        // It was told of the compacted revision before the others were.
        budget.records -= 1;
        this.#places.place(watch, "future");
      }
    }
    // Each takes a record at least: if some are left, the turn is spent.
    return !budget.isSpent;
  }

  /**
   * Tells watches of a source of the next revisions.
   * @param from the first of them
   * @param last as far as it may go
   * @returns the revision to go on with
   */
  #walk(source: "live" | "swept", from: number, last: number, budget: TurnBudget): number {
    const { cells } = this.#state();
    const { history } = cells;
    if (!this.#knowsNext(from, budget, FAR_REVISIONS[source === "live" ? "live" : "past"]))
      return from;
    const first = history.keysAt(from);
    if (first.length > this.#bounds.revisionKeys) {
      budget.changes -= first.length;
      return this.#setAside(source, from, first, budget) ? from + 1 : from;
    }
    let to = from;
    const piece = Math.min(budget.piece, budget.changes);
    for (let changes = first.length; to < last && changes < piece; to++) {
      const { length } = history.keysAt(to + 1);
      if (length > this.#bounds.revisionKeys) break;
      changes += length;
    }
    const looked = { cells: 0 };
    const index = this.#indexOf(source);
    const changes = changesIn(cells, from, to, (key) => index.has(key), looked, this.#next);
    budget.changes -= changes.length + (looked.cells - changes.length) / PASSED_PER_CHANGE;
    for (let at = 0; at < changes.length;) {
      const revision = changes[at]?.revision ?? to;
      let end = at + 1;
      while (changes[end]?.revision === revision) end += 1;
      const isOver = this.#tell(source, revision, changes.slice(at, end), budget);
      if (!isOver || (budget.isSpent && revision < to)) {
        // The changes after this one must be collected once more: collect fewer next time.
        budget.piece = Math.max(PIECE_CHANGES_MIN, budget.piece >> 2);
        return isOver ? revision + 1 : revision;
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
  #knowsNext(from: number, budget: TurnBudget, farRevisions: number): boolean {
    const { history } = this.#state().cells;
    const isFar = history.last - from > farRevisions;
    if (this.#next === null && !isFar) return true;
    if (this.#next?.mayGoOn(history, from) !== true) this.#next = new NextChanges(history, from);
    budget.changes -= this.#next.extend(budget.changes * PASSED_PER_CHANGE) / PASSED_PER_CHANGE;
    return this.#next.last === history.last;
  }

  #indexOf(source: "live" | "swept"): RangeIndex<Watch> {
    return source === "live" ? this.#places.live : this.#places.sweptIndex;
  }

  /**
   * All that the watches of a source want of one revision (WALKS-1), as many of them as are left in the turn (WALKS-4).
   * @returns whether those were all
   */
  #tell(
    source: "live" | "swept",
    revision: number,
    changes: readonly Change[],
    budget: TurnBudget,
  ): boolean {
    const touched: Watch[] = [];
    const most = Math.ceil(budget.records);
    let areAll = true;
    const index = this.#indexOf(source);
    for (const change of changes) {
      const event = new SharedEvent(change);
      index.visit(change.key, (watch) => {
        budget.records -= 1 / VISITS_PER_RECORD;
        if (watch.next > revision || !wants(watch, change)) return;
        if (watch.events.length === 0) {
          if (touched.length >= most) {
            areAll = false;
            return;
          }
          touched.push(watch);
        }
        const bytes = event.bytes(watch.wish.previous);
        watch.events.push(bytes);
        watch.eventBytes += bytes.length;
      });
    }
    for (const watch of touched) {
      const { session, events, eventBytes: bytes, number } = watch;
      budget.records -= 1;
      const hasRoom =
        source === "live" ? session.hasRoom(this.#turn) : session.mayCatchUp(this.#turn);
      if (events.length > 1 && bytes > this.#bounds.partBytes)
        this.#leave(watch, revision, "large");
      else if (budget.bytes <= 0 || !hasRoom) {
        this.#leave(watch, revision, "waiting");
      } else {
        session.out.events(number, revision, events, false);
        if (source === "swept") session.charge(toldWork(bytes));
        this.#hooks.wrote(session);
        this.#events += events.length;
        budget.bytes -= bytes;
        if (!areAll) watch.next = revision + 1;
      }
      events.length = 0;
      watch.eventBytes = 0;
    }
    return areAll;
  }

  /** @param revision the first of which the watch was told nothing */
  #leave(watch: Watch, revision: number, source: "waiting" | "large"): void {
    if (watch.source === "live" && source === "waiting") this.#slowed += 1;
    watch.next = revision;
    watch.sentKey = null;
    this.#places.place(watch, source);
  }

  /**
   * A revision of very many keys: each watch that wants some of them gets the revision by itself.
   * @returns false: the turn was not enough for all of them, and the next one goes on
   */
  #setAside(
    source: "live" | "swept",
    revision: number,
    keys: readonly ByteString[],
    budget: TurnBudget,
  ): boolean {
    const setAside = (watch: Watch): void => {
      budget.records -= 1;
      this.#leave(watch, revision, "large");
    };
    if (source === "live") {
      for (const key of keys) {
        const found: Watch[] = [];
        this.#places.live.visit(key, (watch) => {
          budget.records -= 1 / VISITS_PER_RECORD;
          // One that was set aside in the turn before may be back already.
          if (watch.next <= revision) found.push(watch);
        });
        // They leave before the next key is looked up, so each is found once.
        for (const watch of found) {
          if (budget.records <= 0) return false;
          setAside(watch);
        }
      }
      return true;
    }
    const sorted = keys.toSorted();
    for (const watch of this.#places.swept) {
      if (budget.records <= 0) return false;
      budget.records -= 1 / VISITS_PER_RECORD;
      const { start, end } = watch.wish;
      const first = sorted[firstFrom(sorted, start)];
      if (watch.next <= revision && first !== undefined && isIn(first, end)) setAside(watch);
    }
    return true;
  }

  // ---- those that are behind -------------------------------------------------------------------------------------

  #compacted(watch: Watch, oldest: number, budget: TurnBudget): void {
    budget.records -= END_RECORDS;
    this.#hooks.compacted(watch, oldest);
  }

  /** WALKS-3, for those whose connections have no room, too. Half of a turn is left to feed others. */
  #endOvertaken(): void {
    const { oldest } = this.#state().cells.history;
    const { needs } = this.#places;
    while (this.#past.records > this.#bounds.records / 2) {
      const { first } = needs;
      if (first === undefined || first.next > oldest) return;
      this.#compacted(first, oldest, this.#past);
    }
  }

  /** Part after part of one revision, for one connection after the other (WALKS-6). */
  #serveLarge(): void {
    const { large } = this.#places;
    const { oldest } = this.#state().cells.history;
    // Whoever was served comes once more, as long as it has room.
    for (const session of large) {
      if (this.#past.isSpent) return;
      const [watch] = session.large;
      if (watch === undefined || watch.next <= oldest || !session.mayCatchUp(this.#turn)) continue;
      large.delete(session);
      large.add(session);
      this.#tellPart(watch);
    }
  }

  #tellPart(watch: Watch): void {
    const { session, wish, next: revision, number } = watch;
    const { cells } = this.#state();
    if (!this.#knowsNext(revision, this.#past, FAR_REVISIONS.past)) return;
    const keys = this.#sortedKeysAt(revision, session);
    let at = firstFrom(keys, wish.start);
    if (watch.sentKey !== null) at = firstFrom(keys, `${watch.sentKey}\0` as ByteString);
    // One part at least: the keys of one revision may be more than a turn's changes, and in the next turn they were as many again.
    do {
      const events: Uint8Array[] = [];
      let bytes = 0;
      let key = keys[at];
      // Small events are more than a turn's changes before they are a part's bytes.
      const endOfTurn = at + this.#bounds.pastChanges;
      const before = at;
      while (
        key !== undefined &&
        isIn(key, wish.end) &&
        bytes < this.#bounds.partBytes &&
        at < endOfTurn
      ) {
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
      session.charge(toldWork(bytes) + (at - before) * CHANGE_WORK_BYTES);
      if (more) continue;
      watch.next = revision + 1;
      return this.#places.place(watch, watch.next > this.#fed ? "live" : "waiting");
    } while (session.hasRoom(this.#turn) && !this.#past.isSpent);
  }

  #sortedKeysAt(revision: number, session: WatchSession): readonly ByteString[] {
    const { history } = this.#state().cells;
    if (this.#sorted?.revision === revision && this.#sorted.history === history)
      return this.#sorted.keys;
    const keys = history.keysAt(revision).toSorted();
    const changes = keys.length / PASSED_PER_CHANGE;
    this.#past.changes -= changes;
    session.charge(changes * CHANGE_WORK_BYTES);
    this.#sorted = { revision, history, keys };
    return keys;
  }

  #sweep(): void {
    const { oldest } = this.#state().cells.history;
    const { swept } = this.#places;
    while (!this.#past.isSpent) {
      if (swept.size === 0 && !this.#beginSweep(oldest)) break;
      if (this.#at <= oldest || this.#turn - this.#sweptSince >= SWEEP_TURNS) {
        this.#endSweep();
      } else if (this.#at > this.#fed) {
        // They have been told all that the live ones have.
        for (const watch of swept) this.#places.place(watch, "live");
      } else {
        const before = this.#past.changes;
        this.#at = this.#walk("swept", this.#at, this.#fed, this.#past);
        this.#unpaid += before - this.#past.changes;
      }
    }
    this.#pay();
  }

  /** WALKS-7. */
  #pay(): void {
    if (this.#unpaid === 0) return;
    const each = Math.ceil((this.#unpaid * CHANGE_WORK_BYTES) / Math.max(1, this.#payers.size));
    for (const session of this.#payers) session.charge(each);
    this.#unpaid = 0;
  }

  /** With as many that wait and have room as there may be in one (WALKS-6). @returns whether there are any */
  #beginSweep(oldest: number): boolean {
    const { waiting, swept } = this.#places;
    this.#pay();
    this.#payers.clear();
    let at = Infinity;
    let left = this.#bounds.records;
    for (const session of waiting) {
      if (left <= 0) break;
      if (!session.mayCatchUp(this.#turn)) continue;
      this.#payers.add(session);
      for (const watch of session.waiting) {
        // One that must end does so first (#endOvertaken), in the next turns.
        if (left <= 0 || watch.next <= oldest) break;
        left -= 1;
        at = Math.min(at, watch.next);
        this.#past.records -= 1;
        session.charge(RECORD_WORK_BYTES);
        this.#places.place(watch, "swept");
      }
      if (left > 0 || session.waiting.size === 0) continue;
      waiting.delete(session);
      waiting.add(session);
    }
    this.#at = at;
    this.#sweptSince = this.#turn;
    return swept.size > 0;
  }

  /** All that are in it wait again: what they need was compacted, or others have waited long enough. */
  #endSweep(): void {
    for (const watch of this.#places.swept) {
      watch.next = Math.max(watch.next, this.#at);
      this.#past.records -= 1;
      this.#places.place(watch, "waiting");
    }
  }
}
