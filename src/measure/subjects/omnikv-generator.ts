/** A load generator process for omnikv: run by `Generators`, not by hand. */
import { createClient } from "../../client/api/index.ts";
import { nodeClock } from "../../machine/runtime/index.ts";
import { serveGenerator } from "../workloads/serve-generator.ts";
import { createOmnikvTarget } from "./omnikv-target.ts";

serveGenerator(({ nodes, pinned, connections, clusterId, secret, tls = false, timeoutMs }) => {
  const clients = Array.from({ length: connections }, (_, i) => ({
    client: createClient({ nodes, clusterId, secret, tls, timeoutMs }),
    node: pinned === null ? null : (pinned[i % pinned.length] ?? null),
  }));
  return createOmnikvTarget(clients);
}, nodeClock);
