/**
 * Real servers, real clients, real harm; then the history is checked.
 *
 *   npx tsx scripts/torture.ts [--nodes 3] [--seconds 60] [--seed 1] [--clients 8] [--namespaces] [--keep]
 *
 * Ends with status 1 when the history is not linearizable, an acknowledged write is lost, a server ended by itself or the
 * replicas differ at the end.
 */
import { parseArgs } from "node:util";
import { namespacesRefusal } from "../src/measure/subjects/namespaces.ts";
import { torture } from "../src/proof/torture/torture.ts";

const { values } = parseArgs({
  options: {
    nodes: { type: "string", default: "3" },
    seconds: { type: "string", default: "60" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    clients: { type: "string", default: "8" },
    namespaces: { type: "boolean", default: false },
    keep: { type: "boolean", default: false },
  },
});
const refusal = values.namespaces ? namespacesRefusal() : null;
if (refusal === null) {
  const isGood = await torture({
    nodes: Number(values.nodes),
    seconds: Number(values.seconds),
    seed: values.seed,
    clients: Number(values.clients),
    namespaces: values.namespaces,
    keep: values.keep,
  });
  process.exitCode = isGood ? 0 : 1;
} else {
  console.log(`skipped: no network namespaces here (${refusal})`);
}
