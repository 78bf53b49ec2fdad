/**
 * As omnikv-generator, with the client of another version: its library is the first argument. Each caller asks the nodes in turn,
 * so that it makes no difference which of them leads.
 */
import { nodeClock } from "../../machine/runtime/index.ts";
import { serveGenerator } from "../workloads/serve-generator.ts";
import { importLibrary } from "./library.ts";
import { createOmnikvTarget } from "./omnikv-target.ts";

const [, , library = ""] = process.argv;
const { createClient } = await importLibrary(library);

serveGenerator(({ nodes, pinned, connections, clusterId, secret, timeoutMs }) => {
  const clients = Array.from({ length: connections }, (_, i) => ({
    client: createClient({ nodes, clusterId, secret, timeoutMs }),
    node: pinned === null ? null : (pinned[i % pinned.length] ?? null),
  }));
  const target = createOmnikvTarget(clients);
  let turn = 0;
  return {
    put: (_, key, value, done) => target.put(turn++, key, value, done),
    get: (_, key, local, done) => target.get(turn++, key, local, done),
    close: () => target.close(),
  };
}, nodeClock);
