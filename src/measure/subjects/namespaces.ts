/**
 * Hosts that are not ours to drop messages in: each a network namespace with an address of its own, all on one bridge.
 * A broken link is a route into nowhere at both of its ends, so that the kernel throws the packets away. Linux, root only.
 */
import { spawn, spawnSync } from "node:child_process";
import type { ClusterNode } from "../../server/config/index.ts";
import { isBroken, type LinkPair, type NodeId } from "../../client/scenarios/index.ts";

/** Each has an address of its own: all can listen on the same ports. */
const CLIENT_PORT = 4100;
const PEER_PORT = 4200;

/** Why namespaces cannot be made here; null: they can. */
export function namespacesRefusal(): string | null {
  if (process.platform !== "linux") return "network namespaces are a thing of Linux";
  const name = `omnikv-lab-probe-${process.pid}`;
  const { status, stderr, error } = spawnSync("ip", ["netns", "add", name], { encoding: "utf8" });
  if (error !== undefined) return `the command ip cannot be run (${error.message})`;
  if (status !== 0) return `network namespaces cannot be made (${stderr.trim()}); are you root?`;
  spawnSync("ip", ["netns", "del", name]);
  return null;
}

/** Whether packets from one node to another go nowhere. */
export type IsCut = (from: NodeId, to: NodeId) => boolean;

export class Namespaces {
  readonly nodes: readonly NodeId[];
  readonly #tag: string;
  readonly #subnet: string;
  #isCut: IsCut = () => false;

  /** @throws Error when one of them cannot be made; then none is left */
  constructor(size: number) {
    this.nodes = Array.from({ length: size }, (_, i) => i + 1);
    // Names of interfaces have 15 characters at most, and several laboratories may run at once.
    this.#tag = (process.pid % 0x1000).toString(16);
    this.#subnet = `10.${150 + (process.pid % 50)}.${(process.pid >> 6) % 250}`;
    try {
      this.#make();
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  address(node: NodeId): string {
    return `${this.#subnet}.${node}`;
  }

  /** What a command line begins with to run on this node's host. */
  wrap(node: NodeId): readonly [string, ...string[]] {
    return ["ip", "netns", "exec", this.#namespace(node)];
  }

  /** Where a server on each of them listens. */
  get places(): readonly ClusterNode[] {
    return this.nodes.map((id) => {
      return { id, host: this.address(id), port: CLIENT_PORT, peerPort: PEER_PORT };
    });
  }

  /** From now on exactly these links are broken, both ways. */
  applyBroken(wanted: readonly LinkPair[]): Promise<void> {
    return this.applyCut((from, to) => isBroken(wanted, [from, to]));
  }

  /** From now on packets go nowhere exactly where `isCut` says so. */
  async applyCut(isCut: IsCut): Promise<void> {
    const before = this.#isCut;
    this.#isCut = isCut;
    await Promise.all(
      this.nodes.map((node) => {
        const commands = this.nodes.flatMap((peer) => {
          const isWanted = isCut(node, peer);
          if (peer === node || isWanted === before(node, peer)) return [];
          return [`route ${isWanted ? "add" : "del"} blackhole ${this.address(peer)}/32`];
        });
        return batch(this.#namespace(node), commands);
      }),
    );
  }

  /** Safe to call again. */
  dispose(): void {
    // A namespace may outlive its name for a while, its interface would with it.
    for (const node of this.nodes) {
      spawnSync("ip", ["link", "del", this.#outside(node)]);
      spawnSync("ip", ["netns", "del", this.#namespace(node)]);
    }
    spawnSync("ip", ["link", "del", this.#bridge]);
  }

  get #bridge(): string {
    return `okl${this.#tag}`;
  }

  /** The end of its cable that is plugged into the bridge. */
  #outside(node: NodeId): string {
    return `${this.#bridge}n${node}`;
  }

  #namespace(node: NodeId): string {
    return `omnikv-lab-${this.#tag}-${node}`;
  }

  #make(): void {
    const bridge = this.#bridge;
    ip("link", "add", bridge, "type", "bridge");
    ip("addr", "add", `${this.#subnet}.254/24`, "dev", bridge);
    ip("link", "set", bridge, "up");
    for (const node of this.nodes) {
      const namespace = this.#namespace(node);
      const outside = this.#outside(node);
      ip("netns", "add", namespace);
      ip("link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", namespace);
      ip("link", "set", outside, "master", bridge, "up");
      ip("-n", namespace, "addr", "add", `${this.address(node)}/24`, "dev", "eth0");
      ip("-n", namespace, "link", "set", "eth0", "up");
      ip("-n", namespace, "link", "set", "lo", "up");
    }
  }
}

function ip(...args: string[]): void {
  const { status, stderr, error } = spawnSync("ip", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`ip ${args.join(" ")}: ${error?.message ?? stderr.trim()}`);
}

/** All commands in one process: a cut should fall everywhere at once. */
async function batch(namespace: string, commands: readonly string[]): Promise<void> {
  if (commands.length === 0) return;
  await new Promise<void>((resolve, reject) => {
    const child = spawn("ip", ["-n", namespace, "-batch", "-"], {
      stdio: ["pipe", "ignore", "pipe"],
    });
    let said = "";
    child.stderr.on("data", (text: Buffer) => (said += text.toString()));
    child.once("error", reject);
    child.once("close", (status) => {
      if (status === 0) resolve();
      else reject(new Error(`ip in ${namespace}: ${said.trim()}`));
    });
    child.stdin.end(`${commands.join("\n")}\n`);
  });
}
