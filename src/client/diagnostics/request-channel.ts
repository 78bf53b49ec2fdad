/**
 * How long a client's requests take, on Node's `diagnostics_channel`, for tracing and metrics of the program that makes them. Without a
 * subscriber this costs one look a request.
 */
import type { ErrorCode } from "../../base/index.ts";
import { changeRevision } from "../keys/index.ts";
import type { ObserveRequest } from "../core/index.ts";
import { diagnosticsChannel, nodeClock } from "../../machine/runtime/index.ts";

/** The name of the channel: `diagnostics_channel.subscribe("omnikv:client:request", (message) => …)`. */
export const REQUEST_CHANNEL = "omnikv:client:request";

/** What is published when a request ends. Keys and values are not in it. */
export interface RequestMessage {
  /** `write`, `read`, `keys`, `range`, `delete` or one of the kinds of `cas`. */
  readonly operation: string;
  /** The node that answered; null: none did. */
  readonly node: number | null;
  /**
   * Of a write that took effect: its revision in the store's history, under which the nodes tell of it too (`omnikv:server:entry`, the
   * log's `revision`). Null: of reads, and of writes that changed nothing or were not answered.
   */
  readonly revision: number | null;
  /** Milliseconds from the call to the answer, all attempts together. */
  readonly durationMs: number;
  /** Null: it was answered. */
  readonly error: ErrorCode | null;
}

const requests = diagnosticsChannel(REQUEST_CHANNEL);

export const observeRequest: ObserveRequest = (operation, done) => {
  if (!requests.hasSubscribers) return done;
  const startMs = nodeClock.now();
  return (error, answer) => {
    const message: RequestMessage = {
      operation: operation.kind,
      node: answer?.node ?? null,
      revision: answer === null ? null : changeRevision(operation, answer),
      durationMs: nodeClock.now() - startMs,
      error: error?.code ?? null,
    };
    requests.publish(message);
    done(error, answer);
  };
};
