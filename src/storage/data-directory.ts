/**
 * The owner of this data directory, the nodes of its cluster, and the peers that its node has met.
 *
 * Invariants:
 *   DIRECTORY-1. The incarnation is drawn when the directory is made. Peers remember it: a node that comes back under its id
 *       with another one has forgotten what it promised and accepted.
 *   DIRECTORY-2. The identity says that the log has begun before any peer or client learns of the log's content. So the node can tell
 *       a log that was taken away from one that was never written: otherwise it would forget its promises under its old
 *       incarnation, which no peer could notice.
 *   DIRECTORY-3. The members never change: with others, majorities of before and after need not have a node in common, and
 *       acknowledged writes from before could be lost.
 *   DIRECTORY-4. The identity comes last: every other file that a directory needs exists before it. So a directory with an identity
 *       lacks one only if somebody took it away.
 *   DIRECTORY-5. What is read of the identity is durable before anything is built on it. The process before may have died before a
 *       sync: then a loss of power would take away again what this one has read.
 */
import { crc32c } from "@node-rs/crc32";
import { z } from "zod";
import type { Clock, Disk, DiskCallback, Logger, Random } from "../machine/ports/index.ts";
import { FIRST_PEERS_FILE, readFirstFormat } from "./first-format.ts";
import { LOG_START, LogEnd, logEndPath, type LogPosition } from "./log-end.ts";
import { checkMembers, checkOwner } from "./owner-checks.ts";
import {
  DirectoryMemory,
  isUsedMemory,
  metPeer,
  PEER_MEMORY_FILE,
  type PeerMemory,
  type RememberedPeer,
} from "./peer-memory.ts";
import { StorageError } from "./storage-error.ts";
import { checked, identityDamaged, seal, setMark, unseal } from "./sealed-json.ts";

const FORMAT_VERSION = 2;
const FIRST_FORMAT_VERSION = 1;
export const IDENTITY_FILE = "identity.json";
export const LOG_DIRECTORY = "log";
export const SNAPSHOT_DIRECTORY = "snapshots";

const identitySchema = z.strictObject({
  clusterId: z.string(),
  nodeId: z.int(),
  incarnation: z.string(),
  members: z.array(z.int()).min(1),
});
export type Identity = z.infer<typeof identitySchema>;

/** The node that opens a data directory. */
export interface DirectoryOwner {
  readonly clusterId: string;
  readonly nodeId: number;
  /** The ids of all nodes of the cluster, this one included, in any order. */
  readonly members: readonly number[];
  readonly random: Random;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The node of a new directory must fetch everything from the others before it takes part. Default: false. */
  readonly rejoin?: boolean;
  /** The operator vouches for the members of a directory that does not know them. Default: false. */
  readonly confirmMembers?: boolean;
  /** Called when the memory of the peers cannot be made durable: the process must stop. */
  readonly onFailure: (error: Error) => void;
}

export interface DataDirectory {
  readonly incarnation: string;
  /** The owner of the log, as the log names it. */
  readonly logOwner: number;
  /** Ids of all nodes of the cluster, ascending. */
  readonly members: readonly number[];
  /** Nothing was here before. */
  readonly isNew: boolean;
  /** The log was written to: it must be there. */
  readonly logBegun: boolean;
  /** The node takes part; false: it has to take everything from the others first. */
  readonly joined: boolean;
  /** DIRECTORY-2. Durable when it returns. Takes no room on the disk, and no time but the first time. */
  beginLog(): void;
  /** As `beginLog`. */
  join(): void;
  readonly peers: PeerMemory;
  /** The log was durable at least up to here when the directory was last in use, even if the log itself now ends before. */
  readonly logEnd: LogPosition;
  /** The log is durable up to there. Written down within a second, and when the directory is closed. */
  logReached(end: LogPosition): void;
  /** Of this process, drawn when it opened the directory. */
  readonly bootId: number;
  /** Makes the memory of the peers durable. */
  flush(done: DiskCallback): void;
  /** `flush`, and closes the files. */
  close(done: DiskCallback): void;
}

/** @throws StorageError when the directory is another cluster's or node's, damaged, or of another version; DiskFullError */
export function openDataDirectory(disk: Disk, owner: DirectoryOwner): DataDirectory {
  const { random, clock, onFailure } = owner;
  const members = [...new Set(owner.members)].sort((a, b) => a - b);
  const isNew = !disk.exists(IDENTITY_FILE);
  if (isNew) {
    const remains = remainsOfUse(disk, members.length);
    if (remains !== null) throw identityDamaged(IDENTITY_FILE, `it is missing beside ${remains}`);
    const incarnation = Buffer.from(random.bytes(16)).toString("hex");
    const identity = { clusterId: owner.clusterId, nodeId: owner.nodeId, incarnation, members };
    make(disk, identity, new Map(), { logBegun: false, joined: owner.rejoin !== true });
  } else {
    takeOverFirstFormat(disk, { ...owner, members });
  }
  const found = readIdentity(disk);
  const { identity } = found;
  checkOwner(identity, owner);
  checkMembers(identity.members, members);
  let { logBegun, joined } = found;
  if (!isNew) makeDurable(disk, { logBegun, joined });
  const options = { disk, owner: identity.incarnation, members: identity.members.length };
  const memory = DirectoryMemory.open(options, random, clock, onFailure);
  return {
    incarnation: identity.incarnation,
    logOwner: logOwnerOf(identity),
    members,
    isNew,
    get logBegun() {
      return logBegun;
    },
    get joined() {
      return joined;
    },
    beginLog: () => {
      if (logBegun) return;
      setMark(disk, IDENTITY_FILE, "logBegun");
      logBegun = true;
    },
    join: () => {
      if (joined) return;
      setMark(disk, IDENTITY_FILE, "joined");
      joined = true;
    },
    peers: memory,
    logEnd: memory.logEnd,
    logReached: (end) => memory.logReached(end),
    bootId: memory.bootId,
    flush: (done) => memory.flush(done),
    close: (done) => memory.close(done),
  };
}

/** @throws StorageError IDENTITY_DAMAGED, UNKNOWN_FORMAT */
export function readIdentity(disk: Disk): {
  readonly identity: Identity;
  readonly logBegun: boolean;
  readonly joined: boolean;
} {
  const sealed = unseal(disk, IDENTITY_FILE, [FORMAT_VERSION]);
  return {
    identity: checked(IDENTITY_FILE, identitySchema, sealed.content),
    logBegun: sealed.mark("logBegun"),
    joined: sealed.mark("joined"),
  };
}

/** DIRECTORY-5. */
function makeDurable(disk: Disk, marks: Readonly<Record<"logBegun" | "joined", boolean>>): void {
  disk.syncDirectory("");
  if (marks.logBegun) setMark(disk, IDENTITY_FILE, "logBegun");
  if (marks.joined) setMark(disk, IDENTITY_FILE, "joined");
}

/**
 * A part of a directory without an identity that an interrupted first start cannot leave behind (DIRECTORY-4): somebody took most of
 * the directory away. Null: there is no such part.
 */
function remainsOfUse(disk: Disk, members: number): string | null {
  if (disk.list(LOG_DIRECTORY).some((name) => name.endsWith(".log"))) return "a log";
  if (disk.list(SNAPSHOT_DIRECTORY).some((name) => name.endsWith(".snapshot"))) return "a snapshot";
  if (hasMovedEnd(disk)) return "the mark of a log's end";
  if (!disk.exists(PEER_MEMORY_FILE)) return null;
  // A first start makes this file after the mark of the log's end.
  const isUsed = !disk.exists(logEndPath(LOG_DIRECTORY)) || isUsedMemory(disk, members);
  return isUsed ? "what the node remembered of the others" : null;
}

function hasMovedEnd(disk: Disk): boolean {
  try {
    const mark = LogEnd.read(disk, LOG_DIRECTORY);
    return mark !== null && mark.segment !== LOG_START.segment;
  } catch (error) {
    // A first start that was cut off may have left half of it.
    if (!(error instanceof StorageError)) throw error;
    return false;
  }
}

/** DIRECTORY-4. Durable when it returns. */
function make(
  disk: Disk,
  identity: Identity,
  peers: ReadonlyMap<number, RememberedPeer>,
  { logBegun, joined }: { readonly logBegun: boolean; readonly joined: boolean },
): void {
  const { incarnation, members } = identity;
  disk.makeDirectory(LOG_DIRECTORY);
  LogEnd.create(disk, LOG_DIRECTORY, logOwnerOf(identity));
  DirectoryMemory.create({ disk, owner: incarnation, members: members.length }, peers);
  const marks = { logBegun: logBegun ? 1 : 0, joined: joined ? 1 : 0 } as const;
  disk.replace(IDENTITY_FILE, seal(FORMAT_VERSION, identity, marks));
}

/**
 * Turns a directory of format 1 into one of format 2, all or nothing: until the identity is replaced it stays of format 1, also
 * for the version that wrote it, and the next start begins the conversion anew.
 */
function takeOverFirstFormat(disk: Disk, owner: DirectoryOwner): void {
  const sealed = unseal(disk, IDENTITY_FILE, [FIRST_FORMAT_VERSION, FORMAT_VERSION]);
  if (sealed.format === FORMAT_VERSION) return;
  const { incarnations, ...old } = readFirstFormat(disk, IDENTITY_FILE, sealed, owner);
  const { clusterId, nodeId, incarnation, logBegun } = old;
  const peers = new Map([...incarnations].map(([peer, known]) => [peer, metPeer(known)]));
  const identity = { clusterId, nodeId, incarnation, members: [...owner.members] };
  make(disk, identity, peers, { logBegun, joined: true });
  disk.remove(FIRST_PEERS_FILE);
  owner.logger.info("the data directory of omnikv 0.1 is taken over", {
    members: owner.members.join(", "),
  });
}

/** The owner of a log, as the log names it. */
export function logOwnerOf({ incarnation }: Identity): number {
  return crc32c(incarnation);
}
