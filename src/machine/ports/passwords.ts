/** What signing in needs of the machine. Hashing takes tens of milliseconds and megabytes of memory: the caller must bound how often. */
export interface Passwords {
  /** @param done with a text that holds salt, costs and hash; never within this call */
  hash(password: string, done: (hash: string) => void): void;
  /** @param done whether the hash is of this password; never within this call */
  verify(password: string, hash: string, done: (isRight: boolean) => void): void;
  /** Milliseconds since 1970, as well as the machine knows: tokens of every node end by it. */
  wallMs(): number;
}
