/**
 * The order of one database's reads and writes. A read of the store's present state can only be made now, and must not see a
 * write that comes right after it.
 *
 * Invariant: a write is not sent before every earlier read and snapshot of the same database is answered. Writes of others are not
 * held up, nor need they be: they are concurrent with both.
 */
import type { KvRequests } from "../../client/index.ts";
import type { Revision } from "../../client/terms/index.ts";

export class Moments {
  readonly #client: KvRequests;
  readonly #probe: Uint8Array;
  readonly #pending = new Set<Promise<unknown>>();

  /** @param probe any key: only the revision of the state in which it is looked for matters */
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

  /** Resolves when all requests until now are answered. */
  async passed(): Promise<void> {
    if (this.#pending.size > 0) await Promise.allSettled(this.#pending);
  }
}
