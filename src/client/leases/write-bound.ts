/**
 * Writes whose key is bound to a lease: a transaction of one put. A write with a time to live first takes a lease of its own, which the
 * cluster ends as soon as the key is not bound to it any more. Nobody else binds a key to it, so it is still there when the transaction
 * comes, unless its time is over. A transaction that is repeated is answered by what the session keeps, and needs the lease no more.
 */
import {
  badArgument,
  type Bytes,
  isPositive,
  type LeaseId,
  type RequestOptions,
  type WriteOptions,
  type WriteResult,
  wrongKey,
  wrongSignal,
  wrongValue,
  wrongWriteOptions,
} from "../terms/index.ts";
import { KvError } from "../../base/index.ts";
import type { Leases } from "./leases.ts";
import type { TxnRequest, TxnResult } from "../txn/index.ts";

export interface BoundWriter {
  readonly leases: Pick<Leases, "issueBound" | "revoke">;
  txn(request: TxnRequest, options: RequestOptions): Promise<TxnResult>;
}

export async function writeBound(
  writer: BoundWriter,
  key: Bytes,
  value: Bytes,
  given: WriteOptions,
): Promise<WriteResult> {
  const { lease, ttl, ...options } = given;
  const wrong =
    wrongKey("key", key) ??
    wrongValue("value", value) ??
    wrongWriteOptions(given) ??
    wrongLease(lease, ttl);
  if (wrong !== null) throw wrong;
  // Looks at the clock: a key bound to an ended lease would be gone at once, or is another client's already.
  if (typeof lease === "object" && lease.signal.aborted) throw lease.signal.reason;
  const id = await boundTo(writer.leases, { ...options, lease, ttl });
  const then = [{ op: "put", key, value, lease: id }] as const;
  try {
    // oxlint-disable-next-line no-thenable -- a list, which nobody can call
    const { revision, node } = await writer.txn({ then }, options);
    return { revision, node };
  } catch (error) {
    // When nothing was written, no key uses the write's own lease.
    const isOver = lease === undefined && error instanceof KvError && error.definite;
    if (isOver) writer.leases.revoke(id).catch(() => {});
    throw error;
  }
}

async function boundTo(
  leases: BoundWriter["leases"],
  { lease, ttl = 0, ...options }: { [N in keyof WriteOptions]: WriteOptions[N] | undefined },
): Promise<LeaseId> {
  if (lease !== undefined) return typeof lease === "number" ? lease : lease.id;
  return leases.issueBound(ttl, options as RequestOptions);
}

function wrongLease(lease: unknown, ttl: unknown): KvError | null {
  if (lease === undefined) return null;
  if (ttl !== undefined) return badArgument("ttl", "either a lease or a time to live", ttl);
  const isHeld = typeof lease === "object" && lease !== null;
  const { id, signal }: { id?: unknown; signal?: unknown } = isHeld ? lease : { id: lease };
  if (!isPositive(id)) return badArgument("lease", "a lease, or its id", lease);
  return isHeld ? wrongSignal("lease.signal", signal) : null;
}
