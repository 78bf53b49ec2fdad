/** Client connections: frames in, one frame of answers a turn out, and a fair share of each turn. */
import type { Audit, Connection, ConnectionHandlers } from "../../machine/ports/index.ts";
import type { Replica } from "../../replica/index.ts";
import type { BufferBudget } from "./buffer-budget.ts";
import type { SignIn } from "./sign-in.ts";
import { ClientConnection, type ClientGate } from "./client-connection.ts";
import { Arrivals } from "./arrivals.ts";
import type { GatewayContext } from "./context.ts";

/** A client that has sent a frame within this time is at work. */
const AT_WORK_MS = 1000;

export class ClientGateway implements ClientGate {
  readonly replica: Replica;
  readonly unreadBytesMax: number;
  turn = 1;
  readonly #context: GatewayContext;
  readonly #budget: BufferBudget;
  readonly #arrivals: Arrivals<ClientConnection>;
  /** Connections with input that waits for its turn. */
  readonly #queue = new Set<ClientConnection>();
  /** The connection whose frame came last, and when another one's came before it. */
  #worker: ClientConnection | null = null;
  #otherWorkedMs = Number.NEGATIVE_INFINITY;

  constructor(context: GatewayContext, budget: BufferBudget) {
    this.#context = context;
    this.#budget = budget;
    this.replica = context.replica;
    this.#arrivals = new Arrivals(context, budget, {
      channel: "client",
      refused: "client refused",
      max: context.options.clientConnectionsMax,
      tooMany: "too many connections",
      letIn: (connection, identity) => new ClientConnection(this, connection, identity),
    });
    this.unreadBytesMax = context.options.clientBufferBytesMax;
  }

  get connections(): number {
    return this.#arrivals.size;
  }

  accept(connection: Connection): ConnectionHandlers {
    return this.#arrivals.accept(connection);
  }

  stop(reason: string): void {
    this.#arrivals.stop(reason);
  }

  tick(): void {
    this.#arrivals.tick();
  }

  /** A turn begins: each waiting connection gets its share of it. */
  beginTurn(): void {
    this.turn += 1;
    if (this.#queue.size === 0) return;
    // Connections that go to the end of the queue would be met again there.
    const waiting = Array.from(this.#queue);
    for (const connection of waiting) {
      this.#queue.delete(connection);
      // A connection with input left goes behind those that were not served.
      if (connection.serve()) this.#queue.add(connection);
    }
  }

  /** The turn is over, and another one would serve a connection that waits. */
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
    if (this.#worker === connection) this.#worker = null;
    this.#queue.delete(connection);
    this.#arrivals.ended(connection);
  }

  misbehaved({ remote }: ClientConnection, what: string, reason: string): void {
    this.#context.strangers.warn(what, { remote, reason });
  }
}
