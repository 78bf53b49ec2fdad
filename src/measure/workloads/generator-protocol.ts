/** The messages between a load generator process and its owner. */
import { z } from "zod";
import type { HistogramData } from "../reports/histogram.ts";
import type { LoadWindow } from "./steady-loop.ts";
import { OPERATIONS } from "./workload.ts";

const nodeSchema = z.strictObject({ id: z.number(), host: z.string(), port: z.number() });

/** What to connect to. */
const setupSchema = z.strictObject({
  nodes: z.array(nodeSchema),
  /** Connections to make, each to one of these nodes in turn; null: to whichever the client picks. */
  pinned: z.array(z.number()).nullable(),
  connections: z.number(),
  clusterId: z.string().nullable(),
  secret: z.string().nullable(),
  /** As createClient takes it, in texts. */
  tls: z
    .union([
      z.literal(false),
      z.strictObject({
        ca: z.string().exactOptional(),
        cert: z.string().exactOptional(),
        key: z.string().exactOptional(),
        minVersion: z.enum(["1.2", "1.3"]).exactOptional(),
      }),
    ])
    .exactOptional(),
  timeoutMs: z.number(),
});

const loopSchema = z.strictObject({
  operation: z.enum(OPERATIONS),
  concurrency: z.number(),
  keys: z.number(),
  valueBytes: z.number(),
  warmUpMs: z.number(),
  durationMs: z.number(),
  seed: z.number(),
});

const steadySchema = z.strictObject({
  keys: z.number(),
  valueBytes: z.number(),
  concurrency: z.number(),
  windowMs: z.number(),
});

export const orderSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("open"), setup: setupSchema }),
  z.strictObject({ kind: z.literal("fill"), keys: z.number(), valueBytes: z.number() }),
  z.strictObject({ kind: z.literal("run"), options: loopSchema }),
  /** Is done when a "stop" has come and everything was answered. */
  z.strictObject({ kind: z.literal("steady"), options: steadySchema }),
  z.strictObject({ kind: z.literal("stop") }),
]);

export type GeneratorSetup = z.infer<typeof setupSchema>;
export type GeneratorOrder = z.infer<typeof orderSchema>;

export interface GeneratorResult {
  readonly completed: number;
  readonly seconds: number;
  readonly latency: HistogramData;
  readonly errors: Readonly<Record<string, number>>;
}

export type GeneratorReport =
  | { readonly kind: "done" }
  | { readonly kind: "begin" }
  | { readonly kind: "end" }
  | { readonly kind: "progress"; readonly completed: number; readonly elapsedMs: number }
  | { readonly kind: "window"; readonly window: LoadWindow }
  | { readonly kind: "result"; readonly result: GeneratorResult }
  | { readonly kind: "failed"; readonly text: string };
