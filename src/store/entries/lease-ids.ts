/**
 * Ids of leases that are asked for by their ids. Whether a lease is one of a write stands in its id, and in nothing else of a
 * grant: so programs that know no such leases read the same command, and grant a lease like any other.
 *
 *     below 2^51     given by the nodes, one after the other
 *     below 2^52     of writes, drawn at random: such a lease ends with its last key, if an entry of version 10 grants it
 *     below 2^53     drawn at random by a client that renews it
 */
import type { EntryRules } from "../operations/index.ts";

/** The first rules under which leases of writes end with their last key. */
export const LEASES_OF_WRITES: EntryRules = 10;
/** Part of the format. */
export const WRITE_LEASE_ID_MIN = 2 ** 51;
/** Ids of writes are below it. Part of the format. */
export const WRITE_LEASE_ID_END = 2 ** 52;

export function isOfWrite(id: number): boolean {
  return id >= WRITE_LEASE_ID_MIN && id < WRITE_LEASE_ID_END;
}
