/**
 * A run coordinator for node-cron: of all programs that have the same task, one runs it each time.
 *
 *     import cron from "node-cron";
 *     import { omnikvRunCoordinator } from "omnikv/node-cron";
 *     cron.schedule("0 3 * * *", backUp, { name: "backup", distributed: true, runCoordinator: omnikvRunCoordinator(client) });
 */
import { badArgument } from "../client/index.ts";
import { Place, type AdapterClient, type AdapterOptions } from "./place.ts";

export type { AdapterClient, AdapterOptions } from "./place.ts";

/** As node-cron wants it. */
export interface OmnikvRunCoordinator {
  /** Whether this program runs what is due: the first to ask does. Rejects with a KvError when the store cannot be asked. */
  shouldRun(key: string, ttlMs: number): Promise<boolean>;
  /** Does nothing: who asks late, by a clock that is behind, is to find that it has run. */
  onComplete(key: string): Promise<void>;
}

/**
 * Who is first is written under `cron/`, unless another prefix is given, with the time until when that counts: by the clocks of the programs,
 * which should not differ by more than the lease. One key a task and time; those of which the lease has ended are taken away
 * by later runs.
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
      const { result } = await client.transact(async (tx) => {
        const now = Date.now();
        const read = await tx.get(own);
        if (read.found && Number(read.text()) > now) return false;
        tx.put(own, String(now + ttlMs));
        return true;
      });
      if (result) await sweep(place);
      return result;
    },
    onComplete: async () => {},
  };
}

export default omnikvRunCoordinator;

/** Looked at by one run. */
const SWEPT_MAX = 100;

async function sweep({ client, prefix }: Place): Promise<void> {
  const now = Date.now();
  for await (const entry of client.range({ prefix }, { limit: SWEPT_MAX })) {
    if (Number(entry.text()) > now) continue;
    const { key, modRevision: revision } = entry;
    await client.atomic().check(key, { revision }).delete(key).commit();
  }
}
