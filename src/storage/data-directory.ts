/**
 * Whose data directory this is, and whom its node has met.
 *
 * The incarnation is drawn when the directory is made. Peers remember it: a node that comes back under its id with another
 * one has forgotten what it promised and accepted.
 */
import { crc32c } from "@node-rs/crc32";
import { z } from "zod";
import type { Disk } from "../ports/disk.ts";
import type { Random } from "../ports/random.ts";
import { StorageError } from "./storage-error.ts";

const FORMAT_VERSION = 1;
const IDENTITY_FILE = "identity.json";
const PEERS_FILE = "peers.json";

const identitySchema = z.strictObject({
  clusterId: z.string(),
  nodeId: z.int(),
  incarnation: z.string(),
});
const peersSchema = z.record(z.string().regex(/^\d+$/), z.string());

/** The incarnations of the peers. Changes are durable when the call returns. */
export interface PeerRecord {
  known(peer: number): string | undefined;
  /** @throws DiskFullError, and knows the peer as little as before */
  remember(peer: number, incarnation: string): void;
  /** @throws DiskFullError, and knows the peer as well as before */
  forget(peer: number): void;
}

export interface DataDirectory {
  readonly incarnation: string;
  /** Nothing was here before. */
  readonly isNew: boolean;
  readonly peers: PeerRecord;
}

/** @throws StorageError when the directory is another cluster's or node's, damaged, or of another version */
export function openDataDirectory(
  disk: Disk,
  owner: { readonly clusterId: string; readonly nodeId: number; readonly random: Random },
): DataDirectory {
  const { clusterId, nodeId, random } = owner;
  const isNew = !disk.exists(IDENTITY_FILE);
  if (
    isNew &&
    disk.list("log").some((name) => name.endsWith(".log") && disk.size(`log/${name}`) > 0)
  ) {
    throw new StorageError(
      "IDENTITY_DAMAGED",
      `${IDENTITY_FILE} is missing beside a log: restore it, or the whole data directory, from a backup of this node`,
    );
  }
  if (isNew) {
    const incarnation = Buffer.from(random.bytes(16)).toString("hex");
    disk.replace(IDENTITY_FILE, seal({ clusterId, nodeId, incarnation }));
  }
  const identity = identitySchema.parse(unseal(disk, IDENTITY_FILE));
  if (identity.clusterId !== clusterId) {
    throw new StorageError(
      "CLUSTER_MISMATCH",
      `the data directory belongs to cluster "${identity.clusterId}", this server to cluster "${clusterId}": ` +
        `correct --cluster-id or --data-dir`,
    );
  }
  if (identity.nodeId !== nodeId) {
    throw new StorageError(
      "NODE_MISMATCH",
      `the data directory belongs to node ${identity.nodeId}, this server is node ${nodeId}: ` +
        `correct --node or --data-dir`,
    );
  }
  const saved = disk.exists(PEERS_FILE) ? peersSchema.parse(unseal(disk, PEERS_FILE)) : {};
  let peers: ReadonlyMap<string, string> = new Map(Object.entries(saved));
  const save = (changed: ReadonlyMap<string, string>): void => {
    disk.replace(PEERS_FILE, seal(Object.fromEntries(changed)));
    peers = changed;
  };
  return {
    incarnation: identity.incarnation,
    isNew,
    peers: {
      known: (peer) => peers.get(String(peer)),
      remember: (peer, incarnation) => save(new Map(peers).set(String(peer), incarnation)),
      forget: (peer) => {
        const others = new Map(peers);
        if (others.delete(String(peer))) save(others);
      },
    },
  };
}

/** Readable, and yet protected against a flipped bit. */
function seal(content: unknown): Uint8Array {
  const text = JSON.stringify(content);
  return Buffer.from(`${JSON.stringify({ format: FORMAT_VERSION, crc: crc32c(text), content })}\n`);
}

function unseal(disk: Disk, file: string): unknown {
  const damaged = (what: string, cause?: unknown): StorageError =>
    new StorageError(
      "IDENTITY_DAMAGED",
      `${file}: offset 0: ${what}; restore the file, or the whole data directory, from a backup of this node`,
      { cause },
    );
  let sealed: { format?: unknown; crc?: unknown; content?: unknown };
  try {
    const text = Buffer.from(disk.read(file, 0, disk.size(file))).toString("utf8");
    sealed = z.looseObject({}).parse(JSON.parse(text));
  } catch (cause) {
    throw damaged("it is not what this program writes", cause);
  }
  const { format, crc, content } = sealed;
  if (typeof format === "number" && format !== FORMAT_VERSION) {
    throw new StorageError(
      "UNKNOWN_FORMAT",
      `${file}: written in format ${format}, this program reads format ${FORMAT_VERSION}; use the version of omnikv ` +
        `that wrote it`,
    );
  }
  if (crc !== crc32c(JSON.stringify(content))) throw damaged("its checksum is wrong");
  return content;
}
