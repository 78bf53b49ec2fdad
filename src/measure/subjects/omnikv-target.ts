/** The public client, promises and all, as the target of load: it measures what a program pays. */
import type { KvClient } from "../../client/index.ts";
import { settle, type Target } from "../workloads/target.ts";

export interface ClientAt {
  readonly client: KvClient;
  /** The only node it asks; null: as the client sees fit. */
  readonly node: number | null;
}

export function createOmnikvTarget(clients: readonly ClientAt[]): Target {
  // Made once: the generator must not be what is measured.
  const asked = clients.map(({ client, node }) => {
    const where = node === null ? {} : { node };
    return { client, where, local: { ...where, consistency: "local" as const } };
  });
  const at = (caller: number): (typeof asked)[number] => {
    const chosen = asked[caller % asked.length];
    if (chosen === undefined) throw new Error("a target needs at least one client");
    return chosen;
  };
  return {
    put(caller, key, value, done) {
      const { client, where } = at(caller);
      settle(client.write(key, value, where), done);
    },
    get(caller, key, local, done) {
      const { client, where, local: locally } = at(caller);
      settle(client.read(key, local ? locally : where), done);
    },
    close() {
      for (const { client } of clients) client.close();
    },
  };
}
