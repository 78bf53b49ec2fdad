import type { Clock, Network, Random } from "../../machine/ports/index.ts";
import type { ClientSecret } from "./asked-secret.ts";
import type { CredentialOptions } from "./credentials.ts";
import type { Operation } from "./frames.ts";
import type { Done } from "./request.ts";
import type { Endpoint } from "../terms/index.ts";

/** Called for each request that is sent, with the callback for its end. @returns the callback that is called instead */
export type ObserveRequest = (operation: Operation, done: Done) => Done;

export interface ClientCoreOptions extends CredentialOptions {
  readonly nodes: readonly Endpoint[];
  readonly clock: Clock;
  readonly random: Random;
  readonly network: Network;
  /** Observes every request. Default: none. */
  readonly observe?: ObserveRequest;
  /** The cluster's name: nodes of another are refused (WRONG_CLUSTER). Null: the name of the first node met counts. Default null. */
  readonly clusterId?: string | null;
  /**
   * The cluster's secret; null: it has none. A node that does not know it is refused (UNAUTHORIZED). A function is asked once at
   * first, and at each new connection, so that a program goes on when the secret changes; while it throws, what it returned last counts.
   * Default null.
   */
  readonly secret?: ClientSecret;
  /** Milliseconds from the call to the answer, all attempts together; TIMEOUT after that. Default 5000. */
  readonly timeoutMs?: number;
  /** Milliseconds from the dial to an open link, the handshake included. Default 2000. */
  readonly connectTimeoutMs?: number;
  /** Milliseconds after which a request to any node is sent to the next one as well. Default 2000. */
  readonly attemptTimeoutMs?: number;
  /** A request to any node fails when the client has tried each node once and none is silent, instead of at its time-out. Default false. */
  readonly failFast?: boolean;
  /** The node that a request to any node is sent to at first, by its id. Default: one at random. */
  readonly firstNode?: number;
}

export interface SubmitOptions {
  /** The only node to ask; null: any. */
  readonly node: number | null;
  readonly timeoutMs?: number | undefined;
}
