/** `KvClient` and its views, without their machine. */
export type { GuardedClient } from "./guarded-client.ts";
export type { KvRequests } from "./key-requests.ts";
export { KvClient, type KvClientOptions } from "./kv-client.ts";
export { PrefixedClient } from "./prefixed-client.ts";
