/** Locks and elections. */
export { Coordination } from "./coordination.ts";
export type { ElectOptions, Leader, Term } from "./election.ts";
export {
  ELECTIONS_PREFIX,
  holdingIn,
  leaseInId,
  lockKeyIn,
  type LockMode,
  LOCKS_PREFIX,
} from "./lock-keys.ts";
export { type Guard, guardedBy, type Lock, wrongGuard } from "./lock.ts";
export { holdersIn, type LockInfo, type LockQuery } from "./lock-query.ts";
export { type LockOptions, type Locks, wrongName } from "./locks.ts";
