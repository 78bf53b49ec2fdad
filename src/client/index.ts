/** The client without its machine. */
export type { ElectOptions, Leader, Term } from "./election.ts";
export type { GuardedClient } from "./guarded-client.ts";
export type { KvRequests } from "./key-requests.ts";
export { KvClient, type KvClientOptions } from "./kv-client.ts";
export { ELECTIONS_PREFIX, lockKeyIn, type LockMode, LOCKS_PREFIX } from "./lock-keys.ts";
export type { Guard, Lock } from "./lock.ts";
export type { LockInfo, LockOptions, LockQuery, Locks } from "./locks.ts";
export { PrefixedClient } from "./prefixed-client.ts";
