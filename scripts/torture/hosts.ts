/** Where the servers of a torture run live: all on this machine's loopback, or each in a network namespace of its own. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { createServer } from "node:net";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { NODE_FLAGS } from "../../src/server/node-flags.ts";

const OMNIKV = resolve(import.meta.dirname, "../../dist/bin/omnikv.js");

export interface Host {
  readonly id: number;
  readonly host: string;
  readonly port: number;
  readonly peerPort: number;
}

export interface Hosts {
  readonly hosts: readonly Host[];
  /** In front of the server's command line. */
  wrap(id: number): readonly string[];
  /** Stops real packets from one to the other; null where that cannot be done. */
  readonly cut: ((from: number, to: number, isCut: boolean) => void) | null;
  dispose(): void;
}

export async function loopbackHosts(size: number): Promise<Hosts> {
  const servers = await Promise.all(
    Array.from(
      { length: 2 * size },
      () =>
        new Promise<ReturnType<typeof createServer>>((ready) => {
          const server = createServer();
          server.listen(0, "127.0.0.1", () => ready(server));
        }),
    ),
  );
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  });
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  const hosts = Array.from({ length: size }, (_, i) => ({
    id: i + 1,
    host: "127.0.0.1",
    port: ports[2 * i] ?? 0,
    peerPort: ports[2 * i + 1] ?? 0,
  }));
  return { hosts, wrap: () => [], cut: null, dispose: () => {} };
}

/** Why namespaces cannot be made here, or null. */
export function namespacesRefusal(): string | null {
  const name = `omnikv-probe-${process.pid}`;
  const made = spawnSync("ip", ["netns", "add", name], { encoding: "utf8" });
  if (made.status !== 0) return (made.stderr ?? "no `ip` command").trim();
  spawnSync("ip", ["netns", "del", name]);
  return null;
}

/** One namespace and address a node, joined by a bridge; packets are stopped by routes into nowhere. */
export function namespaceHosts(size: number): Hosts {
  // Names of interfaces are short, and several runs may go on at once.
  const tag = (process.pid % 4096).toString(16);
  const subnet = `10.${200 + (process.pid % 50)}.${(process.pid >> 6) % 250}`;
  const bridge = `okb${tag}`;
  const ip = (...args: string[]): void => {
    const { status, stderr } = spawnSync("ip", args, { encoding: "utf8" });
    if (status !== 0) throw new Error(`ip ${args.join(" ")}: ${stderr.trim()}`);
  };
  const ids = Array.from({ length: size }, (_, i) => i + 1);
  const namespace = (id: number): string => `omnikv-${tag}-${id}`;
  const address = (id: number): string => `${subnet}.${id}`;
  const dispose = (): void => {
    for (const id of ids) spawnSync("ip", ["netns", "del", namespace(id)]);
    spawnSync("ip", ["link", "del", bridge]);
  };
  try {
    ip("link", "add", bridge, "type", "bridge");
    ip("addr", "add", `${subnet}.254/24`, "dev", bridge);
    ip("link", "set", bridge, "up");
    for (const id of ids) {
      const outside = `okv${tag}${id}`;
      ip("netns", "add", namespace(id));
      ip("link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", namespace(id));
      ip("link", "set", outside, "master", bridge, "up");
      ip("-n", namespace(id), "addr", "add", `${address(id)}/24`, "dev", "eth0");
      ip("-n", namespace(id), "link", "set", "eth0", "up");
      ip("-n", namespace(id), "link", "set", "lo", "up");
    }
  } catch (error) {
    dispose();
    throw error;
  }
  return {
    hosts: ids.map((id) => ({ id, host: address(id), port: 4100, peerPort: 4200 })),
    wrap: (id) => ["ip", "netns", "exec", namespace(id)],
    cut: (from, to, isCut) => {
      const route = [
        "-n",
        namespace(from),
        "route",
        isCut ? "add" : "del",
        "blackhole",
        `${address(to)}/32`,
      ];
      spawnSync("ip", route);
    },
    dispose,
  };
}

/** One server process, which can be killed and started again. */
export class Server {
  readonly #command: readonly string[];
  readonly #logFile: string;
  #child: ChildProcess | null = null;

  constructor(id: number, hosts: Hosts, directory: string, flags: readonly string[]) {
    this.#logFile = join(directory, `node${id}.log`);
    const peers = hosts.hosts.map(
      ({ id, host, port, peerPort }) => `${id}=${host}:${port}:${peerPort}`,
    );
    const secretFile = join(directory, "secret.txt");
    writeFileSync(secretFile, SECRET, { mode: 0o600 });
    const peerSecretFile = join(directory, "peer-secret.txt");
    writeFileSync(peerSecretFile, PEER_SECRET, { mode: 0o600 });
    this.#command = [
      ...hosts.wrap(id),
      ...[process.execPath, ...NODE_FLAGS, OMNIKV, "server", "--node", String(id)],
      ...["--data-dir", join(directory, `node${id}`), "--peers", peers.join(",")],
      ...["--allow-faults", "--secret-file", secretFile, "--peer-secret-file", peerSecretFile],
      // Nothing leaves this machine.
      "--allow-plain-text",
      ...flags,
    ];
  }

  start(): void {
    const log = openSync(this.#logFile, "a");
    const [program = "", ...args] = this.#command;
    this.#child = spawn(program, args, { stdio: ["ignore", log, log] });
    closeSync(log);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((done) => child.once("exit", done));
    child.kill(signal);
    await ended;
  }

  /** Set when the process ended by itself. */
  get exitCode(): number | null {
    return this.#child?.exitCode ?? null;
  }

  get lastWords(): string {
    return readFileSync(this.#logFile, "utf8").trim().split("\n").slice(-3).join("\n");
  }
}

const PEER_SECRET = "what nodes of torture runs know 0451-4711";
export const SECRET = "a secret for torture runs 0451-4711";
