/** Where the servers of an experiment run: all on loopback, or each in a network namespace of its own. */
import { randomBytes } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeDataDirectory, startThrowAwayCluster } from "../bench/throw-away-cluster.ts";
import type { AdminClient } from "../client/admin-client.ts";
import { applyFaults, brokenLinks, failedText } from "../client/cluster-faults.ts";
import type { NodeAddress } from "../client/types.ts";
import type { LinkPair } from "../scenarios/index.ts";
import { startLocalCluster, stopLocalCluster } from "../server/local-cluster.ts";
import { Namespaces } from "./namespaces.ts";

export interface OmnikvCluster {
  readonly nodes: readonly NodeAddress[];
  readonly clusterId: string;
  readonly secret: string | null;
  applyBroken(admin: Pick<AdminClient, "call">, broken: readonly LinkPair[]): Promise<void>;
  /** Stops the servers and leaves nothing behind. */
  remove(): Promise<void>;
}

const CLUSTER_ID = "omnikv-lab";
const CLIENT_PORT = 4100;
const PEER_PORT = 4200;
const SECRET_BYTES = 16;

/** Links are broken by the servers themselves: their drop tables take the messages. */
export async function startOnLoopback(
  size: number,
  dataParent: string | null,
  flags: readonly string[],
): Promise<OmnikvCluster> {
  const cluster = await startThrowAwayCluster(size, dataParent, [...flags, "--allow-faults"]);
  const { clusterId } = cluster;
  const nodes = cluster.nodes.map(({ id, host, port }) => ({ id, host, port }));
  const ids = nodes.map(({ id }) => id);
  return {
    nodes,
    clusterId,
    secret: null,
    async applyBroken(admin, broken) {
      const outcome = await applyFaults(admin, ids, brokenLinks(broken));
      if (outcome.failed.size > 0) throw new Error(failedText(outcome));
    },
    remove: () => cluster.remove(),
  };
}

/** Links are broken by the kernel, which throws the packets away; the servers know nothing of it. */
export async function startInNamespaces(
  size: number,
  dataParent: string | null,
  flags: readonly string[],
): Promise<OmnikvCluster> {
  const dataDirectory = makeDataDirectory(dataParent);
  const discard = (): void => rmSync(dataDirectory, { recursive: true, force: true });
  let hosts: Namespaces | null = null;
  try {
    const made = new Namespaces(size);
    hosts = made;
    // Addresses that others could reach ask for a secret.
    const secret = randomBytes(SECRET_BYTES).toString("hex");
    const secretFile = join(dataDirectory, "secret.txt");
    writeFileSync(secretFile, secret, { mode: 0o600 });
    const peerSecretFile = join(dataDirectory, "peer-secret.txt");
    writeFileSync(peerSecretFile, randomBytes(SECRET_BYTES).toString("hex"), { mode: 0o600 });
    const secrets = ["--secret-file", secretFile, "--peer-secret-file", peerSecretFile];
    const nodes = made.nodes.map((id) => ({
      id,
      host: made.address(id),
      port: CLIENT_PORT,
      peerPort: PEER_PORT,
    }));
    const servers = await startLocalCluster({
      nodes,
      clusterId: CLUSTER_ID,
      dataDirectory,
      // Nothing leaves this machine.
      flags: [...flags, ...secrets, "--allow-plain-text"],
      wrap: ({ id }) => made.wrap(id),
    });
    return {
      nodes: nodes.map(({ id, host, port }) => ({ id, host, port })),
      clusterId: CLUSTER_ID,
      secret,
      applyBroken: (_, broken) => made.applyBroken(broken),
      async remove() {
        await stopLocalCluster(servers);
        made.dispose();
        discard();
      },
    };
  } catch (error) {
    hosts?.dispose();
    discard();
    throw error;
  }
}
