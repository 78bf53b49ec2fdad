import type { Clock } from "../ports/clock.ts";
import type { Network } from "../ports/network.ts";
import type { Random } from "../ports/random.ts";
import type { Endpoint } from "./types.ts";

export interface ClientCoreOptions {
  readonly nodes: readonly Endpoint[];
  readonly clock: Clock;
  readonly random: Random;
  readonly network: Network;
  /** Null: not checked. Default null. */
  readonly clusterId?: string | null;
  /** The cluster's secret, when it has one. */
  readonly secret?: string | null;
  /** From submission to the answer. Default 5000. */
  readonly timeoutMs?: number;
  /** From the dial to an open link. Default 2000. */
  readonly connectTimeoutMs?: number;
  /** A request to any node goes to the next one after so long. Default 2000. */
  readonly attemptTimeoutMs?: number;
  /** A request to any node fails when each node was tried once, instead of going on until its time is up. Default false. */
  readonly failFast?: boolean;
  /** The node that a request to any node is sent to at first, by its id. Default: one at random. */
  readonly firstNode?: number;
}

export interface SubmitOptions {
  /** The only node to ask; null: any. */
  readonly node: number | null;
  readonly timeoutMs?: number | undefined;
}
