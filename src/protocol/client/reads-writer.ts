import {
  assert,
  ByteWriter,
  CLIENT_FRAME_BYTES_MAX,
  FRAME_COMMANDS_MAX,
} from "../../base/index.ts";
import { checkKey } from "../../store/commands/index.ts";
import { readsFrame } from "./reads-header.ts";
import { type RangeBytes, READ, type ReadKind } from "./read-kinds.ts";

/** Packs reads into one frame, and is used again for the next. Each has the number that the client has given it. */
export class ReadsWriter {
  readonly #records = new ByteWriter(1024);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  fits(keyBytes: number): boolean {
    return (
      this.#count < FRAME_COMMANDS_MAX &&
      this.#records.length + keyBytes + 64 <= CLIENT_FRAME_BYTES_MAX
    );
  }

  /**
   * @param revision of the state that is asked; 0: the newest
   * @throws KvError when the key is too large or empty
   */
  read(request: number, key: Uint8Array, revision = 0): void {
    checkKey(key);
    if (revision === 0) this.#put(request, READ.key, key);
    else this.#put(request, READ.keyAt, { key, revision });
  }

  /**
   * The versions of a key, newest first.
   * @param revision of the first one; 0: the newest
   * @throws KvError when the key is too large or empty
   */
  history(request: number, history: Uint8Array, revision: number, limit: number): void {
    checkKey(history);
    this.#put(request, READ.history, { history, revision, limit });
  }

  /**
   * A lease.
   * @param start the first of its keys that is wanted; null: none is
   */
  lease(request: number, lease: number, start: Uint8Array | null): void {
    const withKeys = start !== null;
    this.#put(request, READ.lease, { lease, withKeys, start: start ?? new Uint8Array(0) });
  }

  /**
   * Leases in the order of their ids.
   * @param leasesAfter only those with a greater id
   */
  leases(request: number, leasesAfter: number): void {
    this.#put(request, READ.leases, { leasesAfter });
  }

  range(request: number, range: RangeBytes): void {
    const plain = range.revision === 0 ? READ.range : READ.rangeAt;
    this.#put(request, range.select === undefined ? plain : READ.selection, range);
  }

  /**
   * Many keys of one state.
   * @param revision of the state that is asked; 0: the newest
   * @throws KvError when a key is too large or empty
   */
  keys(request: number, keys: readonly Uint8Array[], revision = 0): void {
    for (const key of keys) checkKey(key);
    if (revision === 0) this.#put(request, READ.keys, { keys });
    else this.#put(request, READ.keysAt, { keys, revision });
  }

  /**
   * The frame, and the writer is empty again.
   * @param minIdx greatest applied index seen in answers; matters for local reads
   * @param withOrigin the answers are to tell the origin of the state; only for nodes that know what that is
   * @param atLeast the revision that a local read waits for; 0: none
   */
  take(local: boolean, minIdx: number, withOrigin = false, atLeast = 0): Uint8Array {
    assert(this.#count > 0, "a frame has at least one read");
    const header = { local, origin: withOrigin, minIdx, atLeast, count: this.#count };
    const frame = readsFrame(header, this.#records.peek());
    this.#records.clear();
    this.#count = 0;
    return frame;
  }

  #put<W>(request: number, { code, layout }: ReadKind<W>, wanted: W): void {
    assert(this.#count < FRAME_COMMANDS_MAX, "a frame holds so many reads only");
    this.#records.varint(request);
    this.#records.u8(code);
    layout.write(this.#records, wanted);
    this.#count += 1;
  }
}
