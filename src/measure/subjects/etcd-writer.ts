/** A client of etcd that asks its node, and after a time-out or an error the next one. */
import type { NodeAddress } from "../../client/terms/index.ts";
import type { NodeId } from "../../client/scenarios/index.ts";
import type { Writer } from "../faults/subject.ts";
import { EtcdConnection } from "./etcd-connection.ts";

export function openEtcdWriter(
  nodes: readonly NodeAddress[],
  first: NodeId,
  attemptTimeoutMs: number,
): Writer {
  const connections = new Map<NodeId, EtcdConnection>();
  const closed = new AbortController();
  let preferred = Math.max(
    0,
    nodes.findIndex(({ id }) => id === first),
  );
  const connectionTo = ({ id, host, port }: NodeAddress): EtcdConnection => {
    const known = connections.get(id);
    if (known !== undefined && !known.failed) return known;
    const connection = new EtcdConnection(host, port);
    connections.set(id, connection);
    return connection;
  };
  const put = (index: number, key: Uint8Array, value: Uint8Array): Promise<boolean> =>
    new Promise((resolve) => {
      const node = nodes[index];
      if (node === undefined) return resolve(false);
      const timer = setTimeout(() => resolve(false), attemptTimeoutMs);
      connectionTo(node).put(key, value, (error) => {
        clearTimeout(timer);
        resolve(error === null);
      });
    });
  return {
    async write(key, value) {
      const bytes = [Buffer.from(key), Buffer.from(value)] as const;
      for (let tried = 0; tried < nodes.length && !closed.signal.aborted; tried++) {
        const index = preferred;
        if (await put(index, ...bytes)) return;
        if (preferred === index) preferred = (index + 1) % nodes.length;
      }
      throw new Error("no server acknowledged it");
    },
    close() {
      closed.abort();
      for (const connection of connections.values()) connection.close();
    },
  };
}
