/** What every room may use: assertions, errors, limits, bytes, text that is safe to print. */
export { hostPort, isHost, withoutZone } from "./address.ts";
export { addressOf } from "./address-of.ts";
export { assert, InvariantError, unreachable } from "./assert.ts";
export { ByteReader } from "./byte-reader.ts";
export {
  type AnyBytes,
  bytesOf,
  type ByteString,
  byteStringOf,
  byteStringOfText,
  EMPTY_BYTES,
  hashByteString,
  hashOfArray,
  hashOfBytes,
  mix32,
  mixNumber,
  textOf,
} from "./byte-string.ts";
export { ByteWriter } from "./byte-writer.ts";
export { afterPrefix, sameBytes } from "./bytes.ts";
export { type ErrorCode, errorCodeFromWire, ERRORS, KvError } from "./errors.ts";
export { firstFrom } from "./first-from.ts";
export { popHeap, pushHeap } from "./heap.ts";
export { LATENCY_BUCKETS, latencyBoundMs, latencyBucket } from "./latency-buckets.ts";
export {
  ACCESS_BODY_BYTES_MAX,
  BALLOT_N_MAX,
  BROKEN_PERMILLE,
  CLIENT_FRAME_BYTES_MAX,
  CLOCK_STEP_MAX_MS,
  CLUSTER_ID,
  CLUSTER_ID_TEXT,
  ENTRY_BYTES_MAX,
  FAULT_DELAY_MS_MAX,
  FRAME_COMMANDS_MAX,
  HANDSHAKE_BYTES_MAX,
  HANDSHAKE_FRAME_BYTES_MAX,
  HISTORY_REVISIONS_MAX,
  KEY_BYTES_MAX,
  KEYS_READ_BYTES_MAX,
  KEYS_READ_MAX,
  LEASE_KEYS_MAX,
  LEASE_TTL_MAX_MS,
  LEASE_TTL_MIN_MS,
  LEASES_MAX,
  LEASES_RENEWED_MAX,
  MEMBERS_MAX,
  NUMBERS_BYTES_MAX,
  ORDERED_BYTES_MAX,
  ORDERED_KEYS_MAX,
  PASSWORD_LENGTH_MAX,
  PEER_FRAME_BYTES_MAX,
  PEER_MESSAGE_BYTES_MAX,
  QUOTA_BYTES_MIN,
  SESSION_NONCE_BYTES,
  SESSION_WINDOW,
  SESSIONS_MAX,
  SNAPSHOT_CHUNK_BYTES,
  SNAPSHOT_SYNC_BYTES,
  SNAPSHOT_UNKEPT_BYTES_MAX,
  TXN_BYTES_MAX,
  TXN_DEPTH_MAX,
  TXN_KEYS_MAX,
  TXN_OPS_MAX,
  TXN_PARTS_MAX,
  TXN_RESULT_BYTES_MAX,
  VALUE_BYTES_MAX,
} from "./limits.ts";
export {
  BROKEN,
  isWhole,
  linkFault,
  type LinkFault,
  NO_FAULT,
  requestedFault,
  type SomeLinkFault,
} from "./link-fault.ts";
export { printable, printableJson, terminalText } from "./printable.ts";
export { SECRET_BITS_MIN, secretBits } from "./secret-chance.ts";
export { type Secrets, secretsNow } from "./secrets.ts";
export { Sfc32 } from "./sfc32.ts";
export { StorageError, type StorageErrorCode } from "./storage-error.ts";
export { noRoomText, systemCode, systemReason, tooManyFilesText } from "./system-error.ts";
export { ownCertificateTrouble, TLS_TROUBLE, tlsTrouble, tlsTroubleOf } from "./tls-trouble.ts";
export { UnderWay } from "./under-way.ts";
export { strangersOf, unreachedOf, withUnreached } from "./unreached.ts";
export { wayOut, wayOutSentence, withWayOutFor } from "./way-out.ts";
export { troubleOfListener, wrongPortText } from "./wrong-port.ts";
