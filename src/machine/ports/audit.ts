/** A request, its user, and whether it was allowed: for the audit log. Keys are in it; values, passwords and secrets never. */
export interface AuditRecord {
  /** The user's name; null: the client has not signed in. `the holder of the secret` has proved the secret: no user's name has blanks. */
  readonly user: string | null;
  /** Where the connection is from. */
  readonly from: string;
  readonly operation: string;
  /** The key, or the range as "start..end": printable, and cut when it is long. Null: the request is about none. */
  readonly keys: string | null;
  readonly allowed: boolean;
  /** Nobody has proved to be the user: this is a refused attempt to sign in. */
  readonly isClaim?: boolean;
  /** So many requests of one frame, all refused, are this record. Left out: one. */
  readonly times?: number;
}

/** Never throws, and never waits. */
export interface Audit {
  record(record: AuditRecord): void;
}
