/** What signing in needs of the machine. Hashing takes tens of milliseconds and megabytes of memory: the caller must bound how often. */
export interface Passwords {
  /** @param done with a text that holds salt, costs and hash, or null: there is no memory for it; never within this call */
  hash(password: string, done: (hash: string | null) => void): void;
  /** @param done whether the hash is of this password, or null: there is no memory to tell; never within this call */
  verify(password: string, hash: string, done: (isRight: boolean | null) => void): void;
  /** Milliseconds since 1970, as well as the machine knows: tokens of every node end by it. */
  wallMs(): number;
}
