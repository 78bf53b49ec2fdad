/** Which nodes are in the cluster and where: the same description for servers and clients, from flags or one JSON file. */
import { CLUSTER_ID, CLUSTER_ID_TEXT, hostPort, isHost, KvError } from "../../base/index.ts";
import { dirname, resolve } from "node:path";
import { z } from "zod";
import { fileTrouble } from "./file-trouble.ts";
import { parseJsonText } from "./json-text.ts";
import { readSettingsText } from "./regular-file.ts";

/** The node's client port also serves management; peers have a port of their own. */
export interface ClusterNode {
  readonly id: number;
  readonly host: string;
  readonly port: number;
  readonly peerPort: number;
}

export interface ClusterDescription {
  /** Nodes of another cluster are refused. Letters, digits, ".", "_" and "-". */
  readonly clusterId: string;
  /** In the order of their ids. */
  readonly nodes: readonly ClusterNode[];
  /** Absolute path of a file that holds the secret of clients. */
  readonly secretFile?: string;
  /** Absolute path of a file that holds the secret of the nodes. Clients need not have it. */
  readonly peerSecretFile?: string;
  /** Clients reach the nodes over TLS. Absolute paths, as the options of the same names. */
  readonly tls?: ClusterTls;
}

/** What clients need for TLS; all of it may be left out. */
interface ClusterTls {
  readonly cacert?: string;
  readonly cert?: string;
  readonly key?: string;
}

export const DEFAULT_CLUSTER_ID = "omnikv-local";
const DEFAULT_HOST = "127.0.0.1";
/** A node's default client port is this plus its id. */
export const CLIENT_PORT_BASE = 4100;
/** A node's default peer port is this plus its id. */
const PEER_PORT_BASE = 4200;
/** Node ids are small so that default ports never collide. */
const NODE_ID_MAX = 99;
const nodeIdSchema = z.int().min(1).max(NODE_ID_MAX);
const portSchema = z.int().min(1).max(65_535);
const hostSchema = z.string().refine(isHost, "expected a host name or address");
const clusterIdSchema = z.string().regex(CLUSTER_ID, `expected ${CLUSTER_ID_TEXT}`);

const clusterFileSchema = z.strictObject({
  clusterId: clusterIdSchema.default(DEFAULT_CLUSTER_ID),
  nodes: z
    .array(
      z.strictObject({
        id: nodeIdSchema,
        host: hostSchema.default(DEFAULT_HOST),
        port: portSchema.optional(),
        peerPort: portSchema.optional(),
      }),
    )
    .min(1),
  secretFile: z.string().min(1).optional(),
  peerSecretFile: z.string().min(1).optional(),
  tls: z
    .strictObject({
      cacert: z.string().min(1).optional(),
      cert: z.string().min(1).optional(),
      key: z.string().min(1).optional(),
    })
    .optional(),
});

/** Where node `id` listens when nothing else is said. */
function defaultNode(id: number, host: string = DEFAULT_HOST): ClusterNode {
  return { id, host, port: CLIENT_PORT_BASE + id, peerPort: PEER_PORT_BASE + id };
}

/** Of the page that the node serves, for people to open. */
export function pageUrl(node: Pick<ClusterNode, "host" | "port">, isTls: boolean): string {
  return `http${isTls ? "s" : ""}://${hostPort(node)}/`;
}

/** Nodes 1 to `size` on this machine. */
export function defaultCluster(size = 3): ClusterDescription {
  return { clusterId: DEFAULT_CLUSTER_ID, nodes: nodesFrom(CLIENT_PORT_BASE, size) };
}

/** Nodes 1 to `size` on this machine: node I has the client port `basePort` + I, and its peer port a hundred above it. */
export function nodesFrom(basePort: number, size: number): readonly ClusterNode[] {
  const peersFrom = basePort + PEER_PORT_BASE - CLIENT_PORT_BASE;
  return Array.from({ length: size }, (_, i) => i + 1).map((id) => {
    return { id, host: DEFAULT_HOST, port: basePort + id, peerPort: peersFrom + id };
  });
}

/**
 * `1=127.0.0.1:4101:4201,2=…`: id, host, client port, peer port. The ports may be left out (defaults of the id), and an
 * IPv6 host stands in brackets.
 *
 * @param flag named in errors, "--peers" for example
 * @throws KvError BAD_REQUEST that names the flag, what was expected and the value
 */
export function parsePeersFlag(text: string, flag = "--peers"): readonly ClusterNode[] {
  return checkNodes(parseNodes(text, flag), flag, bothAddresses);
}

/**
 * As `parsePeersFlag`, for programs that speak to client ports only: the ports of peers do not matter to them.
 * @throws KvError BAD_REQUEST that names the flag, what was expected and the value
 */
export function parseNodesFlag(text: string, flag = "--nodes"): readonly ClusterNode[] {
  return checkNodes(parseNodes(text, flag), flag, (node) => [hostPort(node)]);
}

/** Whether the list says which node is where; else it has addresses alone, for `parseAddresses`. */
export function namesIds(list: string): boolean {
  return list.includes("=");
}

/**
 * `10.0.0.1:4101,[::1]:4102`, without ids; `https://` may stand in front.
 * @throws KvError BAD_REQUEST that names the flag, what was expected and the value
 */
export function parseAddresses(
  list: string,
  flag = "--nodes",
): readonly Pick<ClusterNode, "host" | "port">[] {
  return list.split(",").map((part) => {
    const text = part.trim();
    const match = /^(?:(?:https|wss):\/\/)?(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,9})$/.exec(text);
    const host = match?.[1] ?? match?.[2] ?? "";
    if (match === null || !hostSchema.safeParse(host).success) {
      throw invalid(flag, "HOST:PORT, like 127.0.0.1:4101, or ID=HOST:PORT", text);
    }
    return { host, port: parsePort(match[3] ?? "", flag) };
  });
}

function bothAddresses({ host, port, peerPort }: ClusterNode): readonly string[] {
  return [hostPort({ host, port }), hostPort({ host, port: peerPort })];
}

function parseNodes(text: string, flag: string): readonly ClusterNode[] {
  return text.split(",").map((part) => parseNode(part.trim(), flag));
}

/** Whether the list names a node by an address of TLS: "1=https://node1:4101". */
export function namesTls(list: string): boolean {
  return /(?:^|[,=\s])(?:https|wss):\/\//.test(list);
}

function parseNode(part: string, flag: string): ClusterNode {
  const match =
    /^(\d{1,9})=(?:(?:https|wss):\/\/)?(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,9}))?(?::(\d{1,9}))?$/.exec(
      part,
    );
  if (match === null) {
    throw invalid(flag, "ID=HOST[:PORT[:PEERPORT]], like 1=127.0.0.1:4101:4201", part);
  }
  const [, idText = "", bracketed, plain = "", portText, peerPortText] = match;
  const id = integerIn(idText, nodeIdSchema, flag, `a node id from 1 to ${NODE_ID_MAX}`);
  const host = bracketed ?? plain;
  if (!hostSchema.safeParse(host).success) throw invalid(flag, "a host name or address", host);
  const expected = "a port from 1 to 65535";
  const defaults = defaultNode(id, host);
  return {
    ...defaults,
    ...(portText === undefined ? {} : { port: integerIn(portText, portSchema, flag, expected) }),
    ...(peerPortText === undefined
      ? {}
      : { peerPort: integerIn(peerPortText, portSchema, flag, expected) }),
  };
}

/**
 * Reads a file of the form
 * `{ "clusterId": "omnikv-local", "nodes": [{ "id": 1, "host": "127.0.0.1", "port": 4101, "peerPort": 4201 }], "secretFile": "secret.txt" }`.
 * Only `nodes` with their ids is required; `peerSecretFile` and `tls` (with `cacert`, `cert` and `key`) may stand there too. Relative
 * paths are relative to the cluster file.
 *
 * @throws KvError BAD_REQUEST that names the file, the field, what was expected and the value
 */
export function loadClusterFile(path: string, flag = "--cluster"): ClusterDescription {
  return parseCluster(readSettingsText(path, flag), path, flag);
}

function parseCluster(text: string, path: string, flag: string): ClusterDescription {
  let value: unknown;
  try {
    value = parseJsonText(text);
  } catch (cause) {
    const reason = (cause as Error).message;
    throw new KvError("BAD_REQUEST", `${flag}: ${path} ${reason}`, { cause });
  }
  const result = clusterFileSchema.safeParse(value);
  if (!result.success) {
    throw new KvError("BAD_REQUEST", `${flag}: ${path}: ${fileTrouble(result.error, value)}`);
  }
  const { clusterId, nodes, secretFile, peerSecretFile, tls } = result.data;
  const absolute = (file: string): string => resolve(dirname(path), file);
  const complete = nodes.map(({ id, host, port, peerPort }): ClusterNode => {
    const defaults = defaultNode(id, host);
    return { id, host, port: port ?? defaults.port, peerPort: peerPort ?? defaults.peerPort };
  });
  return {
    clusterId,
    nodes: checkNodes(complete, `${flag}: ${path}`, bothAddresses),
    ...(secretFile === undefined ? {} : { secretFile: absolute(secretFile) }),
    ...(peerSecretFile === undefined ? {} : { peerSecretFile: absolute(peerSecretFile) }),
    ...(tls === undefined ? {} : { tls: mapPaths(tls, absolute) }),
  };
}

/** @throws KvError BAD_REQUEST that names the flag */
export function parseNodeId(text: string, flag: string): number {
  return integerIn(text, nodeIdSchema, flag, `a node id from 1 to ${NODE_ID_MAX}`);
}

/** @throws KvError BAD_REQUEST that names the flag */
export function parsePort(text: string, flag: string): number {
  return integerIn(text, portSchema, flag, "a port from 1 to 65535");
}

/** @throws KvError BAD_REQUEST that names the flag */
export function parseClusterId(text: string, flag: string): string {
  if (clusterIdSchema.safeParse(text).success) return text;
  throw invalid(flag, CLUSTER_ID_TEXT, text);
}

function mapPaths(
  { cacert, cert, key }: z.infer<typeof clusterFileSchema>["tls"] & {},
  absolute: (file: string) => string,
): ClusterTls {
  return {
    ...(cacert === undefined ? {} : { cacert: absolute(cacert) }),
    ...(cert === undefined ? {} : { cert: absolute(cert) }),
    ...(key === undefined ? {} : { key: absolute(key) }),
  };
}

function integerIn(text: string, schema: z.ZodType<number>, flag: string, what: string): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  const result = schema.safeParse(value);
  if (!result.success) throw invalid(flag, what, text);
  return result.data;
}

/** Sorted by id; no id twice, and no address that counts. */
function checkNodes(
  nodes: readonly ClusterNode[],
  flag: string,
  addressesOf: (node: ClusterNode) => readonly string[],
): readonly ClusterNode[] {
  const ids = new Set<number>();
  const addresses = new Map<string, number>();
  for (const node of nodes) {
    const { id } = node;
    if (ids.has(id)) throw invalid(flag, "every node id once", `node ${id} twice`);
    ids.add(id);
    for (const address of addressesOf(node)) {
      const other = addresses.get(address);
      if (other !== undefined) {
        const who = other === id ? `node ${id} uses it twice` : `nodes ${other} and ${id} use it`;
        throw invalid(flag, "every address once", `${address} (${who})`);
      }
      addresses.set(address, id);
    }
  }
  return nodes.toSorted((a, b) => a.id - b.id);
}

function invalid(flag: string, expected: string, value: string): KvError {
  return new KvError("BAD_REQUEST", `${flag}: expected ${expected}, got "${value}"`);
}
