/** Requests of a client core, carried out on the simulated clock. */
import { expect } from "vitest";
import type { KvError } from "../../src/base/errors.ts";
import type { ClientCore } from "../../src/client/core/client-core.ts";
import type { Answer, Operation } from "../../src/client/core/frames.ts";
import { byteStringOfText, textOf } from "../../src/store/index.ts";
import type { SimClock } from "../../src/proof/simulator/sim-clock.ts";
import type { FakeCluster } from "./fake-cluster.ts";

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const write = (key: string, value: string): Operation => ({
  kind: "write",
  key: bytes(key),
  value: bytes(value),
});
export const read = (key: string, local = false): Operation => ({
  kind: "read",
  key: bytes(key),
  local,
  revision: 0,
});

export interface Result {
  error: KvError | null;
  answer: Answer | null;
  /** Milliseconds from submission. */
  tookMs: number;
}

export function submit(
  cluster: FakeCluster,
  core: ClientCore,
  operation: Operation,
  node: number | null = null,
  timeoutMs?: number,
): { result: Result | null; cancel: () => void } {
  const started = cluster.clock.now();
  const pending: { result: Result | null; cancel: () => void } = { result: null, cancel: () => {} };
  const request = core.submit(operation, { node, timeoutMs }, (error, answer) => {
    expect(pending.result).toBeNull();
    const copy = answer === null ? null : { ...answer };
    pending.result = { error, answer: copy, tookMs: cluster.clock.now() - started };
  });
  pending.cancel = () => {
    if (request !== null) core.cancel(request);
  };
  return pending;
}

/** Submits and runs until it is answered. */
export function ask(...args: Parameters<typeof submit>): Result {
  const pending = submit(...args);
  args[0].clock.runUntil(() => pending.result !== null, 60_000);
  if (pending.result === null) throw new Error("no answer within a minute");
  return pending.result;
}

export const valueOf = (cluster: FakeCluster, key: string): string | undefined => {
  const stored = cluster.state.read(byteStringOfText(key));
  return stored === undefined ? undefined : textOf(stored.value);
};

/** Lets simulated time pass until the promise is settled. */
export async function settle<T>(
  { clock }: { readonly clock: SimClock },
  promise: Promise<T>,
  steps = 1000,
): Promise<T> {
  const state = { settled: false };
  const mark = (): void => {
    state.settled = true;
  };
  promise.then(mark, mark);
  for (let i = 0; i < steps && !state.settled; i++) {
    clock.run(10);
    await Promise.resolve();
  }
  return promise;
}
