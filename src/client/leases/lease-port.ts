import type { KvError } from "../../base/index.ts";
import type { LeaseId, RequestOptions } from "../terms/index.ts";

/** Times are in milliseconds. */
export interface LeaseInfo {
  readonly id: LeaseId;
  readonly ttl: number;
  /** Until it ends if nothing renews it, by the clock of the cluster, which stands still while there is no leader. */
  readonly remaining: number;
}

/** A lease and what is bound to it. */
export interface LeaseKeys extends LeaseInfo {
  /** Those that are bound to it. */
  readonly keys: readonly Uint8Array[];
}

/** What leases need of a client. Promises reject with a KvError, but for keepAlive. */
export interface LeasePort {
  /** @param id one that the client has drawn; "next": a small one of the nodes' choice, which people can type */
  grant(
    ttlMs: number,
    options: RequestOptions,
    id: LeaseId | "next",
  ): Promise<{ id: LeaseId; ttlMs: number }>;
  /**
   * Renews all in one frame. @returns in the order of the leases: the time to live that begins anew; null: there is no such lease; or
   * the error why that is not known. Never rejects.
   */
  keepAlive(
    ids: readonly LeaseId[],
    options: RequestOptions,
  ): Promise<readonly (number | null | KvError)[]>;
  /** @returns false: there is no such lease */
  timeToLive(id: LeaseId, options: RequestOptions): Promise<LeaseKeys | null>;
  list(options: RequestOptions): Promise<readonly LeaseInfo[]>;
  revoke(id: LeaseId, options: RequestOptions): Promise<boolean>;
}
