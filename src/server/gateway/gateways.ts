/** The side of a node that faces clients and managers: both gateways, and what they share. */
import type { KvError } from "../../base/index.ts";
import type { Connection, ConnectionHandlers } from "../../machine/ports/index.ts";
import { AdminGateway, type AdminContext } from "./admin-gateway.ts";
import { BufferBudget } from "./buffer-budget.ts";
import { ClientGateway } from "./client-gateway.ts";
import { whenServed } from "./confirmed-moment.ts";

/** Between two counts of the bytes that all connections hold: on loopback some tens of megabytes come in meanwhile. */
const AUDIT_INTERVAL_MS = 100;

export class Gateways {
  readonly #context: Omit<AdminContext, "budget">;
  readonly #budget: BufferBudget;
  readonly #clients: ClientGateway;
  readonly #admin: AdminGateway;
  #auditMs = 0;

  constructor(context: Omit<AdminContext, "budget">) {
    this.#context = context;
    this.#budget = new BufferBudget(context.options.bufferBytesMax);
    this.#clients = new ClientGateway(context, this.#budget);
    this.#admin = new AdminGateway({ ...context, budget: this.#budget });
  }

  /** Connections that have shaken hands. */
  get clientConnections(): number {
    return this.#clients.connections;
  }

  accept(connection: Connection, channel: "client" | "admin"): ConnectionHandlers {
    return channel === "client" ? this.#clients.accept(connection) : this.#admin.accept(connection);
  }

  tick(): void {
    this.#clients.tick();
    this.#admin.tick();
    const nowMs = this.#context.machine.clock.now();
    if (nowMs < this.#auditMs) return;
    this.#auditMs = nowMs + AUDIT_INTERVAL_MS;
    this.#budget.audit();
    this.#context.strangers.tick();
  }

  /** As `whenServed`, in a later turn. A node that has ended does not call back. */
  whenServed(done: (error: KvError | null) => void): void {
    const { machine, replica, wake } = this.#context;
    // By the clock of the machine: whatever goes wrong there is this node's fault, and not the caller's.
    machine.clock.after(0, () => {
      whenServed(replica, done);
      wake();
    });
  }

  /** Waiting input gets its share of this turn. */
  beginTurn(): void {
    this.#clients.beginTurn();
    this.#admin.beginTurn();
  }

  /** Whether another turn would serve a connection that waits. */
  get hasWork(): boolean {
    return this.#clients.hasWork;
  }

  stop(reason: string): void {
    this.#clients.stop(reason);
    this.#admin.stop(reason);
  }
}
