/**
 * A run coordinator for node-cron: of all programs that have the same task, one runs it each time.
 *
 *     import cron from "node-cron";
 *     import { omnikvRunCoordinator } from "omnikv/node-cron";
 *     cron.schedule("0 3 * * *", backUp, { name: "backup", distributed: true, runCoordinator: omnikvRunCoordinator(client) });
 *
 * @module omnikv/node-cron
 */
import { LEASE_TTL_MAX_MS, LEASE_TTL_MIN_MS } from "../base/index.ts";
import { badArgument } from "../client/terms/index.ts";
import { Place, type AdapterClient, type AdapterOptions } from "./place.ts";

export type { AdapterClient, AdapterOptions } from "./place.ts";

/** As node-cron wants it. */
export interface OmnikvRunCoordinator {
  /** Whether this program runs the due task: the first to ask does. Rejects with a KvError when the store cannot be asked. */
  shouldRun(key: string, ttlMs: number): Promise<boolean>;
  /** Does nothing: a program that asks late, because its clock is behind, must find that the task has run. */
  onComplete(key: string): Promise<void>;
}

/**
 * The first program writes a key under `cron/`, unless another prefix is given. The key goes when its time is over, by the clock of the
 * cluster: the programs' clocks need not agree. One key a task and time, and one of the cluster's leases.
 * @param client is not closed by the coordinator
 * @throws KvError BAD_REQUEST that names the argument
 */
export function omnikvRunCoordinator(
  client: AdapterClient,
  options: AdapterOptions = {},
): OmnikvRunCoordinator {
  const place = new Place(client, options, "cron/");
  return {
    shouldRun: async (key, ttlMs) => {
      if (typeof ttlMs !== "number" || !(ttlMs > 0)) {
        throw badArgument("ttlMs", "milliseconds, more than 0", ttlMs);
      }
      const own = place.key(key);
      // All programs but one find the key: they need no lease.
      if ((await client.read(own)).found) return false;
      const ttl = Math.min(Math.max(Math.ceil(ttlMs), LEASE_TTL_MIN_MS), LEASE_TTL_MAX_MS);
      const lease = await client.leases.issue(ttl);
      const { succeeded } = await client.txn({
        compare: [{ key: own, version: 0 }],
        // oxlint-disable-next-line no-thenable -- a list, which nobody can call
        then: [{ op: "put", key: own, value: "", lease: lease.id }],
      });
      if (!succeeded) await client.leases.revoke(lease.id);
      return succeeded;
    },
    onComplete: async () => {},
  };
}

export default omnikvRunCoordinator;
