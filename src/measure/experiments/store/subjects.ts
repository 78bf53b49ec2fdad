/** What the measurements of ranges and transactions ask, of each system in its own words. */
import { createClient, type KvClient } from "../../../client/api/index.ts";
import type { Cluster } from "../../subjects/cluster.ts";
import { bytesField, EtcdConnection, numberField } from "../../subjects/etcd-connection.ts";

export interface StoreSubject {
  /** Many puts as one call, where there is such a thing. */
  batch(entries: readonly Entry[]): Promise<void>;
  /** If all keys are there, all are put. */
  txn(entries: readonly Entry[]): Promise<void>;
  /** The keys of a range and their values, of the newest state. */
  range(start: Buffer, end: Buffer): Promise<void>;
  get(key: Buffer): Promise<void>;
  close(): void;
}

export interface Entry {
  readonly key: Buffer;
  readonly value: Buffer;
}

const TIMEOUT_MS = 60_000;

export function omnikvStore({ nodes, clusterId, secret }: Cluster, node: number): StoreSubject {
  if (clusterId === null) throw new Error("a cluster of omnikv has a name");
  const client = createClient({ nodes, clusterId, secret, timeoutMs: TIMEOUT_MS });
  const at = { node };
  return {
    batch: (entries) => batchOf(client, entries, node),
    async txn(entries) {
      const compare = entries.map(({ key }) => ({ key, version: 0, is: ">" }) as const);
      const puts = entries.map(({ key, value }) => ({ op: "put", key, value }) as const);
      // oxlint-disable-next-line no-thenable -- a list, which nobody can call
      const { succeeded } = await client.txn({ compare, then: puts }, at);
      if (!succeeded) throw new Error("a key was not there");
    },
    async range(start, end) {
      let count = 0;
      for await (const { value } of client.range({ start, end }, at)) count += value.length;
      if (count === 0) throw new Error("nothing was found");
    },
    async get(key) {
      const { found } = await client.read(key, at);
      if (!found) throw new Error("a key was not there");
    },
    close: () => client.close(),
  };
}

async function batchOf(client: KvClient, entries: readonly Entry[], node: number): Promise<void> {
  const operations = entries.map(({ key, value }) => ({ op: "write", key, value }) as const);
  for (const outcome of await client.batch(operations, { node })) {
    if (!outcome.ok) throw outcome.error;
  }
}

/** @param connections of one client, in turn */
export function etcdStore({ nodes }: Cluster, node: number, connections: number): StoreSubject {
  const place = nodes.find(({ id }) => id === node);
  if (place === undefined) throw new Error(`there is no etcd server ${node}`);
  const opened = Array.from(
    { length: connections },
    () => new EtcdConnection(place.host, place.port),
  );
  let turn = 0;
  const ask = (request: (connection: EtcdConnection, done: Done) => void): Promise<void> =>
    new Promise((resolve, reject) => {
      const connection = opened[turn++ % opened.length];
      if (connection === undefined) throw new Error("a subject needs a connection");
      request(connection, (error) => (error === null ? resolve() : reject(new Error(error))));
    });
  return {
    // It has no batches: the puts go out in one turn.
    async batch(entries) {
      await Promise.all(
        entries.map(({ key, value }) => ask((to, done) => to.put(key, value, done))),
      );
    },
    txn(entries) {
      // Compare: result GREATER, target VERSION, key, version 0 (left out).
      const compares = entries.map(({ key }) =>
        bytesField(1, numberField(1, 1), numberField(2, 0), bytesField(3, key), numberField(4, 0)),
      );
      const puts = entries.map(({ key, value }) =>
        bytesField(2, bytesField(2, bytesField(1, key), bytesField(2, value))),
      );
      return ask((to, done) => to.call("/etcdserverpb.KV/Txn", [...compares, ...puts], done));
    },
    range: (start, end) =>
      ask((to, done) =>
        to.call("/etcdserverpb.KV/Range", [bytesField(1, start), bytesField(2, end)], done),
      ),
    get: (key) => ask((to, done) => to.range(key, false, done)),
    close() {
      for (const each of opened) each.close();
    },
  };
}

type Done = (error: string | null) => void;
