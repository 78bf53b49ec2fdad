/**
 * Work that a client can ask for in few bytes: this shares what the node can do of it among the clients. A client that asks for
 * much waits, so that one that asks for little does not.
 *
 * Invariants:
 *   WORKSHARES-1. All clients together never owe more than `most`. Each tick pays off `perTick` of it, in equal parts for all debtors.
 *   WORKSHARES-2. A client that owes nothing gets all that is free, or nobody could ever have anything large. A client that owes
 *       something gets no more than it leaves free for others: so many small requests of one client take half at most, and the
 *       next client finds room.
 *   WORKSHARES-3. A client that was refused gets nothing until it owes nothing. Otherwise a client that asks again and again for
 *       something large would use up, in vain, the room it waits for.
 *   WORKSHARES-4. A debt outlives its connection, or a client could clear it by connecting again.
 */

interface Debtor {
  /** Above 0. */
  owed: number;
  /** WORKSHARES-3. */
  wasRefused: boolean;
}

export class WorkShares {
  readonly #most: number;
  readonly #perTick: number;
  /** By route. Each owes at least 1, so there are at most `most` of them. */
  readonly #debtors = new Map<number, Debtor>();
  #owed = 0;
  #tick = 0;

  /** Both are whole numbers, as is all work. */
  constructor(most: number, perTick: number) {
    this.#most = most;
    this.#perTick = perTick;
  }

  /** How much work a client may ask for now. */
  room(routeId: number, tick: number): number {
    this.#pay(tick);
    const debtor = this.#debtors.get(routeId);
    const free = this.#most - this.#owed;
    if (debtor === undefined) return free;
    return debtor.wasRefused ? 0 : Math.max(0, Math.floor((free - debtor.owed) / 2));
  }

  /** @param work no more than there is room for */
  take(routeId: number, work: number): void {
    if (work === 0) return;
    const debtor = this.#debtors.get(routeId);
    if (debtor === undefined) this.#debtors.set(routeId, { owed: work, wasRefused: false });
    else debtor.owed += work;
    this.#owed += work;
  }

  /** @param work spent to find out that there is no room; no more than there was room for */
  refuse(routeId: number, work: number): void {
    this.take(routeId, work);
    const debtor = this.#debtors.get(routeId);
    if (debtor !== undefined) debtor.wasRefused = true;
  }

  /** WORKSHARES-1. */
  #pay(tick: number): void {
    let left = (tick - this.#tick) * this.#perTick;
    this.#tick = tick;
    while (left > 0 && this.#debtors.size > 0) {
      const each = Math.ceil(left / this.#debtors.size);
      for (const [routeId, debtor] of this.#debtors) {
        const paid = Math.min(each, debtor.owed, left);
        debtor.owed -= paid;
        this.#owed -= paid;
        left -= paid;
        if (debtor.owed === 0) this.#debtors.delete(routeId);
      }
    }
  }
}
