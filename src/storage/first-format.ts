/**
 * What omnikv 0.1 wrote into a data directory: an identity without the members of the cluster, and the incarnations of the
 * peers in a file of their own.
 */
import { z } from "zod";
import type { Disk } from "../machine/ports/index.ts";
import { checkOwner, membersMismatch, nodesText } from "./owner-checks.ts";
import { checked, unseal, type Sealed } from "./sealed-json.ts";
import { StorageError } from "./storage-error.ts";

const FORMAT_VERSION = 1;
export const FIRST_PEERS_FILE = "peers.json";

const identitySchema = z.strictObject({
  clusterId: z.string(),
  nodeId: z.int(),
  incarnation: z.string(),
});
const peersSchema = z.record(z.string().regex(/^\d+$/), z.string());

interface FirstFormat {
  readonly clusterId: string;
  readonly nodeId: number;
  readonly incarnation: string;
  readonly logBegun: boolean;
  /** The data directory ids of the peers it has met. */
  readonly incarnations: ReadonlyMap<number, string>;
}

/**
 * Reads it, and checks the members as far as it can.
 * @param sealed the identity
 * @throws StorageError
 */
export function readFirstFormat(
  disk: Disk,
  identityFile: string,
  sealed: Sealed,
  owner: {
    readonly clusterId: string;
    readonly nodeId: number;
    readonly members: readonly number[];
    readonly confirmMembers?: boolean;
  },
): FirstFormat {
  const identity = checked(identityFile, identitySchema, sealed.content);
  checkOwner(identity, owner);
  const incarnations = readPeers(disk);
  const logBegun = sealed.mark("logBegun");
  const met = [...incarnations.keys()].sort((a, b) => a - b);
  const { members, confirmMembers = false } = owner;
  if (!met.every((peer) => members.includes(peer))) {
    throw membersMismatch(`belongs to a node that has met ${nodesText(met)}`, members);
  }
  const hasMetAll = members.every((id) => id === identity.nodeId || incarnations.has(id));
  // A node that never had anything durable fits any cluster: it promised nothing and holds nothing.
  if (!hasMetAll && logBegun && !confirmMembers) throw unconfirmed(met, members);
  return { ...identity, logBegun, incarnations };
}

function readPeers(disk: Disk): ReadonlyMap<number, string> {
  if (!disk.exists(FIRST_PEERS_FILE)) return new Map();
  const { content } = unseal(disk, FIRST_PEERS_FILE, [FORMAT_VERSION]);
  const peers = checked(FIRST_PEERS_FILE, peersSchema, content);
  return new Map(Object.entries(peers).map(([peer, incarnation]) => [Number(peer), incarnation]));
}

function unconfirmed(met: readonly number[], members: readonly number[]): StorageError {
  const whom = met.length === 0 ? "no other node" : nodesText(met);
  return new StorageError(
    "MEMBERS_UNCONFIRMED",
    `This directory was written by omnikv 0.1, which did not note who its members are. It has met ${whom}; this server ` +
      `was started as one of ${members.join(", ")}. If the cluster always had exactly these nodes, start it once with ` +
      `--confirm-members`,
  );
}
