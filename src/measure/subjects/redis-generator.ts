/** A load generator process for Redis, the counterpart of `omnikv-generator.ts`. It sends puts only, and only to the server that takes writes. */
import { nodeClock } from "../../machine/runtime/index.ts";
import { serveGenerator } from "../workloads/serve-generator.ts";
import type { Target } from "../workloads/target.ts";
import { RedisConnection } from "./redis-connection.ts";

/** So many replicas must have a put. */
const REPLICAS = 1;

serveGenerator(({ nodes, connections }): Target => {
  const [first] = nodes;
  if (first === undefined) throw new Error("there is no server of Redis");
  const opened = Array.from(
    { length: connections },
    () => new RedisConnection(first.host, first.port, REPLICAS),
  );
  return {
    put: (caller, key, value, done) => opened[caller % opened.length]?.put(key, value, done),
    get: (_caller, _key, _local, done) => queueMicrotask(() => done("only puts are measured")),
    close: () => opened.forEach((connection) => connection.close()),
  };
}, nodeClock);
