import { type KvClient, KvError } from "../../client/api/index.ts";
import { isOfLock } from "./lock-key.ts";

/** With more leases the command does not ask which keys are bound to them. */
const LEASES_ASKED_MAX = 1000;

/**
 * What is to be said of exported keys that are bound to leases; null: nothing. What was exported is whole without it, so that an error here
 * is a remark, too.
 */
export async function boundKeysText(
  client: { readonly leases: Pick<KvClient["leases"], "list" | "timeToLive"> },
  prefix: string,
): Promise<string | null> {
  try {
    const bound = await boundKeys(client, prefix);
    if (bound === 0) return null;
    return bound === 1
      ? "1 of the keys ends with a lease: imported, it stays until it is deleted"
      : `${bound} of the keys end with a lease: imported, they stay until they are deleted`;
  } catch (error) {
    if (!(error instanceof KvError)) throw error;
    // That a user may not ask for leases is no news to anybody.
    if (error.code === "FORBIDDEN") return null;
    return `how many of the keys end with a lease could not be asked (${error.message}): imported, they stay until they are deleted`;
  }
}

/** How many keys with the prefix are bound to leases, without those of locks. */
async function boundKeys(
  { leases }: Parameters<typeof boundKeysText>[0],
  prefix: string,
): Promise<number> {
  const start = Buffer.from(prefix);
  let count = 0;
  for (const { id } of (await leases.list()).slice(0, LEASES_ASKED_MAX)) {
    const keys = (await leases.timeToLive(id))?.keys ?? [];
    count += keys.filter(
      (key) => start.equals(key.subarray(0, start.length)) && !isOfLock(key),
    ).length;
  }
  return count;
}
