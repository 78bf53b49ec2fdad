/** One real node in this process, on real sockets, and connections that do what no client of ours does. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAdminClient, createClient } from "../../../src/client/api/index.ts";
import { freePorts } from "../../../src/measure/subjects/places.ts";
import { dialWithHandshake } from "../../../src/links/handshake/handshake-connection.ts";
import { Node } from "../../../src/server/node/node.ts";
import type { Machine } from "../../../src/server/node/machine.ts";
import { NODE_DEFAULTS, type NodeOptions } from "../../../src/server/node/options.ts";
import { nodeClock } from "../../../src/machine/runtime/node-clock.ts";
import { NodeDisk } from "../../../src/machine/host/node-disk.ts";
import { createNodeRandom } from "../../../src/machine/runtime/node-random.ts";
import { scryptPasswords } from "../../../src/machine/host/scrypt-passwords.ts";
import { WsNetwork, type WsNetworkOptions } from "../../../src/machine/network/ws-network.ts";
import type { LogFields, Logger } from "../../../src/machine/ports/logger.ts";
import type { Connection, Network } from "../../../src/machine/ports/network.ts";
import { until } from "../../conformance/wait.ts";

/** Generous: the machine may be busy. */
const PATIENCE_MS = 20_000;

export interface Attacker {
  readonly connection: Connection;
  readonly frames: Uint8Array[];
  /** Null: it lives. */
  closed(): string | null;
}

export interface GateWorld {
  readonly node: Node;
  readonly nodes: readonly { readonly id: number; readonly host: string; readonly port: number }[];
  /** The server's side of every connection, in order. */
  readonly accepted: readonly Connection[];
  readonly lines: readonly string[];
  readonly client: ReturnType<typeof createClient>;
  readonly admin: ReturnType<typeof createAdminClient>;
  /**
   * A connection that has shaken hands.
   * @param wire its wire to the node, perhaps one that holds frames back. Default: the plain one
   */
  attack(
    channel: "client" | "admin",
    wire?: (connection: Connection) => Connection,
  ): Promise<Attacker>;
  close(): Promise<void>;
}

export async function startGateWorld(
  options: Partial<NodeOptions> = {},
  parts: Pick<Machine, "audit"> = {},
  wires: WsNetworkOptions = {},
): Promise<GateWorld> {
  const directory = mkdtempSync(join(tmpdir(), "omnikv-gates-"));
  const [port = 0, peerPort = 0] = await freePorts(2);
  const lines: string[] = [];
  const accepted: Connection[] = [];
  const network = recording(new WsNetwork(wires), accepted);
  const machine = {
    ...{ clock: nodeClock, random: createNodeRandom(), network, logger: listLogger(lines) },
    disk: NodeDisk.open(directory),
    passwords: scryptPasswords,
    ...parts,
  };
  let isReady = false;
  let hasFailed = false;
  const host = "127.0.0.1";
  const node = Node.open(
    {
      ...NODE_DEFAULTS,
      ...{ nodeId: 1, clusterId: "gates", version: "0" },
      peerAddresses: new Map([[1, { host, port: peerPort }]]),
      clientAddress: { host, port },
      ...options,
    },
    machine,
    {
      onListening: () => (isReady = true),
      onFatal: (error) => {
        hasFailed = true;
        lines.push(`fatal: ${error.message}`);
      },
    },
  );
  node.start();
  await until(() => isReady);
  const nodes = [{ id: 1, host, port }];
  const secret = typeof options.secret === "string" ? options.secret : null;
  const client = createClient({ nodes, clusterId: "gates", secret, timeoutMs: PATIENCE_MS });
  const admin = createAdminClient({ nodes, clusterId: "gates", secret, timeoutMs: PATIENCE_MS });
  await client.write("first", "value");
  const dialer = new WsNetwork();
  const attack: GateWorld["attack"] = async (channel, wire = (connection) => connection) => {
    const frames: Uint8Array[] = [];
    let open = false;
    let closed: string | null = null;
    const connection = dialWithHandshake(
      (handlers) => wire(dialer.dial({ host, port }, channel, handlers)),
      {
        ...{ clock: nodeClock, random: machine.random, timeoutMs: PATIENCE_MS },
        handshake: {
          secret: null,
          self: {
            ...{ channel, clusterId: "gates", nodeId: null, targetId: 1 },
            ...{ incarnation: null, origin: null, peer: null, configurationId: null },
          },
        },
        established: () => {
          open = true;
          return {
            onFrame: (frame) => frames.push(frame),
            onClose: (reason) => (closed = reason),
          };
        },
        failed: ({ text }) => (closed = text),
      },
    );
    await until(() => open || closed !== null);
    return { connection, frames, closed: () => closed };
  };
  const close = async (): Promise<void> => {
    client.close();
    admin.close();
    await new Promise<void>((resolve) => {
      // One that has failed does not say that it stops.
      if (hasFailed) resolve();
      else node.stop(resolve);
    });
    rmSync(directory, { recursive: true });
  };
  return { node, nodes, accepted, lines, client, admin, attack, close };
}

function recording(network: Network, accepted: Connection[]): Network {
  return {
    dial: (...args) => network.dial(...args),
    listen: (address, channels, accept, ready) =>
      network.listen(
        address,
        channels,
        (connection, channel) => {
          accepted.push(connection);
          return accept(connection, channel);
        },
        ready,
      ),
  };
}

function listLogger(lines: string[]): Logger {
  const at =
    (level: string) =>
    (message: string, fields: LogFields = {}): void => {
      lines.push(`${level} ${message} ${JSON.stringify(fields)}`);
    };
  return {
    enabled: () => true,
    ...{ debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") },
  };
}
