/** A client that was told of one node, and asks that one where the others are. */
import { hostPort, KvError, wrongPortText } from "../../base/index.ts";
import { addressesIn, endpointsIn } from "../core/index.ts";
import type { Endpoint, NodeAddress } from "../terms/index.ts";
import { httpGet } from "../../machine/http/index.ts";
import { nodeClock } from "../../machine/runtime/index.ts";
import type { TlsSide } from "../../machine/tls/index.ts";

/** A longer answer is no description of a cluster. */
const INFO_BYTES_MAX = 64 * 1024;
/** For one node. */
const ASK_TIMEOUT_MS = 1000;
/** Between two rounds, while none has answered. */
const PAUSE_MS = 200;

export interface LearnOptions {
  /** As users name them. */
  readonly nodes: unknown;
  readonly clusterId: string | null;
  /** Null: in plain text. */
  readonly tls: TlsSide | null;
  readonly timeoutMs: number;
}

/**
 * Asks all nodes that the user named, again and again, until one says which nodes the cluster has. The client keeps the address at which
 * it just reached that node, even if the other nodes have another address for it.
 * @throws KvError BAD_REQUEST for wrong addresses; WRONG_CLUSTER; CONNECTION_FAILED, with the reasons, when none answers in time
 */
export async function learnNodes(options: LearnOptions): Promise<readonly NodeAddress[]> {
  const endpoints = endpointsIn(options.nodes);
  const endMs = nodeClock.now() + options.timeoutMs;
  for (;;) {
    const leftMs = endMs - nodeClock.now();
    const over = new AbortController();
    const limitMs = Math.max(1, Math.min(ASK_TIMEOUT_MS, Math.ceil(leftMs)));
    const cancelLimit = nodeClock.after(limitMs, () => over.abort());
    try {
      return await Promise.any(endpoints.map((endpoint) => ask(endpoint, options, over.signal)));
    } catch (error) {
      if (!(error instanceof AggregateError)) throw error;
      const refused = error.errors.find(
        (each) => each instanceof KvError && each.code === "WRONG_CLUSTER",
      );
      if (refused instanceof KvError) throw refused;
      if (nodeClock.now() + PAUSE_MS >= endMs) throw nobody(endpoints, error);
    } finally {
      cancelLimit();
      // A node that says nothing would keep the program from ending.
      over.abort();
    }
    await new Promise<void>((resolve) => void nodeClock.after(PAUSE_MS, resolve));
  }
}

async function ask(
  endpoint: Endpoint,
  { tls, clusterId }: LearnOptions,
  signal: AbortSignal,
): Promise<readonly NodeAddress[]> {
  const { host, port } = endpoint;
  const question = { host, port, path: "/cluster.json", tls, signal, bytesMax: INFO_BYTES_MAX };
  const { status, body } = await httpGet(question);
  if (status !== 200) throw new Error(wrongPortText("clients", status));
  const info = JSON.parse(body) as Readonly<Record<string, unknown>>;
  if (clusterId !== null && info["clusterId"] !== clusterId) {
    const text = `${hostPort(endpoint)} is of cluster ${JSON.stringify(info["clusterId"])}, and ${clusterId} is wanted`;
    throw new KvError("WRONG_CLUSTER", text);
  }
  return addressesIn(info["nodes"]).map((node) =>
    node.id === info["self"] ? { id: node.id, host, port } : node,
  );
}

function nobody(endpoints: readonly Endpoint[], { errors }: AggregateError): KvError {
  const reasons = endpoints.map((endpoint, i) => {
    const error: unknown = errors[i];
    if (!(error instanceof Error)) return `${hostPort(endpoint)} (${String(error)})`;
    const said = error.name === "AbortError" ? "it does not answer" : error.message;
    return `${hostPort(endpoint)} (${said})`;
  });
  const text = `no node says which nodes there are: ${reasons.join(", ")}`;
  return new KvError("CONNECTION_FAILED", text);
}
