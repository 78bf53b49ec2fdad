/** Client connections: frames in, one frame of answers a turn out, and a fair share of each turn. */
import type { Audit, Connection, ConnectionHandlers } from "../../machine/ports/index.ts";
import type { Replica } from "../../replica/index.ts";
import type { BufferBudget } from "./buffer-budget.ts";
import type { SignIn } from "./sign-in.ts";
import { ClientConnection, type ClientGate } from "./client-connection.ts";
import { Arrivals } from "./arrivals.ts";
import type { GatewayContext } from "./context.ts";

/** Who has wanted something within this time is at work. */
const AT_WORK_MS = 1000;

export class ClientGateway implements ClientGate {
  readonly replica: Replica;
  readonly unreadBytesMax: number;
  turn = 1;
  readonly #context: GatewayContext;
  readonly #budget: BufferBudget;
  readonly #arrivals: Arrivals<ClientConnection>;
  /** Those with something that waits for its turn. */
  readonly #queue = new Set<ClientConnection>();
  /** Whose frame came last, and when another one's came before it. */
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
    if (this.#worker === connection) this.#worker = null;
    this.#queue.delete(connection);
    this.#arrivals.ended(connection);
  }

  misbehaved({ remote }: ClientConnection, what: string, reason: string): void {
    this.#context.strangers.warn(what, { remote, reason });
  }
}
