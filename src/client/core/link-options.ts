import { askedSecret } from "./asked-secret.ts";
import type { ClientCoreOptions } from "./core-options.ts";
import type { LinkOptions } from "./node-link.ts";

const CONNECT_TIMEOUT_MS = 2000;

/** The options that every link of a client shares, of keys or of management; how the client signs in is not among them. */
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
