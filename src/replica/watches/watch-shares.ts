/**
 * How many watches each client may have, so that none takes them from the others. A client here is a user, or, where connections
 * have no user, all connections from one address.
 *
 * Invariants:
 *   SHARES-1. No client gets more watches, or more bytes of keys in them, than it then leaves free for others. So one client has
 *       half of a node at most, and the next client finds room, however many came before.
 *   SHARES-2. A connection gives back all that it took, even when rights and users change meanwhile: its client stays the one
 *       that it had when it first asked for a watch.
 */
import type { WatchLimits } from "./watch-limits.ts";
import type { WatchSession } from "./watch.ts";

interface Share {
  watches: number;
  bytes: number;
}

const NO_SHARE: Share = { watches: 0, bytes: 0 };

export class WatchShares {
  readonly #limits: WatchLimits;
  readonly #all: Share = { watches: 0, bytes: 0 };
  /** By client. */
  readonly #shares = new Map<string, Share>();

  constructor(limits: WatchLimits) {
    this.#limits = limits;
  }

  get watches(): number {
    return this.#all.watches;
  }

  /**
   * @param bytes that it names, and what it takes beside
   * @returns why there is no room for another one, and what helps; null: there is
   */
  refusal({ watches, client }: WatchSession, bytes: number): string | null {
    const { perConnection, perClient, perNode, indexBytes } = this.#limits;
    const share = this.#shares.get(client) ?? NO_SHARE;
    if (watches.size >= perConnection) {
      return `this connection has ${watches.size} watches, as many as one may have: ${FEWER}`;
    }
    const free = perNode - this.#all.watches;
    const freeBytes = indexBytes - this.#all.bytes;
    if (free < 1 || freeBytes < bytes) {
      return `this node has ${this.#all.watches} watches, and no room for more: watch at another node, or ${FEWER}`;
    }
    if (share.watches >= Math.min(perClient, free) || share.bytes + bytes > freeBytes) {
      return `${client} has ${share.watches} watches at this node, and what is left is for others: watch at another node, or ${FEWER}`;
    }
    return null;
  }

  take({ client }: WatchSession, bytes: number): void {
    const share = this.#shares.get(client) ?? { ...NO_SHARE };
    this.#shares.set(client, share);
    for (const each of [share, this.#all]) {
      each.watches += 1;
      each.bytes += bytes;
    }
  }

  giveBack({ client }: WatchSession, bytes: number): void {
    const share = this.#shares.get(client);
    if (share === undefined) return;
    for (const each of [share, this.#all]) {
      each.watches -= 1;
      each.bytes -= bytes;
    }
    if (share.watches === 0) this.#shares.delete(client);
  }
}

const FEWER = "watch a range of keys in place of each, or end some";
