/** From flags and the cluster file to one frozen, checked value. Errors name the flag, the expectation and the value. */
import { resolve } from "node:path";
import { z } from "zod";
import { KvError, wayOut } from "../../base/index.ts";
import {
  type ClusterDescription,
  type ClusterNode,
  defaultCluster,
  loadClusterFile,
  parseClusterId,
  parseNodeId,
  parsePeersFlag,
  parsePort,
} from "../config/index.ts";
import type { TlsSide } from "../../machine/tls/index.ts";
import type { LogLevel } from "../../machine/ports/index.ts";
import { DEFAULT_TIMING, NODE_DEFAULTS, type NodeOptions } from "../node/index.ts";
import type { CredentialFlags } from "./credential-flags.ts";
import type { Credential } from "./credentials.ts";
import { credentials } from "./read-credentials.ts";

/** As commander gives them: everything a string, or absent. */
export interface ServerFlags extends CredentialFlags {
  readonly node: string;
  readonly dataDir?: string;
  readonly host?: string;
  readonly port?: string;
  readonly peerPort?: string;
  readonly peers?: string;
  readonly cluster?: string;
  readonly clusterId?: string;
  readonly allowFaults?: true;
  readonly rejoin?: true;
  readonly confirmMembers?: true;
  readonly auditLog?: string;
  readonly auditLogMb: string;
  readonly logLevel: string;
  readonly logFormat: string;
  readonly tickMs: string;
  readonly electionTimeoutMs: string;
  readonly resendMs: string;
  readonly requestTimeoutMs: string;
  readonly snapshotMb: string;
  readonly snapshotEntries: string;
}

export interface ServerOptions {
  readonly node: NodeOptions;
  /** Null: clients and managers talk in plain text. */
  readonly clientTls: TlsSide | null;
  /** Null: nodes do. */
  readonly peerTls: TlsSide | null;
  /** The credentials that are read from files, and read again when the files change. */
  readonly credentials: readonly Credential[];
  /** For the log: what an operator should know about these settings. */
  readonly warnings: readonly string[];
  /** Every node of the cluster, this one included. */
  readonly clusterNodes: readonly ClusterNode[];
  /** Secrets that the cluster file names, and no flag. Absolute paths. */
  readonly listedFiles: Pick<ClusterDescription, "secretFile" | "peerSecretFile">;
  /** The absolute path of the data directory. */
  readonly dataDirectory: string;
  /** Null: there is no audit log. */
  readonly audit: { readonly path: string; readonly bytesMax: number } | null;
  readonly logLevel: LogLevel;
  readonly logFormat: "pretty" | "json";
}

export const FLAG_DEFAULTS = {
  auditLogMb: "64",
  logLevel: "info",
  logFormat: "pretty",
  tickMs: String(DEFAULT_TIMING.tickMs),
  electionTimeoutMs: String(DEFAULT_TIMING.electionTimeoutMs),
  resendMs: String(DEFAULT_TIMING.resendMs),
  requestTimeoutMs: String(DEFAULT_TIMING.requestWaitMs),
  snapshotMb: String(NODE_DEFAULTS.compaction.logBytesMin / (1024 * 1024)),
  snapshotEntries: String(NODE_DEFAULTS.compaction.entriesMax),
} as const;

/** @throws KvError BAD_REQUEST */
export function readServerOptions(flags: ServerFlags, version: string): ServerOptions {
  const nodeId = parseNodeId(flags.node, "--node");
  const { clusterId, nodes, secretFile, peerSecretFile, tls } = cluster(flags);
  const listed = nodes.find(({ id }) => id === nodeId);
  if (listed === undefined) {
    const ids = nodes.map(({ id }) => id).join(", ");
    throw bad("--node", `one of the cluster's nodes (${ids})`, flags.node);
  }
  const self: ClusterNode = {
    id: nodeId,
    host: flags.host ?? listed.host,
    port: flags.port === undefined ? listed.port : parsePort(flags.port, "--port"),
    peerPort:
      flags.peerPort === undefined ? listed.peerPort : parsePort(flags.peerPort, "--peer-port"),
  };
  if (self.port === self.peerPort) {
    throw bad("--peer-port", "a port other than the client port", String(self.peerPort));
  }
  const access = credentials(
    {
      ...flags,
      ...given("secretFile", flags.secretFile ?? secretFile),
      ...given("peerSecretFile", flags.peerSecretFile ?? peerSecretFile),
    },
    self.host,
    // Whoever gives no list reaches the node where it listens.
    flags.cluster === undefined && flags.peers === undefined ? self.host : listed.host,
    tls !== undefined,
  );
  if (flags.rejoin === true && nodes.length < 3) {
    throw new KvError(
      "BAD_REQUEST",
      `--rejoin: the others must be a majority without this node: ${wayOut(nodes.length)}`,
    );
  }
  const all = nodes.map((node) => (node.id === nodeId ? self : node));
  return {
    clusterNodes: all,
    listedFiles: { ...given("secretFile", secretFile), ...given("peerSecretFile", peerSecretFile) },
    dataDirectory: resolve(flags.dataDir ?? `data/node${nodeId}`),
    audit: auditOf(flags),
    logLevel: choice("--log-level", flags.logLevel, ["debug", "info", "warn", "error"]),
    logFormat: choice("--log-format", flags.logFormat, ["pretty", "json"]),
    clientTls: access.clientTls,
    peerTls: access.peerTls,
    credentials: access.all,
    warnings: access.warnings,
    node: {
      ...NODE_DEFAULTS,
      version,
      nodeId,
      clusterId,
      peerAddresses: new Map(
        all.map(({ id, host, peerPort }) => [id, { host, port: peerPort }] as const),
      ),
      clientAddress: { host: self.host, port: self.port },
      secret: access.secret,
      peerSecret: access.peerSecret,
      allowFaults: flags.allowFaults === true,
      rejoin: flags.rejoin === true,
      confirmMembers: flags.confirmMembers === true,
      timing: timing(flags),
      compaction: {
        ...NODE_DEFAULTS.compaction,
        logBytesMin: integer("--snapshot-mb", flags.snapshotMb, 1, 4096) * 1024 * 1024,
        entriesMax: integer("--snapshot-entries", flags.snapshotEntries, 10, 1e9),
      },
    },
  };
}

function auditOf({ auditLog, auditLogMb }: ServerFlags): ServerOptions["audit"] {
  const bytesMax = integer("--audit-log-mb", auditLogMb, 1, 4096) * 1024 * 1024;
  return auditLog === undefined ? null : { path: resolve(auditLog), bytesMax };
}

function given<Name extends string>(
  name: Name,
  value: string | undefined,
): Partial<Record<Name, string>> {
  return value === undefined ? {} : ({ [name]: value } as Record<Name, string>);
}

function cluster(flags: ServerFlags): ClusterDescription {
  if (flags.cluster !== undefined && flags.peers !== undefined) {
    throw new KvError(
      "BAD_REQUEST",
      "--cluster and --peers both describe the cluster: give one of them",
    );
  }
  const described =
    flags.cluster === undefined ? defaultCluster() : loadClusterFile(flags.cluster, "--cluster");
  return {
    ...described,
    ...(flags.peers === undefined ? {} : { nodes: parsePeersFlag(flags.peers, "--peers") }),
    ...(flags.clusterId === undefined
      ? {}
      : { clusterId: parseClusterId(flags.clusterId, "--cluster-id") }),
  };
}

function timing(flags: ServerFlags): NodeOptions["timing"] {
  const tickMs = integer("--tick-ms", flags.tickMs, 1, 1000);
  const electionTimeoutMs = integer("--election-timeout-ms", flags.electionTimeoutMs, 2, 60_000);
  const resendMs = integer("--resend-ms", flags.resendMs, 2, 60_000);
  if (electionTimeoutMs < 2 * tickMs) {
    throw bad(
      "--election-timeout-ms",
      `at least two ticks (${2 * tickMs})`,
      flags.electionTimeoutMs,
    );
  }
  if (resendMs < tickMs) throw bad("--resend-ms", `at least one tick (${tickMs})`, flags.resendMs);
  const requestWaitMs = integer("--request-timeout-ms", flags.requestTimeoutMs, 10, 600_000);
  if (requestWaitMs < electionTimeoutMs) {
    const expected = `at least the election time-out (${electionTimeoutMs})`;
    throw bad("--request-timeout-ms", expected, flags.requestTimeoutMs);
  }
  return { tickMs, electionTimeoutMs, resendMs, requestWaitMs };
}

function integer(flag: string, text: string, min: number, max: number): number {
  const schema = z.coerce.number().int().min(min).max(max);
  const result = schema.safeParse(/^\d{1,12}$/.test(text) ? text : NaN);
  if (!result.success) throw bad(flag, `an integer from ${min} to ${max}`, text);
  return result.data;
}

function choice<const C extends string>(flag: string, text: string, choices: readonly C[]): C {
  const result = z.enum(choices).safeParse(text);
  if (!result.success) throw bad(flag, `one of ${choices.join(", ")}`, text);
  return result.data;
}

function bad(flag: string, expected: string, value: string): KvError {
  return new KvError("BAD_REQUEST", `${flag}: expected ${expected}, got "${value}"`);
}
