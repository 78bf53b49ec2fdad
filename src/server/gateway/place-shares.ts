/**
 * Who has the places for connections, so that no client takes them from the others. A client here is a user, or, where connections
 * have no user, all connections from one address: those that have proved the secret, and the others.
 *
 * Invariants:
 *   PLACES-1. One client may have all places while nobody else wants one. When all are taken, a client with at least two fewer than
 *       another finds room: the latest connection of the client with most gives way. So clients that want many have equally many in
 *       the end, and nobody can come back and take the place again.
 *   PLACES-2. A client that goes first finds room as long as one that does not has a place, and never gives way to it.
 *   PLACES-3. A connection stays its client's that took the place for it, even when rights and users change meanwhile.
 */
import { addressOf } from "../../base/index.ts";
import type { Actor } from "../../store/index.ts";

/** A connection, as far as it counts. */
export interface PlaceTaker {
  /** Null: no user. */
  readonly actor: Actor | null;
  /** With its port. */
  readonly remote: string;
}

interface Client<G> {
  /** As he is now: of whichever generation. */
  readonly actor: Actor | null;
  /** In the order in which they came. */
  readonly guests: Set<G>;
}

export class PlaceShares<G> {
  readonly #max: number;
  readonly #goesFirst: (actor: Actor | null) => boolean;
  readonly #clients = new Map<string, Client<G>>();
  /** By guest: the name of its client. */
  readonly #names = new Map<G, string>();

  constructor(max: number, goesFirst: (actor: Actor | null) => boolean) {
    this.#max = max;
    this.#goesFirst = goesFirst;
  }

  /** @returns who has to go for it, or null when nobody has to; "full": there is no place, and the guest has none */
  take(guest: G, taker: PlaceTaker): G | "full" | null {
    const name = nameOf(taker);
    const { actor } = taker;
    const client = this.#clients.get(name) ?? {
      actor: actor === null ? null : { ...actor, generation: 0 },
      guests: new Set(),
    };
    let givesWay: G | null = null;
    if (this.#names.size >= this.#max) {
      givesWay = this.#latestOf(this.#largestBefore(client));
      if (givesWay === null) return "full";
      this.giveBack(givesWay);
    }
    client.guests.add(guest);
    this.#clients.set(name, client);
    this.#names.set(guest, name);
    return givesWay;
  }

  /** Also for a guest that has no place. */
  giveBack(guest: G): void {
    const name = this.#names.get(guest);
    if (name === undefined) return;
    this.#names.delete(guest);
    const guests = this.#clients.get(name)?.guests;
    guests?.delete(guest);
    if (guests?.size === 0) this.#clients.delete(name);
  }

  /** The client with most connections among those that must give way to this one: PLACES-1 and PLACES-2. */
  #largestBefore(newcomer: Client<G>): Client<G> | null {
    const goesFirst = this.#goesFirst(newcomer.actor);
    let before: Client<G> | null = null;
    let equal: Client<G> | null = null;
    for (const client of this.#clients.values()) {
      if (this.#goesFirst(client.actor) === goesFirst) equal = larger(client, equal);
      else if (goesFirst) before = larger(client, before);
    }
    if (before !== null) return before;
    return equal !== null && equal.guests.size >= newcomer.guests.size + 2 ? equal : null;
  }

  #latestOf(client: Client<G> | null): G | null {
    let latest: G | null = null;
    for (const guest of client?.guests ?? []) latest = guest;
    return latest;
  }
}

function larger<G>(client: Client<G>, other: Client<G> | null): Client<G> {
  return other === null || client.guests.size > other.guests.size ? client : other;
}

function nameOf({ actor, remote }: PlaceTaker): string {
  if (actor !== null && actor.name !== "") return `user ${actor.name}`;
  return `${actor === null ? "anybody" : "holder"} at ${addressOf(remote)}`;
}
