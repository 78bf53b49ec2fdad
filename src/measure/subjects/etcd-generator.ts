/** A load generator process for etcd; the counterpart of `omnikv-generator.ts`. */
import { nodeClock } from "../../machine/runtime/index.ts";
import { serveGenerator } from "../workloads/serve-generator.ts";
import { EtcdConnection } from "./etcd-connection.ts";
import { createEtcdTarget } from "./etcd-target.ts";

serveGenerator(({ nodes, pinned, connections }) => {
  const asked = pinned === null ? nodes : nodes.filter(({ id }) => pinned.includes(id));
  const opened = Array.from({ length: connections }, (_, i) => {
    const node = asked[i % asked.length];
    if (node === undefined) throw new Error("there is no such node");
    return new EtcdConnection(node.host, node.port);
  });
  return createEtcdTarget(opened);
}, nodeClock);
