/** The way in that clients and managers share: they shake hands, and are let in as long as there is room for one more. */
import { acceptWithHandshake } from "../../links/handshake/index.ts";
import type { Connection, ConnectionHandlers } from "../../machine/ports/index.ts";
import type { BufferBudget, BufferHolder } from "./buffer-budget.ts";
import { handshakeOf, hasProved, type GatewayContext } from "./context.ts";
import { Identity } from "./identity.ts";

const HANDSHAKE_TIMEOUT_MS = 5000;
const NOBODY: ConnectionHandlers = { onFrame: () => {}, onClose: () => {} };

/** A connection that has shaken hands. */
interface Arrival extends ConnectionHandlers, BufferHolder {
  close(reason: string): void;
}

export interface ArrivalsOptions<G extends Arrival> {
  readonly channel: "client" | "admin";
  /** What a log line says of one with which the handshake failed. */
  readonly refused: string;
  /** How many may be in at once, and what one more is told. */
  readonly max: number;
  readonly tooMany: string;
  readonly letIn: (connection: Connection, identity: Identity) => G;
}

export class Arrivals<G extends Arrival> {
  readonly #context: GatewayContext;
  readonly #budget: BufferBudget;
  readonly #options: ArrivalsOptions<G>;
  /** Have not shaken hands: the network bounds them. */
  readonly #shaking = new Set<Connection>();
  readonly #in = new Set<G>();
  #stopped = false;

  constructor(context: GatewayContext, budget: BufferBudget, options: ArrivalsOptions<G>) {
    this.#context = context;
    this.#budget = budget;
    this.#options = options;
  }

  /** That have shaken hands. */
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
      established: (_, remote) =>
        this.#established(connection, new Identity(connection, hasProved(this.#context, remote))),
      failed: (failure) => {
        this.#shaking.delete(connection);
        if (failure.kind === "ended") return;
        const { code, text } = failure;
        strangers.warn(this.#options.refused, { remote: connection.remote, code, reason: text });
      },
    });
  }

  ended(arrival: G): void {
    this.#in.delete(arrival);
    this.#budget.remove(arrival);
  }

  stop(reason: string): void {
    this.#stopped = true;
    for (const connection of this.#shaking) connection.close(reason);
    for (const arrival of this.#in) arrival.close(reason);
  }

  #established(connection: Connection, identity: Identity): ConnectionHandlers {
    this.#shaking.delete(connection);
    if (this.#in.size >= this.#options.max) {
      connection.close(this.#options.tooMany);
      return NOBODY;
    }
    const arrival = this.#options.letIn(connection, identity);
    this.#in.add(arrival);
    this.#budget.add(arrival);
    return arrival;
  }
}
