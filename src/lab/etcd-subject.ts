/** A throw-away etcd cluster (Raft), each server in a network namespace of its own. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { closeSync, openSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { makeDataDirectory } from "../bench/throw-away-cluster.ts";
import type { NodeId } from "../scenarios/index.ts";
import { etcdStatus, openEtcdWriter, type EtcdNode } from "./etcd-http.ts";
import { Namespaces, namespacesRefusal } from "./namespaces.ts";
import type { NodeLook, Subject } from "./subject.ts";

export interface EtcdSubjectOptions {
  /** The program etcd. */
  readonly program: string;
  /** Further flags for each server. */
  readonly flags: readonly string[];
  readonly size: number;
  /** Heartbeats are sent ten times as often. */
  readonly electionTimeoutMs: number;
  readonly dataParent: string | null;
}

/** etcd's own defaults: heartbeats every 100 ms. */
export const ETCD_ELECTION_TIMEOUT_MS = 1000;
const HEARTBEATS_PER_ELECTION_TIMEOUT = 10;
const CLIENT_PORT = 2379;
const PEER_PORT = 2380;
const LOOK_TIMEOUT_MS = 500;

/** Why etcd cannot be put to this test here; null: it can. */
export function etcdRefusal(program: string): string | null {
  if (etcdVersion(program) === null) {
    return `the program ${program} cannot be run; Debian and Ubuntu have it in the package etcd-server`;
  }
  return namespacesRefusal();
}

function etcdVersion(program: string): string | null {
  const { stdout } = spawnSync(program, ["--version"], { encoding: "utf8" });
  return /etcd Version: (\S+)/.exec(stdout ?? "")?.[1] ?? null;
}

/** Resolves when the servers run; they may not have a leader yet. */
export function startEtcdSubject(options: EtcdSubjectOptions): Subject {
  const { program, size, electionTimeoutMs, dataParent } = options;
  const hosts = new Namespaces(size);
  const children: ChildProcess[] = [];
  let dataDirectory: string | null = null;
  let disposed: Promise<void> | null = null;
  const dispose = (): Promise<void> => {
    disposed ??= (async () => {
      await Promise.all(children.map(kill));
      hosts.dispose();
      if (dataDirectory !== null) rmSync(dataDirectory, { recursive: true, force: true });
    })();
    return disposed;
  };
  try {
    const directory = makeDataDirectory(dataParent);
    dataDirectory = directory;
    for (const id of hosts.nodes) {
      children.push(start(id, hosts, directory, options));
    }
    const nodes: readonly EtcdNode[] = hosts.nodes.map((id) => ({ id, url: clientUrl(hosts, id) }));
    return {
      system: ["etcd", etcdVersion(program) ?? "", ...options.flags].join(" "),
      nodes: hosts.nodes,
      electionTimeoutMs,
      loses: "packets",
      openWriter: (first, attemptTimeoutMs) => openEtcdWriter(nodes, first, attemptTimeoutMs),
      look: () => {
        const ended = children.findIndex(({ exitCode }) => exitCode !== null);
        const dead = nodes[ended];
        if (dead !== undefined) {
          const said = lastLine(logFile(directory, dead.id));
          return Promise.reject(new Error(`etcd server ${dead.id} ended: ${said}`));
        }
        return Promise.all(nodes.map(look));
      },
      applyBroken: (broken) => hosts.applyBroken(broken),
      dispose,
    };
  } catch (error) {
    void dispose();
    throw error;
  }
}

function start(
  id: NodeId,
  hosts: Namespaces,
  directory: string,
  options: EtcdSubjectOptions,
): ChildProcess {
  const flags = serverFlags(id, hosts, directory, options);
  const log = openSync(logFile(directory, id), "a");
  // Not of our process group: Ctrl-C is for us, and we see to them.
  const [program, ...before] = hosts.wrap(id);
  const child = spawn(program, [...before, options.program, ...flags], {
    detached: true,
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  return child;
}

function clientUrl(hosts: Namespaces, id: NodeId): string {
  return `http://${hosts.address(id)}:${CLIENT_PORT}`;
}

function logFile(directory: string, id: NodeId): string {
  return join(directory, `e${id}.log`);
}

function serverFlags(
  id: NodeId,
  hosts: Namespaces,
  dataDirectory: string,
  { electionTimeoutMs, flags: more }: EtcdSubjectOptions,
): readonly string[] {
  const client = clientUrl(hosts, id);
  const peer = (node: NodeId): string => `http://${hosts.address(node)}:${PEER_PORT}`;
  const flags = {
    name: `e${id}`,
    "data-dir": join(dataDirectory, `e${id}`),
    "listen-client-urls": client,
    "advertise-client-urls": client,
    "listen-peer-urls": peer(id),
    "initial-advertise-peer-urls": peer(id),
    "initial-cluster": hosts.nodes.map((node) => `e${node}=${peer(node)}`).join(","),
    "initial-cluster-state": "new",
    "heartbeat-interval": Math.max(
      1,
      Math.round(electionTimeoutMs / HEARTBEATS_PER_ELECTION_TIMEOUT),
    ),
    "election-timeout": electionTimeoutMs,
    logger: "zap",
    "log-level": "warn",
  };
  const texts = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);
  return [...texts, ...more];
}

async function look(node: EtcdNode): Promise<NodeLook> {
  const status = await etcdStatus(node, LOOK_TIMEOUT_MS);
  if (status === null) return { node: node.id, standing: "silent", leader: null, term: null };
  const { member, leader, term } = status;
  const standing = leader === null ? "cutOff" : leader === member ? "leading" : "following";
  return {
    node: node.id,
    standing,
    // Members go by numbers of their own here; who leads says so itself.
    leader: standing === "leading" ? node.id : null,
    term: { order: term, text: String(term) },
  };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((done) => child.once("exit", done));
  child.kill("SIGKILL");
  await exited;
}

function lastLine(file: string): string {
  return readFileSync(file, "utf8").trim().split("\n").at(-1) ?? "nothing";
}
