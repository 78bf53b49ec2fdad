/**
 * The process that offers more than a cluster can do: run by overload.ts, not by hand. Frames are made here, not by
 * the client library, which would be busy long before the servers are. Each connection sends at its own steady rate,
 * without waiting for answers; a frame that was refused is sent again in its turn.
 */
import { LatencyHistogram, type HistogramData } from "../reports/histogram.ts";
import { pause } from "../pause.ts";
import { startOpenLoop } from "../workloads/open-loop.ts";
import { Workload } from "../workloads/workload.ts";
import { SESSION_WINDOW } from "../../base/index.ts";
import { type LinkOptions, NodeLink, openSessionFrame } from "../../client/core/index.ts";
import { GroupWriter, STATUS } from "../../store/index.ts";
import { createNodeRandom, nodeClock } from "../../machine/runtime/index.ts";
import { WsNetwork } from "../../machine/network/index.ts";
import { type AnswerHandler, decodeAnswers, takeWritesFrame } from "../../protocol/client/index.ts";

export interface FloodPlan {
  readonly nodes: readonly { readonly id: number; readonly host: string; readonly port: number }[];
  readonly clusterId: string;
  readonly connections: number;
  /** The rate of all connections together. */
  readonly writesPerSecond: number;
  readonly writesPerFrame: number;
  readonly keys: number;
  readonly valueBytes: number;
  readonly seconds: number;
}

/** What happened within one second. Writes are counted each time they are sent. */
export interface FloodSecond {
  readonly offered: number;
  readonly accepted: number;
  readonly refused: number;
  /** Other than OVERLOADED, and lost connections. */
  readonly errors: Readonly<Record<string, number>>;
  readonly acceptedLatency: HistogramData;
  readonly refusedLatency: HistogramData;
}

export type FloodReport =
  | { readonly kind: "ready" }
  | { readonly kind: "second"; readonly second: FloodSecond }
  | { readonly kind: "over" };

interface SentFrame {
  readonly bytes: Uint8Array;
  readonly count: number;
  sentMs: number;
  left: number;
}

const plan = JSON.parse(process.argv[2] ?? "") as FloodPlan;
const workload = new Workload({ operation: "put", seed: 1, ...plan });
const writer = new GroupWriter();
const random = createNodeRandom();
const network = new WsNetwork();
const framesMax = Math.floor(SESSION_WINDOW / plan.writesPerFrame);

class Tally {
  offered = 0;
  accepted = 0;
  refused = 0;
  readonly errors: Record<string, number> = {};
  readonly acceptedLatency = new LatencyHistogram();
  readonly refusedLatency = new LatencyHistogram();

  error(code: string, count: number): void {
    this.errors[code] = (this.errors[code] ?? 0) + count;
  }

  toSecond(): FloodSecond {
    const { offered, accepted, refused, errors } = this;
    return {
      offered,
      accepted,
      refused,
      errors,
      acceptedLatency: this.acceptedLatency.toData(),
      refusedLatency: this.refusedLatency.toData(),
    };
  }
}

let tally = new Tally();

/** One connection and its session. */
class FloodConnection {
  readonly #link: NodeLink;
  readonly #handler: AnswerHandler;
  readonly #frames = new Map<number, SentFrame>();
  readonly #again: SentFrame[] = [];
  #session: number | null = null;
  #nextFrame = 0;
  readonly ready: Promise<void>;

  constructor(index: number) {
    const node = plan.nodes[index % plan.nodes.length];
    if (node === undefined) throw new Error("there is no node to flood");
    const options: LinkOptions = {
      clock: nodeClock,
      random,
      network,
      clusterId: plan.clusterId,
      secret: null,
      connectTimeoutMs: 3e4,
    };
    let opened: () => void = () => {};
    this.ready = new Promise((resolve) => {
      opened = resolve;
    });
    this.#handler = {
      appliedIdx: () => {},
      value: () => {},
      missing: () => {},
      unread: () => {},
      opened: (_sequence, _nonce, session) => {
        this.#session = session;
        opened();
      },
      write: (_session, sequence, status) => this.#answered(sequence, status),
      refused: (_session, first, count, code) => this.#refused(first, count, code),
    };
    this.#link = new NodeLink(node, "client", options, {
      onOpen: () => this.#link.send(openSessionFrame(writer, random.bytes(16))),
      onFrame: (frame) => decodeAnswers(frame, this.#handler),
      onLost: (error) => tally.error(error.code, 1),
      onUnreachable: (error) => tally.error(error.code, 1),
    });
    this.#link.open();
  }

  send(): void {
    const session = this.#session;
    if (session === null || !this.#link.isOpen) return;
    const frame = this.#again.shift() ?? this.#make(session);
    if (frame === null) return;
    frame.sentMs = performance.now();
    frame.left = frame.count;
    this.#link.send(frame.bytes);
    tally.offered += frame.count;
  }

  /** @returns null when too many of the connection's writes have no answer */
  #make(session: number): SentFrame | null {
    const lowest = this.#frames.keys().next().value ?? this.#nextFrame;
    if (this.#nextFrame - lowest >= framesMax) return null;
    const count = plan.writesPerFrame;
    const first = this.#nextFrame * count + 1;
    for (let i = 0; i < count; i++) {
      writer.add(first + i, {
        kind: "write",
        key: workload.nextKey(),
        value: workload.nextValue(),
      });
    }
    const bytes = takeWritesFrame(writer, session, lowest * count + 1);
    const frame = { bytes, count, sentMs: 0, left: count };
    this.#frames.set(this.#nextFrame++, frame);
    return frame;
  }

  #answered(sequence: number, status: number): void {
    const number = Math.floor((sequence - 1) / plan.writesPerFrame);
    const frame = this.#frames.get(number);
    if (frame === undefined) return;
    if (status === STATUS.ok) tally.accepted += 1;
    else tally.error(`status ${status}`, 1);
    frame.left -= 1;
    if (frame.left > 0) return;
    this.#frames.delete(number);
    tally.acceptedLatency.record((performance.now() - frame.sentMs) * 1000);
  }

  #refused(first: number, count: number, code: string): void {
    const frame = this.#frames.get(Math.floor((first - 1) / plan.writesPerFrame));
    if (frame === undefined) return;
    if (code === "OVERLOADED") tally.refused += count;
    else tally.error(code, count);
    tally.refusedLatency.record((performance.now() - frame.sentMs) * 1000);
    this.#again.push(frame);
  }
}

function report(message: FloodReport): void {
  process.send?.(message);
}

async function main(): Promise<void> {
  const connections = Array.from({ length: plan.connections }, (_, i) => new FloodConnection(i));
  await Promise.all(connections.map(({ ready }) => ready));
  report({ kind: "ready" });
  let next = 0;
  const endLoad = startOpenLoop({
    clock: nodeClock,
    perSecond: plan.writesPerSecond / plan.writesPerFrame,
    send: () => {
      connections[next++ % connections.length]?.send();
      return 1;
    },
  });
  for (let second = 0; second < plan.seconds; second++) {
    await pause(1000);
    report({ kind: "second", second: tally.toSecond() });
    tally = new Tally();
  }
  endLoad();
  report({ kind: "over" });
}

process.on("disconnect", () => process.exit(0));
await main();
