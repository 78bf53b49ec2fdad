/** Leases, locks and elections of one client, made when they are first used: most clients use none. */
import type { Clock, Random } from "../../machine/ports/index.ts";
import { elect, observeElection, type ElectOptions, type Leader, type Term } from "./election.ts";
import { type LeasePort, Leases } from "../leases/index.ts";
import { Line } from "./line.ts";
import { Locks } from "./locks.ts";
import { storeOf, type CoordinationSource, type LockStore } from "./lock-store.ts";
import { SpareLeases } from "./spare-leases.ts";
import type { LeaseId, RequestOptions } from "../terms/index.ts";

export class Coordination {
  readonly #source: CoordinationSource;
  readonly #clock: Clock;
  readonly #port: LeasePort;
  readonly #random: Random;
  readonly #store: LockStore;
  #leases: Leases | null = null;
  #locks: Locks | null = null;
  #isClosed = false;

  constructor(source: CoordinationSource, clock: Clock, port: LeasePort, random: Random) {
    this.#source = source;
    this.#clock = clock;
    this.#port = port;
    this.#random = random;
    this.#store = storeOf(source);
  }

  get leases(): Leases {
    this.#leases ??= new Leases(this.#clock, this.#port, this.#random);
    if (this.#isClosed) this.#leases.close();
    return this.#leases;
  }

  get locks(): Locks {
    this.#locks ??= new Locks({
      ...this.#machine(),
      spare: new SpareLeases(this.#clock),
      line: new Line(this.#clock),
      list: (prefix, options) => this.#source.range({ prefix }, options),
    });
    return this.#locks;
  }

  elect(name: string, options: ElectOptions): AsyncGenerator<Term, void, undefined> {
    return elect(this.#machine(), name, options);
  }

  observeElection(
    name: string,
    options: Pick<RequestOptions, "signal">,
  ): AsyncGenerator<Leader | null, void, undefined> {
    return observeElection(this.#source, name, options);
  }

  /** The client is closed. @returns leases to be revoked, as far as that costs no waiting */
  close(): LeaseId[] {
    this.#isClosed = true;
    return this.#leases?.close() ?? [];
  }

  #machine(): { clock: Clock; store: LockStore; leases: Leases } {
    return { clock: this.#clock, store: this.#store, leases: this.leases };
  }
}
