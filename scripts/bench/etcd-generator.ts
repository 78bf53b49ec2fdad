/** A load generator process for etcd; the counterpart of `src/bench/omnikv-generator.ts`. */
import { serveGenerator } from "../../src/bench/serve-generator.ts";
import type { Target } from "../../src/bench/target.ts";
import { nodeClock } from "../../src/platform/node-clock.ts";
import { EtcdConnection } from "./etcd-connection.ts";

serveGenerator(({ nodes, pinned, connections }): Target => {
  const asked = pinned === null ? nodes : nodes.filter(({ id }) => pinned.includes(id));
  const opened = Array.from({ length: connections }, (_, i) => {
    const node = asked[i % asked.length]!;
    return new EtcdConnection(node.host, node.port);
  });
  return {
    put: (lane, key, value, done) => opened[lane % opened.length]!.put(key, value, done),
    get: (lane, key, local, done) => opened[lane % opened.length]!.range(key, local, done),
    close: () => opened.forEach((connection) => connection.close()),
  };
}, nodeClock);
