import { askedSecret } from "./asked-secret.ts";
import type { ClientCoreOptions } from "./core-options.ts";
import type { LinkOptions } from "./node-link.ts";

const CONNECT_TIMEOUT_MS = 2000;

/** What is the same for every link of a client, of keys or of management; how it signs in is not. */
export function linkOptionsOf({
  clock,
  random,
  network,
  clusterId = null,
  secret = null,
  connectTimeoutMs = CONNECT_TIMEOUT_MS,
}: Pick<
  ClientCoreOptions,
  "clock" | "random" | "network" | "clusterId" | "secret" | "connectTimeoutMs"
>): LinkOptions {
  return { clock, random, network, clusterId, secret: askedSecret(secret), connectTimeoutMs };
}
