/**
 * Asks one node for its status again and again, one question at a time, and reports the result of the last one.
 *
 * A browser cannot ping, so the page notices by its silence that a node has vanished; it then gives the connection
 * up, and makes a new one.
 */
import { KvError } from "../base/index.ts";
import { AdminCore, type AdminClientOptions } from "../client/admin/index.ts";
import type { NodeAddress } from "../client/terms/index.ts";
import type { CancelTimer } from "../machine/ports/index.ts";
import type { AdminStatus } from "../protocol/admin/index.ts";

/** A question without an answer for so long: the connection is given up. */
const ANSWER_TIMEOUT_MS = 5000;
/** Pause after a connection that was lost or could not be had. */
const REDIAL_MS = 1000;
/** Pause after the node refused us: only a restart of it changes that. */
const REFUSED_RETRY_MS = 5000;

/** What is known of the node: the last question that came to an end decides. */
export type NodeReport =
  | { readonly kind: "connecting" }
  | {
      readonly kind: "answers";
      readonly heardAt: number;
      readonly status: AdminStatus;
      /** When it was asked something that it has not answered yet; null: nothing is open. */
      readonly openSince: number | null;
    }
  /** `refusal`: the node answered that it refuses this page; else there is no connection. */
  | { readonly kind: "fails"; readonly error: KvError; readonly refusal: boolean };

export type NodeWatchOptions = Omit<AdminClientOptions, "nodes" | "timeoutMs"> & {
  readonly node: NodeAddress;
  /** From the beginning of one question to that of the next. */
  readonly intervalMs: () => number;
  readonly onReport: () => void;
};

export class NodeWatch {
  readonly #options: NodeWatchOptions;
  #client: AdminCore;
  #report: NodeReport = { kind: "connecting" };
  #openSince: number | null = null;
  #cancelTimer: CancelTimer = () => {};
  #closed = false;

  constructor(options: NodeWatchOptions) {
    this.#options = options;
    this.#client = this.#newClient();
    void this.#ask();
  }

  get report(): NodeReport {
    const report = this.#report;
    return report.kind === "answers" ? { ...report, openSince: this.#openSince } : report;
  }

  /** The page itself stood still: answers that came meanwhile are still unread, so the silence counts from now on. */
  stoodStill(): void {
    if (this.#openSince !== null) this.#openSince = this.#options.clock.now();
  }

  close(): void {
    this.#closed = true;
    this.#cancelTimer();
    this.#client.close();
  }

  async #ask(): Promise<void> {
    const { clock, node, intervalMs } = this.#options;
    const askedAt = clock.now();
    this.#openSince ??= askedAt;
    try {
      const status = await this.#client.call(node.id, "status", {});
      this.#openSince = null;
      this.#put({ kind: "answers", heardAt: clock.now(), status, openSince: null });
      this.#askAgainIn(askedAt + intervalMs() - clock.now());
    } catch (error) {
      if (!(error instanceof KvError)) throw error;
      this.#failed(error);
    }
  }

  #failed(error: KvError): void {
    switch (error.code) {
      case "TIMEOUT":
        // The report of a node that answered before says that it is silent, by the question that it left open.
        this.#client.close();
        this.#client = this.#newClient();
        if (this.#report.kind !== "answers") this.#put({ kind: "fails", error, refusal: false });
        return this.#askAgainIn(0);
      case "CONNECTION_LOST":
      case "CONNECTION_FAILED":
      case "SHUTTING_DOWN":
        this.#put({ kind: "fails", error, refusal: false });
        return this.#askAgainIn(REDIAL_MS);
      case "UNAUTHORIZED":
        // Asking again does not help; with another secret the node is watched anew.
        return this.#put({ kind: "fails", error, refusal: true });
      default:
        this.#put({ kind: "fails", error, refusal: true });
        return this.#askAgainIn(REFUSED_RETRY_MS);
    }
  }

  #put(report: NodeReport): void {
    if (this.#closed) return;
    this.#report = report;
    this.#options.onReport();
  }

  #askAgainIn(ms: number): void {
    if (this.#closed) return;
    this.#cancelTimer = this.#options.clock.after(Math.max(0, ms), () => void this.#ask());
  }

  #newClient(): AdminCore {
    const { node, intervalMs: _, onReport: __, ...options } = this.#options;
    return new AdminCore({ ...options, nodes: [node], timeoutMs: ANSWER_TIMEOUT_MS });
  }
}
