/** Locks and elections. */
export { Coordination } from "./coordination.ts";
export type { ElectOptions, Leader, Term } from "./election.ts";
export {
  ELECTIONS_PREFIX,
  leaseInId,
  lockKeyIn,
  type LockMode,
  LOCKS_PREFIX,
} from "./lock-keys.ts";
export { type Guard, guardedBy, type Lock, wrongGuard } from "./lock.ts";
export { type LockInfo, type LockOptions, type LockQuery, type Locks, wrongName } from "./locks.ts";
