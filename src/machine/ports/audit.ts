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
}

/** Never throws, and never waits. */
export interface Audit {
  record(record: AuditRecord): void;
}
