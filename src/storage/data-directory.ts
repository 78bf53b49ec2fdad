/**
 * Whose data directory this is, and whom its node has met.
 *
 * Invariants:
 *   I1. The incarnation is drawn when the directory is made. Peers remember it: a node that comes back under its id with
 *       another one has forgotten what it promised and accepted.
 *   I2. The identity says that the log has begun before anybody hears of what the log holds. So a log that was taken away
 *       is told from one that was never written: otherwise the node would forget its promises under its old incarnation,
 *       which no peer could notice.
 */
import { crc32c } from "@node-rs/crc32";
import { z } from "zod";
import type { Disk } from "../ports/disk.ts";
import type { Random } from "../ports/random.ts";
import { StorageError } from "./storage-error.ts";

const FORMAT_VERSION = 1;
const IDENTITY_FILE = "identity.json";
const PEERS_FILE = "peers.json";
/** A sealed file ends in a digit, "}" and a line feed when its last field is a number. */
const LAST_DIGIT_FROM_END = 3;
const ONE = Buffer.from("1");

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
  /** The log was written to: it must be there. */
  readonly logBegun: boolean;
  /** I2. Durable when it returns. Takes no room on the disk, and no time but the first time. */
  beginLog(): void;
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
    disk.replace(IDENTITY_FILE, seal({ clusterId, nodeId, incarnation }, { logBegun: 0 }));
  }
  const sealed = unseal(disk, IDENTITY_FILE);
  const identity = checked(IDENTITY_FILE, identitySchema, sealed.content);
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
  let logBegun = checked(IDENTITY_FILE, z.literal([0, 1]), sealed.logBegun) === 1;
  const saved = disk.exists(PEERS_FILE)
    ? checked(PEERS_FILE, peersSchema, unseal(disk, PEERS_FILE).content)
    : {};
  let peers: ReadonlyMap<string, string> = new Map(Object.entries(saved));
  const save = (changed: ReadonlyMap<string, string>): void => {
    disk.replace(PEERS_FILE, seal(Object.fromEntries(changed)));
    peers = changed;
  };
  return {
    incarnation: identity.incarnation,
    isNew,
    logBegun,
    beginLog: () => {
      if (logBegun) return;
      // One byte in place: it cannot be torn, and a full disk does not stand in its way.
      disk.writeNow(IDENTITY_FILE, disk.size(IDENTITY_FILE) - LAST_DIGIT_FROM_END, ONE);
      logBegun = true;
    },
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

/**
 * Readable, and yet protected against a flipped bit.
 * @param marks stand behind the content, outside its checksum
 */
function seal(content: unknown, marks: Readonly<Record<string, number>> = {}): Uint8Array {
  const crc = crc32c(JSON.stringify(content));
  return Buffer.from(`${JSON.stringify({ format: FORMAT_VERSION, crc, content, ...marks })}\n`);
}

interface Sealed {
  readonly content?: unknown;
  readonly logBegun?: unknown;
}

function unseal(disk: Disk, file: string): Sealed {
  let sealed: Sealed & { readonly format?: unknown; readonly crc?: unknown };
  try {
    const text = Buffer.from(disk.read(file, 0, disk.size(file))).toString("utf8");
    sealed = z.looseObject({}).parse(JSON.parse(text));
  } catch (cause) {
    throw damaged(file, "it is not what this program writes", cause);
  }
  const { format, crc, content } = sealed;
  if (typeof format === "number" && format !== FORMAT_VERSION) {
    throw new StorageError(
      "UNKNOWN_FORMAT",
      `${file}: written in format ${format}, this program reads format ${FORMAT_VERSION}; use the version of omnikv ` +
        `that wrote it`,
    );
  }
  if (content === undefined || crc !== crc32c(JSON.stringify(content))) {
    throw damaged(file, "its checksum is wrong");
  }
  return sealed;
}

function checked<V>(file: string, schema: z.ZodType<V>, value: unknown): V {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw damaged(file, "a field is not what this program writes", result.error);
}

function damaged(file: string, what: string, cause?: unknown): StorageError {
  return new StorageError(
    "IDENTITY_DAMAGED",
    `${file}: offset 0: ${what}; restore the file, or the whole data directory, from a backup of this node`,
    { cause },
  );
}
