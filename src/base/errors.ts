/**
 * Every error that a client, an operator or a peer may be told. `definite`: the operation certainly did not take effect and
 * never will. `retryable`: the same request may succeed later without anything being changed.
 * Codes are stable; texts may change. README lists them.
 */
export const ERRORS = {
  BAD_REQUEST: { wire: 1, definite: true, retryable: false },
  KEY_TOO_LARGE: { wire: 2, definite: true, retryable: false },
  VALUE_TOO_LARGE: { wire: 3, definite: true, retryable: false },
  UNAUTHORIZED: { wire: 4, definite: true, retryable: false },
  /** No leader known or reachable from this node, or it is cut off from a quorum: nothing was proposed. */
  NO_QUORUM: { wire: 5, definite: true, retryable: true },
  OVERLOADED: { wire: 6, definite: true, retryable: true },
  /** The session is unknown: expired or never opened. This attempt had no effect; an earlier attempt may have. */
  SESSION_EXPIRED: { wire: 7, definite: true, retryable: false },
  /** The sequence number lies below what the client said it has seen answered. */
  STALE_REQUEST: { wire: 8, definite: true, retryable: false },
  DISK_FULL: { wire: 9, definite: true, retryable: true },
  SHUTTING_DOWN: { wire: 10, definite: true, retryable: true },
  /** The user may not do this; or fault injection or another management operation is not allowed on this server. */
  FORBIDDEN: { wire: 11, definite: true, retryable: false },
  /** The request was sent, and no answer came in time. */
  TIMEOUT: { wire: 12, definite: false, retryable: true },
  /** The request was sent, and the connection ended before an answer. */
  CONNECTION_LOST: { wire: 13, definite: false, retryable: true },
  /** Could not connect: nothing was sent. */
  CONNECTION_FAILED: { wire: 14, definite: true, retryable: true },
  CANCELLED: { wire: 15, definite: false, retryable: false },
  UNSUPPORTED_VERSION: { wire: 16, definite: true, retryable: false },
  UNKNOWN_NODE: { wire: 17, definite: true, retryable: false },
  /** This node's state differs from another node's, and it is not known yet which of them is right: it serves nobody. */
  DIVERGED: { wire: 19, definite: true, retryable: true },
  /** The state, or this node's memory, is full: writes that make it grow are refused until something is deleted. */
  NO_SPACE: { wire: 20, definite: true, retryable: false },
  /** This node serves other data than those that the client has worked with: the list of nodes is wrong, or the data were replaced. */
  WRONG_CLUSTER: { wire: 21, definite: true, retryable: false },
  /** The request needs a revision that is not kept any more. */
  COMPACTED: { wire: 22, definite: true, retryable: false },
  /**
   * A transaction that cannot be carried out on the present state: it would look at too many keys, find too much, or keep the
   * value of a key that does not exist.
   */
  TXN_REFUSED: { wire: 23, definite: true, retryable: false },
  /** Others changed what a transaction had read, at each attempt. Made by the client library. */
  CONFLICT: { wire: 24, definite: true, retryable: true },
  /** Access control is on, and the client has not signed in; or its user was deleted, or has another password now. */
  UNAUTHENTICATED: { wire: 30, definite: true, retryable: false },
  /** The client asked to read a revision that the node has not reached yet. */
  REVISION_AHEAD: { wire: 32, definite: true, retryable: true },
  /** The lease is over, or never existed; or it may be over as far as its holder can know. */
  LEASE_LOST: { wire: 40, definite: true, retryable: false },
  /** The client does not hold the lock any more, or never held it. The write under it was not made. Made by the client library. */
  LOCK_LOST: { wire: 41, definite: true, retryable: false },
  /** The cluster has no room for another lease, or the lease none for another key. */
  LEASE_LIMIT: { wire: 42, definite: true, retryable: false },
  /** The id asked for a new lease belongs to another one. */
  LEASE_EXISTS: { wire: 43, definite: true, retryable: false },
  INTERNAL: { wire: 18, definite: false, retryable: false },
} as const satisfies Record<string, { wire: number; definite: boolean; retryable: boolean }>;

/** The codes of errors, each with its row in ERRORS. */
export type ErrorCode = keyof typeof ERRORS;

const codesByWire = new Map<number, ErrorCode>(
  // Object.entries widens the keys to string; the table above is their only source.
  (Object.entries(ERRORS) as [ErrorCode, { wire: number }][]).map(([code, { wire }]) => [
    wire,
    code,
  ]),
);

/** INTERNAL for a number that this version does not know: then the outcome is unknown. */
export function errorCodeFromWire(wire: number): ErrorCode {
  return codesByWire.get(wire) ?? "INTERNAL";
}

/** A failure in the user's world, with a stable code. */
export class KvError extends Error {
  override readonly name = "KvError";
  /** What happened: a key of ERRORS. */
  readonly code: ErrorCode;
  /** True: it certainly did not happen. False: it may or may not have taken effect. */
  readonly definite: boolean;
  /** True: the same request may succeed later without anything being changed. */
  readonly retryable: boolean;
  /** With COMPACTED: the oldest revision that the asked node can still read. Null: not told, or another error. */
  readonly oldestRevision: number | null;

  constructor(
    code: ErrorCode,
    message: string,
    options?: { cause?: unknown; definite?: boolean; oldestRevision?: number },
  ) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.definite = options?.definite ?? ERRORS[code].definite;
    this.retryable = ERRORS[code].retryable;
    this.oldestRevision = options?.oldestRevision ?? null;
  }
}
