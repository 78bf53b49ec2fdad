/**
 * The way in that clients and managers share: they shake hands, and the node lets them in as long as there is room for one more.
 *
 * Invariant ARRIVAL-1: while access control is on, a peer that has shaken hands and proved nothing else takes no other's room. Until it
 * has signed in it counts as a stranger of the network, which bounds the number and the time of strangers; then it needs room, of which
 * each client has a share (place-shares).
 * Invariant ARRIVAL-2: while access control is off, nobody stays who has not proved the secret, where there is one: neither a user who had
 * signed in nor one who was about to. Until its connection is closed such a peer may do nothing (Asking.onlyWhileOn).
 */
import { acceptWithHandshake } from "../../links/handshake/index.ts";
import type { Connection, ConnectionHandlers } from "../../machine/ports/index.ts";
import type { Actor } from "../../store/index.ts";
import type { BufferBudget, BufferHolder } from "./buffer-budget.ts";
import { handshakeOf, secretOf, type GatewayContext } from "./context.ts";
import { Identity } from "./identity.ts";
import { PlaceShares } from "./place-shares.ts";

const HANDSHAKE_TIMEOUT_MS = 5000;
/** What a client is told whose connection makes room for another client's. */
const GIVES_WAY = "all places are taken, and another client has fewer or goes first";
/** Likewise, when access control is off and the connection has not proved the secret. */
const SHUT_OUT = "access control is off: connect with the cluster's secret";
const NOBODY: ConnectionHandlers = { onFrame: () => {}, onClose: () => {} };

/** The peer at the other end. */
interface Guest {
  readonly connection: Connection;
  readonly identity: Identity;
  /** There was no room, or is none any more: it is being closed. */
  isRefused: boolean;
}

/** A connection that has shaken hands. */
interface Arrival extends ConnectionHandlers, BufferHolder {
  close(reason: string): void;
}

export interface ArrivalsOptions<G extends Arrival> {
  readonly channel: "client" | "admin";
  /** The log line's text for a connection whose handshake failed. */
  readonly refused: string;
  /** How many may be in at once, and the error for one more. */
  readonly max: number;
  readonly tooMany: string;
  /** Who finds room as long as others have some. Left out: nobody. */
  readonly goesFirst?: (actor: Actor | null) => boolean;
  readonly letIn: (connection: Connection, identity: Identity) => G;
}

export class Arrivals<G extends Arrival> {
  readonly #context: GatewayContext;
  readonly #budget: BufferBudget;
  readonly #options: ArrivalsOptions<G>;
  /** Connections that have not shaken hands: the network bounds them. */
  readonly #shaking = new Set<Connection>();
  readonly #in = new Map<G, Guest>();
  /** Guests that take no room: ARRIVAL-1. */
  readonly #strangers = new Set<Guest>();
  /** Those that have not proved the secret: they go when access control does. */
  readonly #owing = new Set<Guest>();
  readonly #places: PlaceShares<Guest>;
  #accessIsOn = false;
  #stopped = false;

  constructor(context: GatewayContext, budget: BufferBudget, options: ArrivalsOptions<G>) {
    this.#context = context;
    this.#budget = budget;
    this.#options = options;
    this.#places = new PlaceShares(options.max, options.goesFirst ?? (() => false));
  }

  /** Connections that have shaken hands. */
  get size(): number {
    return this.#in.size;
  }

  accept(connection: Connection): ConnectionHandlers {
    const { machine, strangers } = this.#context;
    if (this.#stopped) {
      connection.close("node stops");
      return NOBODY;
    }
    this.#shaking.add(connection);
    return acceptWithHandshake(connection, {
      clock: machine.clock,
      random: machine.random,
      timeoutMs: HANDSHAKE_TIMEOUT_MS,
      handshake: handshakeOf(this.#context, this.#options.channel),
      established: (_, remote) => this.#established(connection, secretOf(this.#context, remote)),
      failed: (failure) => {
        this.#shaking.delete(connection);
        if (failure.kind === "ended") return;
        const { code, text } = failure;
        strangers.warn(this.#options.refused, { remote: connection.remote, code, reason: text });
      },
    });
  }

  ended(arrival: G): void {
    const guest = this.#in.get(arrival);
    if (guest !== undefined) {
      this.#strangers.delete(guest);
      this.#owing.delete(guest);
      this.#places.giveBack(guest);
    }
    this.#in.delete(arrival);
    this.#budget.remove(arrival);
  }

  /** Access control may have been switched on or off, or a certificate's name have become a user's. */
  tick(): void {
    const { access } = this.#context.replica.state;
    if (!access.isOn) this.#shutOut();
    for (const guest of this.#strangers) {
      if (!guest.isRefused && !guest.identity.isStranger(access)) this.#makeRoom(guest);
    }
    if (access.isOn === this.#accessIsOn) return;
    this.#accessIsOn = access.isOn;
    for (const guest of this.#in.values()) {
      if (guest.identity.isStranger(access)) this.#estrange(guest);
    }
  }

  /** ARRIVAL-2. */
  #shutOut(): void {
    const { access } = this.#context.replica.state;
    for (const guest of this.#owing) {
      if (!guest.isRefused && guest.identity.isShutOut(access)) this.#refuse(guest, SHUT_OUT);
    }
  }

  stop(reason: string): void {
    this.#stopped = true;
    for (const connection of this.#shaking) connection.close(reason);
    for (const arrival of this.#in.keys()) arrival.close(reason);
  }

  #established(connection: Connection, secret: ReturnType<typeof secretOf>): ConnectionHandlers {
    this.#shaking.delete(connection);
    const identity: Identity = new Identity(connection, secret, () => this.#makeRoom(guest));
    const guest: Guest = { connection, identity, isRefused: false };
    const { access } = this.#context.replica.state;
    if (identity.isShutOut(access)) {
      this.#refuse(guest, SHUT_OUT);
      return NOBODY;
    }
    const isStranger = identity.isStranger(access);
    if (!isStranger && !this.#takePlace(guest)) return NOBODY;
    const arrival = this.#options.letIn(connection, identity);
    this.#in.set(arrival, guest);
    if (identity.onlyWhileOn) this.#owing.add(guest);
    this.#budget.add(arrival);
    if (isStranger) this.#estrange(guest);
    return arrival;
  }

  /** @returns false: there is none, and the guest is refused */
  #takePlace(guest: Guest): boolean {
    const { connection, identity } = guest;
    const actor = identity.actor(this.#context.machine.clock.now());
    const givesWay = this.#places.take(guest, { actor, remote: connection.remote });
    if (givesWay === "full") this.#refuse(guest, this.#options.tooMany);
    else if (givesWay !== null) this.#refuse(givesWay, GIVES_WAY);
    return givesWay !== "full";
  }

  #estrange(guest: Guest): void {
    this.#strangers.add(guest);
    this.#places.giveBack(guest);
    guest.connection.estrange();
  }

  /** For a guest that is a stranger no more. @returns why there is no room: then the connection is closed; null: there is room */
  #makeRoom(guest: Guest): string | null {
    if (!this.#strangers.has(guest)) return null;
    if (guest.isRefused || !this.#takePlace(guest)) return this.#options.tooMany;
    this.#strangers.delete(guest);
    guest.connection.admit();
    return null;
  }

  #refuse(guest: Guest, reason: string): void {
    const { connection } = guest;
    guest.isRefused = true;
    const fields = { remote: connection.remote, reason };
    this.#context.strangers.warn(this.#options.refused, fields);
    connection.close(reason);
  }
}
