/** Clients that do as they should, at each node one, and some that come anew: run by attacks.ts, not by hand. */
import { createAdminClient, createClient, KvError } from "../../../client/api/index.ts";
import { LatencyHistogram, pause } from "../../../measure/index.ts";
import type { AttackPlan, HonestOrder, HonestReport } from "./protocol.ts";
import { accessOf } from "./secured.ts";

const PAUSE_MS = 10;
/** Between two connections that are made anew. */
const NEW_PAUSE_MS = 200;
const TIMEOUT_MS = 3000;

const plan = JSON.parse(process.argv[2] ?? "") as AttackPlan;
const clients = plan.nodes.map((node) =>
  createClient({ ...accessOf(plan, "honest"), nodes: [node], timeoutMs: TIMEOUT_MS }),
);

interface Phase {
  readonly histogram: LatencyHistogram;
  readonly failed: Record<string, number>;
  served: number;
}

const phases = new Map<string, Phase>();

function phaseOf(name: string): Phase {
  const known = phases.get(name);
  if (known !== undefined) return known;
  const phase: Phase = { histogram: new LatencyHistogram(), failed: {}, served: 0 };
  phases.set(name, phase);
  return phase;
}

async function measure({ ms, phase: name }: HonestOrder): Promise<HonestReport> {
  const phase = phaseOf(name);
  const { histogram, failed } = phase;
  const last = new LatencyHistogram();
  const endMs = performance.now() + ms;
  const work = async (client: (typeof clients)[number], index: number): Promise<void> => {
    for (let i = 0; performance.now() < endMs; i++) {
      const begunMs = performance.now();
      try {
        if (i % 2 === 0) await client.write(`honest/${index}/${i % 100}`, "value");
        else await client.read(`honest/${index}/${i % 100}`);
        phase.served += 1;
      } catch (error) {
        if (!(error instanceof KvError)) throw error;
        failed[error.code] = (failed[error.code] ?? 0) + 1;
      }
      const us = (performance.now() - begunMs) * 1000;
      histogram.record(us);
      last.record(us);
      await pause(PAUSE_MS);
    }
  };
  // New connections must get in now too: those of clients to a node, and those of its management.
  const newcomer = async (): Promise<void> => {
    for (let i = 0; performance.now() < endMs; i++) {
      const node = plan.nodes[i % plan.nodes.length];
      if (node === undefined) return;
      const at = { nodes: [node], timeoutMs: TIMEOUT_MS };
      const client = createClient({ ...accessOf(plan, "honest"), ...at });
      const admin = createAdminClient({ ...accessOf(plan, "root"), ...at });
      try {
        await client.read("honest/0/0");
        await admin.call(node.id, "status", {});
      } catch (error) {
        if (!(error instanceof KvError)) throw error;
        const code = `new: ${error.code}`;
        failed[code] = (failed[code] ?? 0) + 1;
      }
      client.close();
      admin.close();
      await pause(NEW_PAUSE_MS);
    }
  };
  await Promise.all([...clients.map(work), newcomer()]);
  return {
    served: phase.served,
    failed,
    p50Ms: histogram.quantileUs(0.5) / 1000,
    p99Ms: histogram.quantileUs(0.99) / 1000,
    slowestMs: histogram.maxUs / 1000,
    lastP99Ms: last.quantileUs(0.99) / 1000,
  };
}

process.on("message", (order: HonestOrder) => {
  void measure(order).then((report) => process.send?.(report));
});
process.on("disconnect", () => process.exit(0));
