/** Locks and leases of a cluster, as its own clients use them. */
import type { MeasuredProcess } from "./cluster.ts";

export interface HeldLock {
  release(): Promise<void>;
  /** As if the process had died: nothing is renewed any more, nothing is given back. */
  die(): void;
}

/** A client of its own, with a connection of its own. */
export interface LockClient {
  /** Waits for it. */
  lock(name: string): Promise<HeldLock>;
  close(): void;
}

export interface LockSubject {
  readonly name: string;
  readonly processes: readonly MeasuredProcess[];
  /** @param ttlMs of its locks; renewed after a third of it */
  client(ttlMs: number): LockClient;
  /** Leases that are renewed after a third of their time. @returns renews them no more */
  keepLeases(count: number, ttlMs: number): Promise<() => void>;
  remove(): Promise<void>;
}
