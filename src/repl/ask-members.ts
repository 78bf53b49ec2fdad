/** Which nodes a cluster has, by what a node tells everybody. */
import { hostPort } from "../base/address.ts";
import { clusterInfoSchema, type ClusterInfo } from "../wire/cluster-info.ts";

export type Members = ClusterInfo["nodes"];

interface Node {
  readonly id: number;
  readonly host: string;
  readonly port: number;
}

/** A node that hangs is not waited for: what is known without it does. */
const TIMEOUT_MS = 1000;
const INFO_BYTES_MAX = 64 * 1024;

/**
 * Asks all at once.
 * @returns what the first one says that answers with something sensible; null when none does
 */
export async function askMembers(nodes: readonly Node[]): Promise<Members | null> {
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, AbortSignal.timeout(TIMEOUT_MS)]);
  try {
    return await Promise.any(nodes.map((node) => ask(node, signal)));
  } catch (error) {
    if (!(error instanceof AggregateError)) throw error;
    return null;
  } finally {
    over.abort();
  }
}

async function ask(node: Node, signal: AbortSignal): Promise<Members> {
  const url = `http://${hostPort(node)}/cluster.json`;
  const response = await fetch(url, { signal, redirect: "error" });
  const { self, nodes } = clusterInfoSchema.parse(JSON.parse(await textOf(response)));
  if (self !== node.id) throw new Error(`node ${self} answered`);
  return nodes;
}

async function textOf({ body, ok }: Response): Promise<string> {
  if (!ok || body === null) throw new Error("no such page");
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > INFO_BYTES_MAX) throw new Error("longer than any list of nodes");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
