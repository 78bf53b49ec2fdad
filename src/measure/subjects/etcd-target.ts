/** Makes an etcd cluster the target of a load. */
import type { Target } from "../workloads/target.ts";
import type { EtcdConnection } from "./etcd-connection.ts";

/** Callers are dealt out over the connections; like our own client, one that broke is not asked any more. */
export function createEtcdTarget(connections: readonly EtcdConnection[]): Target {
  const at = (caller: number): EtcdConnection => {
    let chosen = connections[caller % connections.length];
    if (chosen?.failed === true) {
      const alive = connections.filter(({ failed }) => !failed);
      chosen = alive[caller % Math.max(1, alive.length)] ?? chosen;
    }
    if (chosen === undefined) throw new Error("a target needs at least one connection");
    return chosen;
  };
  return {
    put: (caller, key, value, done) => at(caller).put(key, value, done),
    get: (caller, key, local, done) => at(caller).range(key, local, done),
    close: () => connections.forEach((connection) => connection.close()),
  };
}
