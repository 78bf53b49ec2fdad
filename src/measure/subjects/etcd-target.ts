/** etcd as what load goes to. */
import type { Target } from "../workloads/target.ts";
import type { EtcdConnection } from "./etcd-connection.ts";

/** Lanes are dealt out over the connections; like our own client, one that broke is not asked any more. */
export function createEtcdTarget(connections: readonly EtcdConnection[]): Target {
  const at = (lane: number): EtcdConnection => {
    let chosen = connections[lane % connections.length];
    if (chosen?.failed === true) {
      const alive = connections.filter(({ failed }) => !failed);
      chosen = alive[lane % Math.max(1, alive.length)] ?? chosen;
    }
    if (chosen === undefined) throw new Error("a target needs at least one connection");
    return chosen;
  };
  return {
    put: (lane, key, value, done) => at(lane).put(key, value, done),
    get: (lane, key, local, done) => at(lane).range(key, local, done),
    close: () => connections.forEach((connection) => connection.close()),
  };
}
