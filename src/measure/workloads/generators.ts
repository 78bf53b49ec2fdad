/** Load generators as processes of their own, so that what they cost is not mixed up with anything else. */
import type { ChildProcess } from "node:child_process";
import { forkBuilt } from "../../server/launch/index.ts";
import { LatencyHistogram } from "../reports/histogram.ts";
import { latenciesOf, type Measurement } from "../reports/measurement.ts";
import type { Loadable, MeasuredProcess } from "../subjects/cluster.ts";
import type {
  GeneratorOrder,
  GeneratorReport,
  GeneratorResult,
  GeneratorSetup,
} from "./generator-protocol.ts";
import type { LoopOptions } from "./measured-loop.ts";
import type { LoadWindow, SteadyOptions } from "./steady-loop.ts";
import { UsageMeter } from "./usage-meter.ts";

export interface GeneratorsOptions {
  /** The nodes that are asked, in turn; null: whichever the client picks. */
  readonly pinned: readonly number[] | null;
  /** How many connections each process has. Default: one for each node asked. */
  readonly connections?: number | undefined;
  /** How long one request may take. */
  readonly timeoutMs: number;
  /** How many processes. Default: one. */
  readonly count?: number;
}

export interface MeasureOptions extends LoopOptions {
  /** Null: they do not run here. */
  readonly servers: readonly MeasuredProcess[] | null;
  /** @param operationsPerSecond since the warm-up, of all generators */
  readonly onProgress?: (elapsedMs: number, operationsPerSecond: number) => void;
}

export interface SteadyLoad {
  readonly ended: Promise<unknown>;
  stop(): Promise<unknown>;
}

export class Generators {
  readonly #system: string;
  readonly #children: readonly ChildProcess[];
  readonly #setup: GeneratorSetup;

  private constructor(system: string, children: readonly ChildProcess[], setup: GeneratorSetup) {
    this.#system = system;
    this.#children = children;
    this.#setup = setup;
  }

  /** @param on where the load goes */
  static async start(
    on: Omit<Loadable, "processes" | "leader" | "remove">,
    { pinned, timeoutMs, count = 1, connections = pinned?.length ?? 1 }: GeneratorsOptions,
  ): Promise<Generators> {
    const { system, clusterId, secret, tls = false } = on;
    const setup = {
      nodes: on.nodes.map(({ id, host, port }) => ({ id, host, port })),
      clusterId,
      secret,
      tls,
      pinned: pinned === null ? null : [...pinned],
      connections,
      timeoutMs,
    };
    const children = Array.from({ length: count }, () =>
      forkBuilt(on.generator, on.generatorArguments),
    );
    const generators = new Generators(system, children, setup);
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
    const { servers, onProgress, ...loop } = options;
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
      system: this.#system,
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

  /**
   * Puts without an end, from the first process.
   * @param onWindow called at the end of each window
   * @returns `ended` rejects when the process fails, which may be before `stop`; `stop` resolves when all is answered
   */
  steady(options: SteadyOptions, onWindow: (window: LoadWindow) => void): SteadyLoad {
    const [child] = this.#children;
    if (child === undefined) throw new Error("there is no generator");
    const ended: Promise<unknown> = order(child, { kind: "steady", options }, (report) => {
      if (report.kind === "window") onWindow(report.window);
    });
    // A caller that does not wait for this promise has closed the process.
    ended.catch(() => {});
    return {
      ended,
      stop() {
        if (child.connected) child.send({ kind: "stop" } satisfies GeneratorOrder);
        return ended;
      },
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

  /** As even as it goes; generators with nothing to do are left out. */
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

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error("a load generator could not be started");
  return child.pid;
}
