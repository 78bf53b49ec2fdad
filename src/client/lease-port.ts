import type { KvError } from "../base/errors.ts";
import type { LeaseId } from "./txn-types.ts";
import type { RequestOptions } from "./types.ts";

/** What leases need of a client. Promises reject with a KvError, but for keepAlive. */
export interface LeasePort {
  grant(ttlMs: number, options: RequestOptions): Promise<{ id: LeaseId; ttlMs: number }>;
  /**
   * All in one frame. @returns in the order of the leases: the time to live that begins anew; null: there is no such lease; or
   * why that is not known. Never rejects.
   */
  keepAlive(
    ids: readonly LeaseId[],
    options: RequestOptions,
  ): Promise<readonly (number | null | KvError)[]>;
  /** @returns false: there is no such lease */
  revoke(id: LeaseId, options: RequestOptions): Promise<boolean>;
}
