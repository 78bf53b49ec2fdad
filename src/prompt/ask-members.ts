/** Which nodes a cluster has: any node tells any client. */
import { type ClusterInfo, clusterInfoSchema } from "../protocol/admin/index.ts";

export type Members = ClusterInfo["nodes"];

/** Gets a page of a node, as a text. Rejects when there is none. */
export type GetPage = (place: Place, path: string, signal: AbortSignal) => Promise<string>;

/** Where a node is asked. */
export interface Place {
  /** Null: any node that answers there is meant. */
  readonly id: number | null;
  readonly host: string;
  readonly port: number;
}

/** The command does not wait for a node that hangs: the others know the same. */
const TIMEOUT_MS = 1000;

/**
 * Asks all at once.
 * @returns the answer of the first node that gives a sensible one; that node keeps the address at which it was just reached, even
 *   if it has another address for itself
 * @throws AggregateError with an error for each place, in their order, when none does
 */
export async function askMembers(places: readonly Place[], get: GetPage): Promise<Members> {
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), TIMEOUT_MS);
  try {
    return await Promise.any(places.map((place) => ask(place, get, over.signal)));
  } finally {
    clearTimeout(timer);
    over.abort();
  }
}

async function ask(place: Place, get: GetPage, signal: AbortSignal): Promise<Members> {
  const { self, nodes } = infoIn(await get(place, "/cluster.json", signal));
  if (place.id !== null && self !== place.id) throw new Error(`node ${self} answered`);
  const { host, port } = place;
  return nodes.map((node) => (node.id === self ? { id: self, host, port } : node));
}

function infoIn(text: string): ClusterInfo {
  try {
    return clusterInfoSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new Error("what answers there is no omnikv server, or one of another version", { cause });
  }
}
