/** Checks the options of a client before anything is done with them. */
import { isHost, KvError } from "../../base/index.ts";
import { badSecret } from "./asked-secret.ts";
import {
  badArgument,
  type Endpoint,
  type NodeAddress,
  type NodeGiven,
  type NodesGiven,
  TEXT_EXPECTED,
  unknownName,
  wrongNodeId,
  wrongTimeout,
} from "../terms/index.ts";

const PORT_MAX = 65_535;
/** ID=HOST:PORT, the id with its sign may be missing; a host with colons stands in brackets. */
const ADDRESS = /^(?:(\d{1,9})=)?(?:(?:https|wss):\/\/)?(?:\[([^[\]]+)\]|([^:[\]]+)):(\d{1,5})\/?$/;
const ADDRESS_EXPECTED = '"HOST:PORT", "[IPV6]:PORT" or { id, host, port }';
const NODES_EXPECTED = 'at least one address, like ["127.0.0.1:4101"]';

const CHECKS = {
  timeoutMs: wrongTimeout,
  connectTimeoutMs: wrongTimeout,
  attemptTimeoutMs: wrongTimeout,
  clusterId: wrongText,
  secret: wrongSecret,
  user: wrongText,
  password: wrongSecret,
  token: wrongSecret,
  failFast: wrongFlag,
  firstNode: wrongNodeId,
} as const;

/** The options of `createClient` beside the nodes. */
export const CLIENT_OPTION_NAMES: readonly string[] = Object.keys(CHECKS);
/** As `CLIENT_OPTION_NAMES`, of `createAdminClient`. */
export const ADMIN_OPTION_NAMES: readonly string[] = [
  "timeoutMs",
  "connectTimeoutMs",
  "clusterId",
  "secret",
  "user",
  "password",
  "token",
];

/**
 * @param given what a user handed to `createClient` or `createAdminClient`: options, or the nodes alone
 * @throws KvError BAD_REQUEST when it is neither, or has an unknown option: that would silently do nothing
 */
export function optionsIn<Options extends { readonly nodes: NodesGiven }>(
  given: Options | NodesGiven,
  names: readonly string[],
): Options | { readonly nodes: NodesGiven } {
  if (typeof given === "string" || isArray(given)) return { nodes: given };
  if (typeof given !== "object" || given === null) {
    throw badArgument("options", "an object with nodes, or addresses of nodes", given);
  }
  const unknown = unknownName(given, new Set(["nodes", ...names]));
  if (unknown !== null) throw unknown;
  return given;
}

/** @throws KvError BAD_REQUEST that names the option, what was expected and what came */
export function checkClientOptions(options: object): void {
  if (typeof options !== "object" || options === null) {
    throw badArgument("options", "an object with nodes", options);
  }
  const values = options as Readonly<Record<string, unknown>>;
  for (const name of ["clock", "random", "network"]) {
    if (typeof values[name] !== "object" || values[name] === null) {
      throw badArgument(name, "one, as createClient and createAdminClient hand in", values[name]);
    }
  }
  for (const [name, check] of Object.entries(CHECKS)) {
    const value = values[name];
    const wrong = value === undefined ? null : check(name, value);
    if (wrong !== null) throw wrong;
  }
}

/** @throws KvError BAD_REQUEST that names the node, what was expected and what came */
export function endpointsIn(nodes: unknown): readonly Endpoint[] {
  const given: unknown = typeof nodes === "string" ? nodes.split(",") : nodes;
  if (!isArray(given) || given.length === 0) throw badArgument("nodes", NODES_EXPECTED, nodes);
  const endpoints = Array.from(given, (node, i) => endpointIn(node, `nodes[${i}]`));
  const seen = new Set<string>();
  for (const { id, host, port } of endpoints) {
    for (const name of [...(id === null ? [] : [`node ${id}`]), `${host}:${port}`]) {
      if (seen.has(name)) throw badArgument("nodes", "every node once", `${name} twice`);
      seen.add(name);
    }
  }
  return endpoints;
}

/** Of a client that asks nodes by their ids. @throws KvError as `endpointsIn`, and when an id is missing */
export function addressesIn(nodes: unknown): readonly NodeAddress[] {
  return endpointsIn(nodes).map(({ id, host, port }, i) => {
    if (id !== null) return { id, host, port };
    const given = `${host}:${port} without one`;
    const expected = 'an id, like "1=127.0.0.1:4101" or { id, host, port }';
    throw new KvError("BAD_REQUEST", `nodes[${i}]: expected ${expected}, got ${given}`);
  });
}

function endpointIn(node: unknown, name: string): Endpoint {
  if (typeof node === "string") return parseAddress(node.trim(), name);
  if (typeof node !== "object" || node === null) throw badArgument(name, ADDRESS_EXPECTED, node);
  const { id, host, port } = node as Readonly<Record<string, unknown>>;
  const wrongId = id === undefined || id === null ? null : wrongNodeId(`${name}.id`, id);
  if (wrongId !== null) throw wrongId;
  return {
    id: typeof id === "number" ? id : null,
    host: hostIn(host, `${name}.host`),
    port: portIn(port, `${name}.port`),
  };
}

function parseAddress(text: string, name: string): Endpoint {
  const match = ADDRESS.exec(text);
  if (match === null) throw badArgument(name, ADDRESS_EXPECTED, text);
  const [, id, bracketed, plain, port] = match;
  return endpointIn(
    { id: id === undefined ? undefined : Number(id), host: bracketed ?? plain, port: Number(port) },
    name,
  );
}

function hostIn(host: unknown, name: string): string {
  if (typeof host === "string" && isHost(host)) return host;
  throw badArgument(name, "a host name or address", host);
}

function portIn(port: unknown, name: string): number {
  if (typeof port === "number" && Number.isInteger(port) && port >= 1 && port <= PORT_MAX) {
    return port;
  }
  throw badArgument(name, `a port from 1 to ${PORT_MAX}`, port);
}

function wrongText(name: string, value: unknown): KvError | null {
  if (typeof value === "string" && !value.isWellFormed()) {
    return badArgument(name, TEXT_EXPECTED, value);
  }
  if (value === null || (typeof value === "string" && value !== "")) return null;
  return badArgument(name, "a text that is not empty, or null", value);
}

/** The message must not show the secret. */
function wrongSecret(name: string, value: unknown): KvError | null {
  if (typeof value === "function" || wrongText(name, value) === null) return null;
  return badSecret(name, "a text that is not empty", value);
}

function wrongFlag(name: string, value: unknown): KvError | null {
  return typeof value === "boolean" ? null : badArgument(name, "true or false", value);
}

/** `Array.isArray` does not know read-only ones. */
function isArray(value: unknown): value is readonly NodeGiven[] {
  return Array.isArray(value);
}
