/** Every bound that crosses a wire or a disk, with the relations between them checked at load. */
import { assert } from "./assert.ts";

export const KEY_BYTES_MAX = 4 * 1024;
export const VALUE_BYTES_MAX = 1024 * 1024;
/** Commands in one client frame. */
export const FRAME_COMMANDS_MAX = 4096;
/** Keys of one read of many. */
export const KEYS_READ_MAX = 1024;
/** Bytes of them. */
export const KEYS_READ_BYTES_MAX = 1024 * 1024;
/** Keys of one range in an order that is not that of keys: its reader holds all of them at once. */
export const ORDERED_KEYS_MAX = 10_000;
/** Bytes of them and their values. */
export const ORDERED_BYTES_MAX = 64 * 1024 * 1024;
/** One client frame. */
export const CLIENT_FRAME_BYTES_MAX = 4 * 1024 * 1024;
/** One log entry: the commands one node proposes in one turn. */
export const ENTRY_BYTES_MAX = 8 * 1024 * 1024;
/** One frame of a handshake. */
export const HANDSHAKE_FRAME_BYTES_MAX = 8 * 1024;
/** All that either side sends before it has proved itself. */
export const HANDSHAKE_BYTES_MAX = 2 * HANDSHAKE_FRAME_BYTES_MAX;
/** One frame between nodes; longer messages travel in several. */
export const PEER_FRAME_BYTES_MAX = 2 * 1024 * 1024;
/** One message between nodes, put together again. */
export const PEER_MESSAGE_BYTES_MAX = 512 * 1024 * 1024;
/** One piece of a streamed snapshot. */
export const SNAPSHOT_CHUNK_BYTES = 256 * 1024;
/** Requests of one session whose answers are kept: how far a client may pipeline writes. */
export const SESSION_WINDOW = 4096;
/** Of the random bytes by which a client names the session that it opens. Part of the format. */
export const SESSION_NONCE_BYTES = 16;
/** No quota is smaller: as much as the largest value, less is a slip. */
export const QUOTA_BYTES_MIN = 1024 * 1024;
/** Nodes of a cluster. */
export const MEMBERS_MAX = 64;
/** Ballots above this are no ballots: one that nothing can exceed would leave a cluster without a leader for ever. */
export const BALLOT_N_MAX = 2 ** 48;
/** Sessions in the replicated table; opening one more expires the least recently used. Part of the format: all nodes must agree. */
export const SESSIONS_MAX = 10_000;

/** More would make a look at one key, and what is passed over at one time, too long for a turn. */
export const HISTORY_REVISIONS_MAX = 1_000_000;

/** Characters of a password. */
export const PASSWORD_LENGTH_MAX = 256;
/** A change of users and roles: two bounds of a range, and names. */
export const ACCESS_BODY_BYTES_MAX = 16 * 1024;
/** Leases of a cluster. Part of the format, as are the next four: all nodes must agree. */
export const LEASES_MAX = 10_000;
/** Keys of one lease: all of them are deleted at one revision. */
export const LEASE_KEYS_MAX = 4096;
/** Milliseconds: five election time-outs, so that a change of leaders leaves time to renew it. */
export const LEASE_TTL_MIN_MS = 500;
/** 31 days. */
export const LEASE_TTL_MAX_MS = 31 * 24 * 3600 * 1000;
/** Milliseconds by which one entry moves the cluster's clock, at most: a leader that stood still counts no more of it. */
export const CLOCK_STEP_MAX_MS = 1000;
/** Leases that one command keeps alive. */
export const LEASES_RENEWED_MAX = 1024;
/** Numbers of 53 bits, one after the other: what that takes. */
export const NUMBERS_BYTES_MAX = 8 * LEASES_RENEWED_MAX;

/** The body of a transaction: what one client frame has room for. */
export const TXN_BYTES_MAX = CLIENT_FRAME_BYTES_MAX - 1024;
/** Operations in one branch of a transaction, and comparisons before it. */
export const TXN_OPS_MAX = 128;
/** Operations and comparisons of a transaction with all that it holds. */
export const TXN_PARTS_MAX = 1024;
/** Transactions within each other, the outermost one included. */
export const TXN_DEPTH_MAX = 4;
/** Keys that one transaction may look at. Part of the format: all nodes must refuse the same. */
export const TXN_KEYS_MAX = 10_000;
/** What a transaction may find, as bytes. Part of the format. */
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
