/** Steady load from a process of its own, told window by window for as long as it lasts. */
import { fork, type ChildProcess } from "node:child_process";
import type { HistogramData } from "../../src/bench/histogram.ts";
import { createBundles } from "../bench/bundle.ts";

export interface LoadPlan {
  readonly nodes: readonly { readonly id: number; readonly host: string; readonly port: number }[];
  /** The nodes that are asked, one connection to each. */
  readonly pinned: readonly number[];
  readonly clusterId: string;
  /** All are written once before the load begins; then each write takes one at random. */
  readonly keys: number;
  readonly valueBytes: number;
  /** Writes under way at any time. */
  readonly concurrency: number;
  readonly windowMs: number;
}

export interface LoadWindow {
  /** Since the epoch. */
  readonly endedAtMs: number;
  readonly seconds: number;
  /** Writes acknowledged within the window. */
  readonly completed: number;
  readonly latency: HistogramData;
  /** How often each code was answered. */
  readonly errors: Readonly<Record<string, number>>;
}

export type LoadReport =
  | { readonly kind: "filled" }
  | { readonly kind: "window"; readonly window: LoadWindow }
  | { readonly kind: "stopped" }
  | { readonly kind: "failed"; readonly text: string };
export type LoadOrder = "begin" | "stop";

export class SteadyLoad {
  readonly #child: ChildProcess;
  readonly #release: () => void;
  #waiting: { readonly resolve: () => void; readonly reject: (error: Error) => void } | null = null;
  #onWindow: (window: LoadWindow) => void = () => {};
  #onFailure: (error: Error) => void = () => {};
  #failure: Error | null = null;

  private constructor(child: ChildProcess, release: () => void) {
    this.#child = child;
    this.#release = release;
    child.on("message", (message) => this.#onReport(message as LoadReport));
    child.once("exit", () => this.#fail(new Error("the load generator ended unexpectedly")));
  }

  /** Writes every key once. */
  static async start(plan: LoadPlan): Promise<SteadyLoad> {
    const bundles = createBundles();
    const entry = bundles.bundle("scripts/growth/load-generator.ts");
    const load = new SteadyLoad(fork(entry, [JSON.stringify(plan)]), () => bundles.remove());
    await load.#answer();
    return load;
  }

  /** @param onFailure called at most once: there will be no more windows */
  begin(onWindow: (window: LoadWindow) => void, onFailure: (error: Error) => void): void {
    this.#onWindow = onWindow;
    this.#onFailure = onFailure;
    this.#order("begin");
  }

  /** Lets what is under way finish, and ends the process. */
  async stop(): Promise<void> {
    try {
      const stopped = this.#answer();
      this.#order("stop");
      await stopped;
    } finally {
      this.close();
    }
  }

  close(): void {
    this.#child.removeAllListeners("exit");
    if (this.#child.connected) this.#child.disconnect();
    this.#release();
  }

  #order(order: LoadOrder): void {
    this.#check();
    this.#child.send(order);
  }

  #check(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  #answer(): Promise<void> {
    this.#check();
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  #onReport(report: LoadReport): void {
    if (report.kind === "window") this.#onWindow(report.window);
    else if (report.kind === "failed") this.#fail(new Error(report.text));
    else this.#waiting?.resolve();
  }

  #fail(error: Error): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    this.#onFailure(error);
    this.#waiting?.reject(error);
  }
}
