/** What was asked, by whom, and whether it was allowed: for the audit log. Keys are in it; values, passwords and secrets never. */
export interface AuditRecord {
  /** The user's name; null: nobody has signed in. Whoever knows the secret is `the holder of the secret`, which has blanks, so no user is named so. */
  readonly user: string | null;
  /** Where the connection is from. */
  readonly from: string;
  readonly operation: string;
  /** The key, or the range as "start..end": printable, cut when they are long. Null: it is about none. */
  readonly keys: string | null;
  readonly allowed: boolean;
}

/** Never throws, and never waits. */
export interface Audit {
  record(record: AuditRecord): void;
}
