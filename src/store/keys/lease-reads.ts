/** Leases as they are read: bounded pages. */
import { type ByteString, firstFrom } from "../../base/index.ts";
import type { Leases, LeaseView } from "./leases.ts";
import type { Looked } from "../history/versions.ts";

export type { LeaseView } from "./leases.ts";

/** One lease. */
export interface LeaseRequest {
  readonly lease: number;
  readonly withKeys: boolean;
  /** The first key that is wanted. */
  readonly start: ByteString;
  /** Of the newest state. */
  readonly revision: 0;
}

/** Leases in the order of their ids. */
export interface LeasesRequest {
  /** Only those with a greater id. */
  readonly leasesAfter: number;
  /** Of the newest state. */
  readonly revision: 0;
}

/** The answer to either request: one lease with some of its keys, or several leases. */
export interface LeasesPage {
  readonly leases: readonly LeaseView[];
  /** In order. */
  readonly keys: readonly ByteString[];
  /** More keys, or more leases. */
  readonly more: boolean;
}

const PAGE_LEASES = 1024;
const PAGE_KEYS = 1024;
const PAGE_BYTES = 128 * 1024;

export function readLease(
  leases: Leases,
  { lease, withKeys, start }: LeaseRequest,
  looked: Looked,
): LeasesPage {
  looked.cells += 1;
  const view = leases.view(lease);
  if (view === null) return { leases: [], keys: [], more: false };
  const page = { leases: [view], keys: [], more: false };
  if (!withKeys) return page;
  looked.cells += leases.sortWork(lease);
  const sorted = leases.sortedKeys(lease);
  const from = firstFrom(sorted, start);
  const keys: ByteString[] = [];
  let bytes = 0;
  for (const key of sorted.slice(from, from + PAGE_KEYS)) {
    if (bytes >= PAGE_BYTES) break;
    keys.push(key);
    bytes += key.length;
  }
  looked.cells += keys.length;
  return { ...page, keys, more: from + keys.length < sorted.length };
}

export function readLeases(
  leases: Leases,
  { leasesAfter }: LeasesRequest,
  looked: Looked,
): LeasesPage {
  looked.cells += 1 + leases.size;
  const views: LeaseView[] = [];
  for (const id of leases.sortedIds()) {
    if (id <= leasesAfter) continue;
    if (views.length === PAGE_LEASES) return { leases: views, keys: [], more: true };
    const view = leases.view(id);
    if (view !== null) views.push(view);
  }
  return { leases: views, keys: [], more: false };
}
