/** Leases as requests of a client. */
import { KvError } from "../base/errors.ts";
import type { ClientCore } from "./client-core.ts";
import type { LeasePort } from "./lease-port.ts";

export function leasePortOf(_core: ClientCore): LeasePort {
  const no = (): Promise<never> => Promise.reject(new KvError("INTERNAL", "not there yet"));
  return { grant: no, keepAlive: no, revoke: no, timeToLive: no, list: no };
}
