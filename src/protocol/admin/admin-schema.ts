/** The requests of managers to a node, and its answers. One table; the types are derived from it. */
import * as z from "zod";
import {
  BROKEN_PERMILLE,
  CLUSTER_ID,
  CLUSTER_ID_TEXT,
  FAULT_DELAY_MS_MAX,
  HISTORY_REVISIONS_MAX,
  KEY_BYTES_MAX,
  LATENCY_BUCKETS,
  type LinkFault,
  PASSWORD_LENGTH_MAX,
  QUOTA_BYTES_MIN,
} from "../../base/index.ts";
import { ACCESS_NAME, ACCESS_NAME_TEXT } from "../../store/commands/index.ts";

/** In one request: both directions of every link, and more than once. */
const FAULTS_MAX = 1000;
const ALARMS_MAX = 1000;
const TEXT_LENGTH_MAX = 4 * 1024;

/** Keys in one answer to listKeys. */
const LIST_KEYS_MAX = 1000;
const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array, "expected bytes");

const nodeId = z.int().min(1);
const count = z.int().min(0);
const milliseconds = z.number().min(0);
const permille = z.int().min(0).max(BROKEN_PERMILLE);
const text = z.string().max(TEXT_LENGTH_MAX);
/** As seen from the node that is asked: "out" is what it sends to the peer. */
const direction = z.enum(["both", "in", "out"]);

/** Of one direction of a link. A kind that was added later is optional: earlier versions do not send it, and refuse it. */
const linkFault = {
  dropPermille: permille,
  delayMs: milliseconds.max(FAULT_DELAY_MS_MAX),
} satisfies Readonly<Record<keyof LinkFault, z.ZodType>>;

const ballot = z.object({ configId: count, n: count, priority: count, pid: count });

const link = z.object({
  peer: nodeId,
  /** host:port as configured. */
  address: text,
  state: z.enum(["connected", "down"]),
  /** Why it is down; null while connected. */
  reason: text.nullable(),
  /** How long it has been in this state. */
  sinceMs: milliseconds,
  /** The last measured; null: none yet. */
  roundTripMs: milliseconds.nullable(),
  /** All messages of the direction are dropped. */
  brokenIn: z.boolean(),
  brokenOut: z.boolean(),
  dropPermilleIn: permille,
  dropPermilleOut: permille,
  delayMsIn: milliseconds,
  delayMsOut: milliseconds,
  bufferedBytes: count,
  /** Since the process started: sessions, and messages that went in and out, and that the drop table took. */
  sessions: count,
  messagesIn: count,
  messagesOut: count,
  droppedIn: count,
  droppedOut: count,
});

/** What a peer said in the last heartbeat round. */
const heartbeat = z.object({
  peer: nodeId,
  ballot,
  leader: ballot,
  happy: z.boolean(),
});

const storage = z.object({
  logBytes: count,
  segments: count,
  syncs: count,
  /** Null: nothing was synced yet. */
  lastSyncMs: milliseconds.nullable(),
  snapshotBytes: count.nullable(),
  isFull: z.boolean(),
});

/**
 * This node's work for clients since it started: two readings tell the rate between them. Only grows, and begins again
 * at zero with the process.
 */
const served = z.object({
  /** Commands of decided entries, of all proposers: the same on all nodes that apply the log. */
  commandsApplied: count,
  /** Keys read by clients of this node. */
  reads: count,
  /**
   * From the turn in which a frame of writes came in to its answer, by clients' frames: how many took less than
   * latencyBoundMs(i) and not less than the bound below. The last bucket has no upper bound.
   */
  writeLatency: z.array(count).length(LATENCY_BUCKETS),
});

/** Troubles with the data that an operator must take care of. */
const knownAlarm = z.discriminatedUnion("kind", [
  /** This node's state and a peer's were the same up to agreedIdx (null: not known) and not the same at differsIdx. */
  z.object({
    kind: z.literal("diverged"),
    peer: nodeId,
    agreedIdx: count.nullable(),
    differsIdx: count,
    /** This node does not know whether it is in the right, and refuses its clients. */
    refuses: z.boolean(),
  }),
  /** An empty disk that is to take the place of a lost one (`--rejoin`) and may not vote yet: the peers that have agreed so far. */
  z.object({
    kind: z.literal("joining"),
    confirmed: z.array(nodeId),
    /** So many others must agree. */
    needed: count,
  }),
  /** Entries of the log that no node can read, and that every node skips. `idx` is the last that this process has met. */
  z.object({ kind: z.literal("unreadableEntry"), idx: count, entries: count }),
  /** The node refuses commands that make the state grow (NO_SPACE). */
  z.object({
    kind: z.literal("noSpace"),
    /** The quota of all nodes, which a value of the largest size no longer fits into; or this node's own heap. */
    cause: z.enum(["quota", "heap"]),
    usedBytes: count,
    quotaBytes: count,
  }),
  /**
   * The node cannot write, for lack of space or of file descriptors. Until it can it refuses all writes (DISK_FULL), or stays
   * behind, where it only cannot keep a snapshot from a peer.
   */
  z.object({ kind: z.literal("diskFull"), cause: z.enum(["space", "files"]) }),
  /** This peer runs, and its data come from another beginning: the two have no session. */
  z.object({ kind: z.literal("otherLog"), peer: nodeId }),
]);

/** An alarm of a later version's kind is an alarm all the same: this version reads its name, and nothing more. */
const alarm = knownAlarm.or(
  z.object({ kind: text }).transform(({ kind }) => ({ kind: "unknown" as const, name: kind })),
);

/** New fields are optional, as nodes of an earlier version leave them out. */
const status = z.object({
  nodeId,
  clusterId: text,
  version: text,
  uptimeMs: milliseconds,
  role: z.enum(["leader", "follower"]),
  phase: z.enum(["none", "prepare", "accept", "recover"]),
  /** The node this one takes for the leader; null: none. */
  leader: nodeId.nullable(),
  /** This node's own ballot in elections. */
  ballot,
  promise: ballot,
  /** Hears a quorum of the nodes. */
  quorumConnected: z.boolean(),
  /** Is satisfied with the leader it follows: its leader hears a quorum. */
  happy: z.boolean(),
  /** How it serves requests: as the leader, through the leader, or not at all, as it is cut off. */
  standing: z.enum(["leading", "following", "cutOff"]),
  decidedIdx: count,
  acceptedIdx: count,
  appliedIdx: count,
  compactedIdx: count,
  /** Null: no snapshot yet. */
  snapshotIdx: count.nullable(),
  revision: count,
  keys: count,
  sessions: count,
  /** Of keys and history at appliedIdx: equal on all nodes at equal indexes. */
  stateHash: text,
  clients: count,
  waitingWriteBytes: count,
  waitingReads: count,
  links: z.array(link),
  heartbeats: z.array(heartbeat),
  storage: storage.nullable(),
  served,
  /** Management may break this node's links. */
  allowFaults: z.boolean(),
  /** Empty: none is raised. */
  alarms: z.array(alarm).max(ALARMS_MAX),
  /** Of the log that the state comes from; 0: nothing has happened in it yet. Left out by earlier versions. */
  origin: count.optional(),
  /** Left out by programs that know none. */
  leases: z.object({ count, clockMs: count }).optional(),
});

const links = z.object({ links: z.array(link) });

const history = z.object({
  /** As set; null: the default holds. */
  revisions: count.nullable(),
  bytes: count.nullable(),
  /** What holds. */
  revisionsMax: count,
  bytesMax: count,
  /** Reads of revisions from this one on work at this node. */
  oldest: count,
  revision: count,
  /** What is kept is taken to cost. */
  keptBytes: count,
});

const accessName = z.string().regex(ACCESS_NAME, ACCESS_NAME_TEXT);
/** Longer ones are no passwords. Null: none; the user comes with a certificate. */
const password = z
  .string()
  .min(1)
  .max(PASSWORD_LENGTH_MAX)
  // Half of a surrogate pair has no bytes of its own: different passwords would become the same.
  .refine((text) => text.isWellFormed(), "expected well-formed text")
  .nullable();
const bound = z.custom<Uint8Array>(
  (value) => value instanceof Uint8Array && value.length <= KEY_BYTES_MAX + 1,
  "expected the bound of a range",
);
/** From `start` on and below `end`; null: no end. A key is the range from it to it and a zero byte. */
const keyRange = { start: bound, end: bound.nullable() };
const permissionKind = z.enum(["read", "write", "both"]);

const accessChange = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("addUser"), user: accessName, password }),
  z.strictObject({ kind: z.literal("deleteUser"), user: accessName }),
  z.strictObject({ kind: z.literal("setPassword"), user: accessName, password }),
  z.strictObject({ kind: z.literal("grantRole"), user: accessName, role: accessName }),
  z.strictObject({ kind: z.literal("revokeRole"), user: accessName, role: accessName }),
  z.strictObject({ kind: z.literal("addRole"), role: accessName }),
  z.strictObject({ kind: z.literal("deleteRole"), role: accessName }),
  z.strictObject({ kind: z.literal("permit"), role: accessName, may: permissionKind, ...keyRange }),
  z.strictObject({ kind: z.literal("forbid"), role: accessName, ...keyRange }),
  z.strictObject({ kind: z.literal("turnOn") }),
  z.strictObject({ kind: z.literal("turnOff") }),
  /** All tokens end, and every user must sign in anew. */
  z.strictObject({ kind: z.literal("rotateTokenKey") }),
]);

/**
 * Every operation: its parameters and its result. Operations that change links answer with the links as they are now.
 *
 * A manager ignores result fields that it does not know, as the node may be of a later version. A node refuses parameters that it
 * does not know: it would do something else than the manager asked for.
 */
export const ADMIN_OPERATIONS = {
  getLinks: { params: z.strictObject({}), result: links },
  breakLink: { params: z.strictObject({ peer: nodeId, direction }), result: links },
  restoreLink: { params: z.strictObject({ peer: nodeId, direction }), result: links },
  setFault: {
    params: z.strictObject({ peer: nodeId, direction, ...linkFault }),
    result: links,
  },
  /** The node's whole drop table at once: every direction that is not named is whole afterwards. */
  setFaults: {
    params: z.strictObject({
      faults: z.array(z.strictObject({ peer: nodeId, direction, ...linkFault })).max(FAULTS_MAX),
    }),
    result: links,
  },
  /** Restores every link of this node. */
  heal: { params: z.strictObject({}), result: links },
  status: { params: z.strictObject({}), result: status },
  /** Keys of the node's own state that begin with `prefix` and come after `after`, in order of their bytes. */
  listKeys: {
    params: z.strictObject({
      prefix: bytes,
      /** Exclusive. Null: from the first on. */
      after: bytes.nullable(),
      limit: z.int().min(1).max(LIST_KEYS_MAX),
    }),
    result: z.object({ keys: z.array(bytes), more: z.boolean() }),
  },
  /**
   * Begins a backup of the node's state, which holds every write acknowledged before this request. There is one at a time; it ends
   * with its last piece, with the connection, or when the manager has asked for no piece in half a minute.
   */
  beginBackup: {
    params: z.strictObject({}),
    result: z.object({
      /** Names it in readBackup. */
      backup: count,
      /** Files are named after it. */
      clusterId: z.string().regex(CLUSTER_ID, `expected ${CLUSTER_ID_TEXT}`),
      nodeId,
      version: text,
      appliedIdx: count,
      revision: count,
      keys: count,
      stateHash: text,
    }),
  },
  /** The pieces of a backup, each once, in order from 0 on. The last one is empty. */
  readBackup: {
    params: z.strictObject({ backup: count, piece: count }),
    result: z.object({ bytes, last: z.boolean() }),
  },
  /** The quota of the state on all nodes, in bytes. Answered when it holds at the node that was asked. */
  setQuota: {
    params: z.strictObject({ bytes: z.int().min(QUOTA_BYTES_MIN) }),
    result: z.object({}),
  },
  /**
   * How much history, the overwritten and deleted values, all nodes keep. Null: the default. Answered when it holds at the node that
   * was asked, with that node's history then.
   */
  setHistory: {
    params: z.strictObject({
      /** So many changes before the newest one. */
      revisions: z.int().min(1).max(HISTORY_REVISIONS_MAX).nullable(),
      /** The bytes that these count for. The default is a twenty-fourth of the quota; a quarter of it is the most. */
      bytes: z.int().min(1).nullable(),
    }),
    result: history,
  },
  /** The node's history, and the settings of it. */
  getHistory: {
    params: z.strictObject({}),
    result: history,
  },
  /** The settings of the cluster as the node has them, with all that was answered before this request, where a quorum confirms that. */
  getSettings: {
    params: z.strictObject({}),
    result: z.object({
      /** False: no quorum confirmed it in time, and others may have changed them since. Earlier versions leave it out, and confirm nothing. */
      confirmed: z.boolean().optional(),
      quotaBytes: count,
      /** False: nobody has set it, and this is the default. */
      quotaIsSet: z.boolean(),
      quotaDefault: count,
      history,
    }),
  },
  /** Compacts the history: no revision below this one stays readable. Answered as setHistory. */
  compact: {
    params: z.strictObject({ revision: z.int().min(1) }),
    result: history,
  },
  /** This connection is that user's from now on. The token serves in place of the password, until its lifetime is over. */
  signIn: {
    params: z.strictObject({
      user: accessName,
      password: z.string().max(PASSWORD_LENGTH_MAX).nullable(),
      token: z
        .string()
        .max(PASSWORD_LENGTH_MAX * 2)
        .nullable(),
    }),
    result: z.object({ token: z.string(), lifetimeMs: milliseconds }),
  },
  /** The user of this connection, as this node knows it. Every manager may ask. */
  whoami: {
    params: z.strictObject({}),
    result: z.object({
      isOn: z.boolean(),
      /** Null: no user has signed in, or the manager knows the secret and may do everything. */
      user: z.string().nullable(),
      by: z.enum(["password", "secret", "certificate", "none"]),
      roles: z.array(z.string()),
      /** Of these roles, root left out. Null: there are too many for an answer. */
      permissions: z.array(z.object({ may: permissionKind, ...keyRange })).nullable(),
    }),
  },
  /** Users and roles, as the node that is asked has them: a page of them, users first. */
  getAccess: {
    params: z.strictObject({
      /** What the answer before named as `next`. Left out: from the first. */
      from: count.optional(),
    }),
    result: z.object({
      isOn: z.boolean(),
      /** Grows with each change: pages of one number are of one state. A node of before names none, and answers with everything. */
      epoch: count.optional(),
      /** Where the next page begins. Null or left out: there is none. */
      next: count.nullable().optional(),
      users: z.array(
        z.object({ name: z.string(), hasPassword: z.boolean(), roles: z.array(z.string()) }),
      ),
      roles: z.array(
        z.object({
          name: z.string(),
          permissions: z.array(z.object({ may: permissionKind, ...keyRange })),
        }),
      ),
    }),
  },
  /** Changes users, roles or permissions: answered when the node that is asked has carried it out. */
  changeAccess: {
    params: z.strictObject({ change: accessChange }),
    result: z.object({}),
  },
} as const;

/** The names of the operations. */
export type AdminOp = keyof typeof ADMIN_OPERATIONS;
/** The parameters of an operation. */
export type AdminParams<Op extends AdminOp> = z.infer<(typeof ADMIN_OPERATIONS)[Op]["params"]>;
/** The result of an operation. */
export type AdminResult<Op extends AdminOp> = z.infer<(typeof ADMIN_OPERATIONS)[Op]["result"]>;
export type LinkDirection = z.infer<typeof direction>;
export type AdminBallot = z.infer<typeof ballot>;
export type AdminLink = z.infer<typeof link>;
export type AdminAlarm = z.infer<typeof alarm>;
export type AdminAccessChange = z.infer<typeof accessChange>;
export type AdminStatus = z.infer<typeof status>;
/** One operation with its parameters; `id` is the asker's and comes back with the answer. */
export type AdminRequest = {
  readonly [Op in AdminOp]: {
    readonly id: number;
    readonly op: Op;
    readonly params: Readonly<AdminParams<Op>>;
  };
}[AdminOp];

export const ADMIN_OPS = Object.keys(ADMIN_OPERATIONS) as readonly AdminOp[];
