/**
 * The order of one database's reads and writes. What is to be read as the store is now can only be asked for now, and what is
 * written right after it must not be seen.
 *
 * Invariant: a write is not sent before every read and every snapshot that was asked for before it, of the same database, is
 * answered. Others' writes are not held up, nor need they be: they are concurrent with both.
 */
import type { KvRequests } from "../../client/index.ts";
import type { Revision } from "../../client/terms/index.ts";

export class Moments {
  readonly #client: KvRequests;
  readonly #probe: Uint8Array;
  readonly #pending = new Set<Promise<unknown>>();

  /** @param probe any key: what is wanted is the revision of the state in which it is looked for */
  constructor(client: KvRequests, probe: Uint8Array) {
    this.#client = client;
    this.#probe = probe;
  }

  /** The store's revision, now. Rejects with a KvError when it cannot be learnt. */
  now(): Promise<Revision> {
    return this.read(this.#client.snapshot([this.#probe]).then(({ revision }) => revision));
  }

  /** A read that was sent: writes wait for it. @returns the same */
  read<T>(read: Promise<T>): Promise<T> {
    this.#pending.add(read);
    const answered = (): void => void this.#pending.delete(read);
    read.then(answered, answered);
    return read;
  }

  /** Resolves when what was asked for until now is answered. */
  async passed(): Promise<void> {
    if (this.#pending.size > 0) await Promise.allSettled(this.#pending);
  }
}
