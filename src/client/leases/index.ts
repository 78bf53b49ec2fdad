/** Leases, and keeping them. */
export type { LeaseInfo, LeaseKeys, LeasePort } from "./lease-port.ts";
export { leasePortOf } from "./lease-requests.ts";
export { leaseMarginOf } from "./lease-time.ts";
export type { KeptLease, Lease } from "./lease.ts";
export {
  againAndAgain,
  isAborted,
  LEASE_TTL_MS,
  type LeaseOptions,
  Leases,
  type SessionOptions,
  wrongTtl,
} from "./leases.ts";
export { writeBound } from "./write-bound.ts";
