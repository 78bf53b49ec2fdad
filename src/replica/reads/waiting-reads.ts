/**
 * All reads that wait at this node, wherever they do: how many, of which clients, and when their time is up. Nothing here looks at more
 * reads than it is asked for.
 */
import { type PendingRead, WaitingPlace } from "../turn/apply-wait-queue.ts";
import { Crowd } from "../turn/crowd.ts";
import type { Route } from "../requests/route.ts";

export class WaitingReads {
  /** Keys asked for. */
  count = 0;
  /** Of their frames. */
  bytes = 0;
  readonly #own = new ByTick();
  readonly #guests = new ByTick();
  /** Not every route says when it is gone. */
  readonly #ofRoute = new WeakMap<Route, Crowd<WaitingPlace>>();

  /** @param overTick when its time is up: now, or later */
  enter(read: PendingRead, overTick: number): WaitingPlace {
    const { route, count, frame } = read;
    this.count += count;
    this.bytes += frame.length;
    const crowds = [(route.relayed ? this.#guests : this.#own).at(overTick), this.#crowdOf(route)];
    const place = new WaitingPlace(read, crowds);
    for (const crowd of crowds) crowd.add(place);
    return place;
  }

  leave(place: WaitingPlace): PendingRead {
    const read = place.leave();
    this.count -= read.count;
    this.bytes -= read.frame.length;
    return read;
  }

  /** One whose time is up at this tick. */
  firstOver(tick: number): WaitingPlace | undefined {
    return this.#own.first(tick) ?? this.#guests.first(tick);
  }

  /** Of the clients of this node: the one whose time is up first. */
  get firstOwn(): WaitingPlace | undefined {
    return this.#own.first(Infinity);
  }

  firstOf(route: Route): WaitingPlace | undefined {
    return this.#ofRoute.get(route)?.first;
  }

  #crowdOf(route: Route): Crowd<WaitingPlace> {
    const known = this.#ofRoute.get(route);
    if (known !== undefined) return known;
    const crowd = new Crowd<WaitingPlace>();
    this.#ofRoute.set(route, crowd);
    return crowd;
  }
}

class ByTick {
  readonly #crowds = new Map<number, Crowd<WaitingPlace>>();
  /** There are none before it, and none after the other one. */
  #from = Infinity;
  #to = -Infinity;

  at(tick: number): Crowd<WaitingPlace> {
    const known = this.#crowds.get(tick);
    if (known !== undefined) return known;
    const crowd = new Crowd<WaitingPlace>();
    this.#crowds.set(tick, crowd);
    this.#from = Math.min(this.#from, tick);
    this.#to = Math.max(this.#to, tick);
    return crowd;
  }

  /** The first up to this tick. */
  first(tick: number): WaitingPlace | undefined {
    for (; this.#from <= Math.min(tick, this.#to); this.#from += 1) {
      const first = this.#crowds.get(this.#from)?.first;
      if (first !== undefined) return first;
      this.#crowds.delete(this.#from);
    }
    return undefined;
  }
}
