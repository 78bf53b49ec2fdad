/** A throw-away cluster of omnikv: real servers, an empty data directory on a real disk, nothing left behind. */
import { randomBytes } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createAdminClient, createClient } from "../../client/api/index.ts";
import type { ClusterNode } from "../../server/config/index.ts";
import {
  type LocalClusterOptions,
  type LocalServer,
  startLocalCluster,
  startLocalServer,
  stopLocalCluster,
} from "../../server/launch/index.ts";
import type { Target } from "../workloads/target.ts";
import type { Cluster, Loadable, MeasuredProcess } from "./cluster.ts";
import { makeDataDirectory } from "./data-directory.ts";
import { findLeader } from "./find-leader.ts";
import { importLibrary, type Library, libraryOf } from "./library.ts";
import type { Namespaces } from "./namespaces.ts";
import { createOmnikvTarget } from "./omnikv-target.ts";
import { loopbackNodes } from "./places.ts";

export interface OmnikvClusterOptions {
  readonly size: number;
  /** The folder in which the data directory is made; see `makeDataDirectory`. Default: null. */
  readonly parent?: string | null;
  /** For each server. */
  readonly flags?: readonly string[];
  /** See LocalClusterOptions. Not together with `hosts`. */
  readonly wrap?: (node: ClusterNode) => readonly string[];
  /** One for each server; they go with the cluster. Default: all on this machine's loopback. */
  readonly hosts?: Namespaces | null;
  /** Servers refuse clients without it. Default: there is one where others could reach the servers, on hosts of their own. */
  readonly withSecret?: boolean;
  /** By which its clients come, when `flags` give the servers certificates. Default: in plain text. */
  readonly tls?: Exclude<Loadable["tls"], undefined>;
  /** A checkout of another version, built: the servers and the generator's client are its own. Default: this one. */
  readonly build?: string;
}

/** The module that makes load for omnikv, below dist. */
export const OMNIKV_GENERATOR = "library/commands/omnikv-generator.js";
/** The same, for the library that it is told. */
const VERSION_GENERATOR = "measure/subjects/version-generator.js";
const CLUSTER_ID = "omnikv-bench";
const SECRET_BYTES = 16;
/** Requests of the client in this process wait for an election, and for a server that is started again. */
const TIMEOUT_MS = 20_000;

export class OmnikvCluster implements Cluster {
  readonly system = "omnikv";
  readonly generator: string;
  readonly generatorArguments: readonly string[];
  readonly clusterId = CLUSTER_ID;
  readonly nodes: readonly ClusterNode[];
  readonly secret: string | null;
  readonly tls: Exclude<Loadable["tls"], undefined>;
  readonly dataDirectory: string;
  readonly #options: LocalClusterOptions;
  readonly #servers: LocalServer[];
  readonly #hosts: Namespaces | null;
  readonly #library: Library;

  private constructor(
    options: LocalClusterOptions,
    servers: LocalServer[],
    hosts: Namespaces | null,
    secret: string | null,
    tls: Exclude<Loadable["tls"], undefined>,
    version: { readonly path: string; readonly library: Library } | null,
  ) {
    this.generator = version === null ? OMNIKV_GENERATOR : VERSION_GENERATOR;
    this.generatorArguments = version === null ? [] : [version.path];
    this.#library = version?.library ?? { createClient, createAdminClient };
    this.nodes = options.nodes;
    this.dataDirectory = options.dataDirectory;
    this.secret = secret;
    this.tls = tls;
    this.#options = options;
    this.#servers = servers;
    this.#hosts = hosts;
  }

  /** Resolves when every server listens. @throws KvError when one cannot: then nothing is left */
  static async start(options: OmnikvClusterOptions): Promise<OmnikvCluster> {
    const { size, parent = null, flags = [], hosts = null, tls = false, build = null } = options;
    const { withSecret = hosts !== null } = options;
    const dataDirectory = makeDataDirectory(parent);
    try {
      const nodes = hosts?.places ?? (await loopbackNodes(size));
      const secret = withSecret ? randomBytes(SECRET_BYTES).toString("hex") : null;
      const wrap = hosts === null ? options.wrap : ({ id }: ClusterNode) => hosts.wrap(id);
      const local = {
        nodes,
        clusterId: CLUSTER_ID,
        dataDirectory,
        flags: secret === null ? flags : [...flags, ...secretFlags(dataDirectory, secret)],
        ...(wrap === undefined ? {} : { wrap }),
        ...(build === null ? {} : { program: join(build, "dist/bin/omnikv.js") }),
      };
      const path = build === null ? null : libraryOf(build);
      const version = path === null ? null : { path, library: await importLibrary(path) };
      return new OmnikvCluster(local, await startLocalCluster(local), hosts, secret, tls, version);
    } catch (error) {
      hosts?.dispose();
      rmSync(dataDirectory, { recursive: true, force: true });
      throw error;
    }
  }

  /** The last process of each node, node 1 first. */
  get servers(): readonly LocalServer[] {
    return this.#servers;
  }

  get processes(): readonly MeasuredProcess[] {
    return this.#servers.map(({ node, pid }) => ({ name: `node ${node.id}`, pid }));
  }

  server(node: number): LocalServer {
    const server = this.#servers[node - 1];
    if (server === undefined) throw new Error(`there is no node ${node}`);
    return server;
  }

  async leader(): Promise<number> {
    const { createAdminClient: create } = this.#library;
    const leader = await findLeader(this.nodes, this.secret, this.tls, create);
    const { nodes, clusterId, secret, tls } = this;
    const admin = create({ nodes, clusterId, secret, tls, timeoutMs: 2000 });
    try {
      for (const { id } of nodes) await admin.call(id, "status", {});
    } finally {
      admin.close();
    }
    return leader;
  }

  connect(): Target {
    const { nodes, clusterId, secret, tls } = this;
    const given = { nodes, clusterId, secret, tls, timeoutMs: TIMEOUT_MS };
    const client = this.#library.createClient(given);
    return createOmnikvTarget([{ client, node: null }]);
  }

  kill(node: number): Promise<void> {
    return this.server(node).kill();
  }

  /** As `restart` of one that does not run, without waiting until it listens. */
  start(node: number): LocalServer {
    const server = startLocalServer(this.server(node).node, this.#options);
    this.#servers[node - 1] = server;
    return server;
  }

  async restart(node: number): Promise<void> {
    await this.kill(node);
    await this.start(node).ready();
  }

  /** @throws Error when a server has ended */
  checkAlive(): void {
    const ended = this.#servers.find(({ running }) => !running);
    if (ended !== undefined) {
      throw new Error(`node ${ended.node.id} has ended: see ${ended.logFile}`);
    }
  }

  /** Stops the servers; their data and logs stay. */
  async stop(): Promise<void> {
    await stopLocalCluster(this.#servers);
    this.#hosts?.dispose();
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.dataDirectory, { recursive: true, force: true });
  }
}

function secretFlags(directory: string, secret: string): readonly string[] {
  const file = join(directory, "secret.txt");
  const peerFile = join(directory, "peer-secret.txt");
  writeFileSync(file, secret, { mode: 0o600 });
  writeFileSync(peerFile, randomBytes(SECRET_BYTES).toString("hex"), { mode: 0o600 });
  // Nothing leaves this machine.
  return ["--secret-file", file, "--peer-secret-file", peerFile, "--allow-plain-text"];
}
