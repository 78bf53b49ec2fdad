/** Load generators as processes of their own, so that what they cost is not mixed up with anything else. */
import { fork, type ChildProcess } from "node:child_process";
import { processUsage, resetPeakMemory } from "../platform/process-usage.ts";
import type { LoopOptions } from "./closed-loop.ts";
import type {
  GeneratorOrder,
  GeneratorReport,
  GeneratorResult,
  GeneratorSetup,
} from "./generator-protocol.ts";
import { LatencyHistogram } from "./histogram.ts";
import { latenciesOf, type Measurement, type Usage } from "./report.ts";

export interface MeasuredProcess {
  readonly name: string;
  readonly pid: number;
}

export interface MeasureOptions extends LoopOptions {
  readonly system: string;
  /** Null: they do not run here. */
  readonly servers: readonly MeasuredProcess[] | null;
  /** @param operationsPerSecond since the warm-up, of all generators */
  readonly onProgress?: (elapsedMs: number, operationsPerSecond: number) => void;
}

export class Generators {
  readonly #children: readonly ChildProcess[];
  readonly #setup: GeneratorSetup;

  private constructor(children: readonly ChildProcess[], setup: GeneratorSetup) {
    this.#children = children;
    this.#setup = setup;
  }

  /**
   * @param entry the module to run: one that calls `serveGenerator`
   * @param count how many processes
   */
  static async start(entry: string, setup: GeneratorSetup, count = 1): Promise<Generators> {
    const children = Array.from({ length: count }, () => fork(entry, []));
    const generators = new Generators(children, setup);
    await generators.#all((child) => order(child, { kind: "open", setup }));
    return generators;
  }

  /** Writes every key once. */
  async fill(keys: number, valueBytes: number): Promise<void> {
    const [first] = this.#children;
    if (first !== undefined) await order(first, { kind: "fill", keys, valueBytes });
  }

  /** One run, with what the servers and generators used meanwhile. */
  async measure(options: MeasureOptions): Promise<Measurement> {
    const { system, servers, onProgress, ...loop } = options;
    const shares = this.#shares(loop.concurrency);
    const clients = shares.map(({ child }, i) => ({
      name: `generator ${i + 1}`,
      pid: pidOf(child),
    }));
    const usage = new UsageMeter(servers, clients);
    const rates = new Map<ChildProcess, number>();
    let begun = 0;
    let ended = 0;
    const results = await Promise.all(
      shares.map(({ child, concurrency }, i) =>
        order(
          child,
          { kind: "run", options: { ...loop, concurrency, seed: loop.seed + i } },
          (report) => {
            if (report.kind === "begin") begun += 1;
            if (report.kind === "begin" && begun === 1) usage.begin();
            if (report.kind === "end") ended += 1;
            if (report.kind === "end" && ended === shares.length) usage.end();
            if (report.kind !== "progress") return;
            rates.set(child, (report.completed / report.elapsedMs) * 1000);
            const sum = [...rates.values()].reduce((a, b) => a + b, 0);
            onProgress?.(report.elapsedMs, sum);
          },
        ),
      ),
    );
    const merged = mergeResults(results.filter((result) => result !== null));
    const { operation, concurrency, valueBytes, keys } = loop;
    return {
      system,
      operation,
      concurrency,
      valueBytes,
      keys,
      generators: shares.length,
      connections: this.#setup.connections * shares.length,
      ...merged,
      ...usage.result(),
    };
  }

  async close(): Promise<void> {
    await this.#all(
      (child) =>
        new Promise<void>((closed) => {
          if (child.exitCode !== null || child.signalCode !== null) return closed();
          child.once("exit", () => closed());
          child.disconnect();
        }),
    );
  }

  /** As even as it goes; who has nothing to do is left out. */
  #shares(concurrency: number): readonly { child: ChildProcess; concurrency: number }[] {
    const count = this.#children.length;
    return this.#children
      .map((child, i) => ({ child, concurrency: Math.floor((concurrency + i) / count) }))
      .filter((share) => share.concurrency > 0);
  }

  async #all(each: (child: ChildProcess) => Promise<unknown>): Promise<void> {
    await Promise.all(this.#children.map(each));
  }
}

/** @returns the result of a run; null for other orders */
function order(
  child: ChildProcess,
  what: GeneratorOrder,
  onReport: (report: GeneratorReport) => void = () => {},
): Promise<GeneratorResult | null> {
  return new Promise((resolve, reject) => {
    const finish = (): void => {
      child.off("message", onMessage);
      child.off("exit", onExit);
    };
    const onExit = (): void => {
      finish();
      reject(new Error("a load generator ended unexpectedly"));
    };
    const onMessage = (message: unknown): void => {
      const report = message as GeneratorReport;
      onReport(report);
      if (report.kind === "failed") {
        finish();
        reject(new Error(report.text));
      } else if (report.kind === "result" || report.kind === "done") {
        finish();
        resolve(report.kind === "result" ? report.result : null);
      }
    };
    child.on("message", onMessage);
    child.on("exit", onExit);
    child.send(what);
  });
}

function mergeResults(
  results: readonly GeneratorResult[],
): Pick<Measurement, "seconds" | "completed" | "operationsPerSecond" | "latency" | "errors"> {
  const histogram = new LatencyHistogram();
  const errors: Record<string, number> = {};
  let operationsPerSecond = 0;
  for (const result of results) {
    histogram.add(result.latency);
    operationsPerSecond += result.completed / result.seconds;
    for (const [code, count] of Object.entries(result.errors)) {
      errors[code] = (errors[code] ?? 0) + count;
    }
  }
  return {
    seconds: Math.max(0, ...results.map(({ seconds }) => seconds)),
    completed: histogram.count,
    operationsPerSecond,
    latency: latenciesOf(histogram),
    errors,
  };
}

class UsageMeter {
  readonly #servers: readonly MeasuredProcess[] | null;
  readonly #clients: readonly MeasuredProcess[];
  readonly #cpuBefore = new Map<number, number>();
  #result: Pick<Measurement, "servers" | "client"> = { servers: null, client: null };

  constructor(servers: readonly MeasuredProcess[] | null, clients: readonly MeasuredProcess[]) {
    this.#servers = servers;
    this.#clients = clients;
  }

  begin(): void {
    for (const { pid } of [...(this.#servers ?? []), ...this.#clients]) {
      resetPeakMemory(pid);
      this.#cpuBefore.set(pid, processUsage(pid)?.cpuSeconds ?? 0);
    }
  }

  end(): void {
    const servers = this.#servers?.map((server) => this.#usage(server)) ?? null;
    const clients = this.#clients.map((client) => this.#usage(client));
    this.#result = {
      servers: servers?.every((usage) => usage !== null) === true ? servers : null,
      client: clients.every((usage) => usage !== null) ? sum("client", clients) : null,
    };
  }

  result(): Pick<Measurement, "servers" | "client"> {
    return this.#result;
  }

  #usage({ name, pid }: MeasuredProcess): Usage | null {
    const usage = processUsage(pid);
    if (usage === null) return null;
    const cpuSeconds = usage.cpuSeconds - (this.#cpuBefore.get(pid) ?? 0);
    return { name, cpuSeconds, peakRssBytes: usage.peakRssBytes };
  }
}

function sum(name: string, usages: readonly Usage[]): Usage {
  return {
    name,
    cpuSeconds: usages.reduce((total, { cpuSeconds }) => total + cpuSeconds, 0),
    peakRssBytes: usages.reduce((total, { peakRssBytes }) => total + peakRssBytes, 0),
  };
}

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error("a load generator could not be started");
  return child.pid;
}
