/** Client connections: handshake, frames in, one frame of answers a turn out, and a fair share of each turn. */
import { acceptWithHandshake } from "../../links/handshake/index.ts";
import type { Audit, Connection, ConnectionHandlers } from "../../machine/ports/index.ts";
import type { Replica } from "../../replica/index.ts";
import type { BufferBudget } from "./buffer-budget.ts";
import type { SignIn } from "./sign-in.ts";
import { ClientConnection, type ClientGate } from "./client-connection.ts";
import { handshakeOf, hasProved, type GatewayContext } from "./context.ts";
import { Identity } from "./identity.ts";

const HANDSHAKE_TIMEOUT_MS = 5000;
/** Who has wanted something within this time is at work. */
const AT_WORK_MS = 1000;

export class ClientGateway implements ClientGate {
  readonly replica: Replica;
  readonly unreadBytesMax: number;
  turn = 1;
  readonly #context: GatewayContext;
  readonly #budget: BufferBudget;
  /** Have not shaken hands: the network bounds them. */
  readonly #shaking = new Set<Connection>();
  readonly #connections = new Set<ClientConnection>();
  /** Those with something that waits for its turn. */
  readonly #queue = new Set<ClientConnection>();
  /** Whose frame came last, and when another one's came before it. */
  #worker: ClientConnection | null = null;
  #otherWorkedMs = Number.NEGATIVE_INFINITY;
  #stopped = false;

  constructor(context: GatewayContext, budget: BufferBudget) {
    this.#context = context;
    this.#budget = budget;
    this.replica = context.replica;
    this.unreadBytesMax = context.options.clientBufferBytesMax;
  }

  get connections(): number {
    return this.#connections.size;
  }

  accept(connection: Connection): ConnectionHandlers {
    const { machine, strangers } = this.#context;
    if (this.#stopped) {
      connection.close("node stops");
      return { onFrame: () => {}, onClose: () => {} };
    }
    this.#shaking.add(connection);
    return acceptWithHandshake(connection, {
      clock: machine.clock,
      random: machine.random,
      timeoutMs: HANDSHAKE_TIMEOUT_MS,
      handshake: handshakeOf(this.#context, "client"),
      established: (_, remote) =>
        this.#established(connection, new Identity(connection, hasProved(this.#context, remote))),
      failed: (failure) => {
        this.#shaking.delete(connection);
        if (failure.kind === "ended") return;
        const { code, text } = failure;
        strangers.warn("client refused", { remote: connection.remote, code, reason: text });
      },
    });
  }

  stop(reason: string): void {
    this.#stopped = true;
    for (const connection of this.#shaking) connection.close(reason);
    for (const connection of this.#connections) connection.close(reason);
  }

  /** A turn begins: whoever waits gets its share of it. */
  beginTurn(): void {
    this.turn += 1;
    if (this.#queue.size === 0) return;
    // Those who go to the end of the queue are met again there.
    const waiting = Array.from(this.#queue);
    for (const connection of waiting) {
      this.#queue.delete(connection);
      // Those of whom something is left stand behind those who were not served.
      if (connection.serve()) this.#queue.add(connection);
    }
  }

  /** The turn is over, and another one would get somebody on who waits. */
  get hasWork(): boolean {
    for (const connection of this.#queue) if (connection.canGoOn) return true;
    return false;
  }

  get signIn(): SignIn {
    return this.#context.signIn;
  }

  get audit(): Audit | null {
    return this.#context.machine.audit ?? null;
  }

  nowMs(): number {
    return this.#context.machine.clock.now();
  }

  othersAtWork(nowMs: number): boolean {
    const lastMs = Math.max(this.#otherWorkedMs, this.replica.served.othersAtMs);
    return nowMs - lastMs < AT_WORK_MS;
  }

  worked(connection: ClientConnection): void {
    if (this.#worker === connection) return;
    this.#worker = connection;
    this.#otherWorkedMs = this.nowMs();
  }

  wake(): void {
    this.#context.wake();
  }

  queued(connection: ClientConnection): void {
    this.#queue.add(connection);
  }

  held(connection: ClientConnection, bytes: number): void {
    this.#budget.changed(connection, bytes);
  }

  ended(connection: ClientConnection): void {
    this.#connections.delete(connection);
    if (this.#worker === connection) this.#worker = null;
    this.#queue.delete(connection);
    this.#budget.remove(connection);
  }

  misbehaved({ remote }: ClientConnection, what: string, reason: string): void {
    this.#context.strangers.warn(what, { remote, reason });
  }

  #established(connection: Connection, identity: Identity): ConnectionHandlers {
    this.#shaking.delete(connection);
    if (this.#connections.size >= this.#context.options.clientConnectionsMax) {
      connection.close("too many connections");
      return { onFrame: () => {}, onClose: () => {} };
    }
    const client = new ClientConnection(this, connection, identity);
    this.#connections.add(client);
    this.#budget.add(client);
    return client;
  }
}
