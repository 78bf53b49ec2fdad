/**
 * The bounds that several rooms must agree on: what clients may send, and what formats on the wire and on disk have room for. Relations
 * between them are checked at load. A bound that one room alone keeps stands there.
 */
import { assert } from "./assert.ts";

/** These two check logs and snapshots, too, so they never get smaller. */
export const KEY_BYTES_MAX = 4 * 1024;
export const VALUE_BYTES_MAX = 1024 * 1024;
/** Files may be named after a cluster, so that its id is no path. */
export const CLUSTER_ID = /^[A-Za-z0-9._-]{1,64}$/;
export const CLUSTER_ID_TEXT = '1 to 64 letters, digits, ".", "_" or "-"';
/** A client frame has at most so many commands. */
export const FRAME_COMMANDS_MAX = 4096;
/** One read names at most so many keys. */
export const KEYS_READ_MAX = 1024;
/** The keys that one read names have at most so many bytes together. */
export const KEYS_READ_BYTES_MAX = 1024 * 1024;
/** A range in an order that is not that of keys has at most so many keys, because its reader holds all of them at once. */
export const ORDERED_KEYS_MAX = 10_000;
/** The keys and values of such a range have at most so many bytes together. */
export const ORDERED_BYTES_MAX = 64 * 1024 * 1024;
/** No frame of a client is longer. */
export const CLIENT_FRAME_BYTES_MAX = 4 * 1024 * 1024;
/** No log entry is longer. It holds the commands that one node proposes in one turn. */
export const ENTRY_BYTES_MAX = 8 * 1024 * 1024;
/** No frame of a handshake is longer. */
export const HANDSHAKE_FRAME_BYTES_MAX = 8 * 1024;
/** Either side takes at most so much from one that has not proved itself yet. */
export const HANDSHAKE_BYTES_MAX = 2 * HANDSHAKE_FRAME_BYTES_MAX;
/** No frame between nodes is longer. A longer message travels in several frames. */
export const PEER_FRAME_BYTES_MAX = 2 * 1024 * 1024;
/** No message between nodes is longer, once it is put together again. */
export const PEER_MESSAGE_BYTES_MAX = 512 * 1024 * 1024;
/** A snapshot is streamed in pieces of so many bytes. */
export const SNAPSHOT_CHUNK_BYTES = 256 * 1024;
/** A snapshot is synced in parts of so many bytes, written or received. */
export const SNAPSHOT_SYNC_BYTES = 1024 * 1024;
/** Of a snapshot that is received so many bytes may wait for the disk: one part in a sync, and one being filled. */
export const SNAPSHOT_UNKEPT_BYTES_MAX = 2 * SNAPSHOT_SYNC_BYTES;
/** So many answers of one session are kept. A client may have no more writes under way. */
export const SESSION_WINDOW = 4096;
/** A client names the session that it opens by so many random bytes. Part of the format. */
export const SESSION_NONCE_BYTES = 16;
/** No quota is smaller: an operator who sets one below the largest value has mistaken the unit. */
export const QUOTA_BYTES_MIN = 1024 * 1024;
/** A cluster has at most so many nodes. */
export const MEMBERS_MAX = 64;
/** Of a thousand messages so many are dropped where a link is broken. */
export const BROKEN_PERMILLE = 1000;
/** Longest delay that can be put on a link. */
export const FAULT_DELAY_MS_MAX = 60_000;
/** Ballots above this are no ballots: one that nothing can exceed would leave a cluster without a leader for ever. */
export const BALLOT_N_MAX = 2 ** 48;
/** The replicated table holds so many sessions; opening one more expires the least recently used. Part of the format: all nodes must agree. */
export const SESSIONS_MAX = 10_000;

/** More history would make a look at one key, or the giving up of old revisions, too long for one turn. */
export const HISTORY_REVISIONS_MAX = 1_000_000;

/** A password has at most so many characters. */
export const PASSWORD_LENGTH_MAX = 256;
/** A change of users and roles has at most so many bytes: room for the two bounds of a range, and for names. */
export const ACCESS_BODY_BYTES_MAX = 16 * 1024;
/** A cluster has at most so many leases. Part of the format, as are the next four: all nodes must agree. */
export const LEASES_MAX = 10_000;
/** So many keys may be bound to one lease, because all of them are deleted at one revision. */
export const LEASE_KEYS_MAX = 4096;
/** No lease is shorter: five election time-outs, so that a change of leaders leaves time to renew it. */
export const LEASE_TTL_MIN_MS = 500;
/** No lease is longer than 31 days. */
export const LEASE_TTL_MAX_MS = 31 * 24 * 3600 * 1000;
/** One entry moves the cluster's clock by at most so much: of a longer standstill of the leader no more is counted. */
export const CLOCK_STEP_MAX_MS = 1000;
/** One command renews at most so many leases. */
export const LEASES_RENEWED_MAX = 1024;
/** A list of lease ids, numbers of up to 53 bits one after the other, has at most so many bytes. */
export const NUMBERS_BYTES_MAX = 8 * LEASES_RENEWED_MAX;

/** The body of a transaction has at most so many bytes, so that it fits one client frame with its header. */
export const TXN_BYTES_MAX = CLIENT_FRAME_BYTES_MAX - 1024;
/** One branch of a transaction has at most so many operations, and it asks at most so many comparisons. */
export const TXN_OPS_MAX = 128;
/** A transaction, with all transactions within it, has at most so many operations and comparisons. */
export const TXN_PARTS_MAX = 1024;
/** Transactions lie at most so deep within each other, the outermost one counted. */
export const TXN_DEPTH_MAX = 4;
/** One transaction may look at so many keys. Part of the format: all nodes must refuse the same. */
export const TXN_KEYS_MAX = 10_000;
/** What a transaction finds has at most so many bytes. Part of the format. */
export const TXN_RESULT_BYTES_MAX = 1024 * 1024;

assert(
  KEY_BYTES_MAX + 2 * VALUE_BYTES_MAX + 1024 <= CLIENT_FRAME_BYTES_MAX,
  "one cas fits a frame",
);
assert(QUOTA_BYTES_MIN >= VALUE_BYTES_MAX, "a quota holds a value");
assert(CLIENT_FRAME_BYTES_MAX + 1024 <= ENTRY_BYTES_MAX, "one client frame fits an entry");
assert(LEASE_KEYS_MAX <= TXN_KEYS_MAX, "a lease ends like a transaction");
assert(2 * ENTRY_BYTES_MAX <= PEER_MESSAGE_BYTES_MAX, "an entry fits a peer message");
assert(2 * SNAPSHOT_CHUNK_BYTES <= PEER_FRAME_BYTES_MAX, "a snapshot chunk fits a peer frame");
