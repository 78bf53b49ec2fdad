/** Which nodes a cluster has, by what a node tells everybody. */
import { type ClusterInfo, clusterInfoSchema } from "../protocol/admin/index.ts";

export type Members = ClusterInfo["nodes"];

/** Gets a page of a node, as a text. Rejects when there is none. */
export type GetPage = (node: Node, path: string, signal: AbortSignal) => Promise<string>;

interface Node {
  readonly id: number;
  readonly host: string;
  readonly port: number;
}

/** A node that hangs is not waited for: what is known without it does. */
const TIMEOUT_MS = 1000;

/**
 * Asks all at once.
 * @returns what the first one says that answers with something sensible; null when none does
 */
export async function askMembers(nodes: readonly Node[], get: GetPage): Promise<Members | null> {
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, AbortSignal.timeout(TIMEOUT_MS)]);
  try {
    return await Promise.any(nodes.map((node) => ask(node, get, signal)));
  } catch (error) {
    if (!(error instanceof AggregateError)) throw error;
    return null;
  } finally {
    over.abort();
  }
}

async function ask(node: Node, get: GetPage, signal: AbortSignal): Promise<Members> {
  const text = await get(node, "/cluster.json", signal);
  const { self, nodes } = clusterInfoSchema.parse(JSON.parse(text));
  if (self !== node.id) throw new Error(`node ${self} answered`);
  return nodes;
}
