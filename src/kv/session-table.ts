/**
 * The sessions: bounded, the same on every node, part of every snapshot.
 *
 * Invariants:
 *   S1. Sessions stand in order of last use, by the log: the first is the one to expire.
 *   S2. Ids come from a counter and are never used again.
 *   S3. Of one nonce there is at most one session: opening twice with it gives the same session.
 *   S4. actualBytes is the sum over all sessions, at most ACTUAL_BYTES_MAX.
 */
import { SESSIONS_MAX } from "../base/limits.ts";
import type { ByteString } from "./byte-string.ts";
import { Session } from "./session.ts";

/** Values in kept answers of all sessions. Part of the format: all nodes must agree. */
export const ACTUAL_BYTES_MAX = 64 * 1024 * 1024;

export class SessionTable {
  readonly #sessions: Map<number, Session>;
  readonly #byNonce = new Map<ByteString, number>();
  readonly #sessionsMax: number;
  #lastId: number;
  #generation = 0;
  #latest: Session | null = null;
  #actualBytes = 0;

  /**
   * @param sessions in order of last use
   * @param sessionsMax the same on all nodes
   */
  constructor(lastId = 0, sessions: Iterable<Session> = [], sessionsMax = SESSIONS_MAX) {
    this.#lastId = lastId;
    this.#sessionsMax = sessionsMax;
    this.#sessions = new Map();
    for (const session of sessions) {
      this.#sessions.set(session.id, session);
      this.#byNonce.set(session.nonce, session.id);
      this.#actualBytes += session.actualBytes;
    }
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** The highest id ever given. */
  get lastId(): number {
    return this.#lastId;
  }

  /** What is left for values in kept answers. */
  get actualRoom(): number {
    return ACTUAL_BYTES_MAX - this.#actualBytes;
  }

  /** The session to use, and change, at log index idx: now the last to expire. */
  use(id: number, idx: number): Session | undefined {
    let session = this.#latest;
    if (session === null || session.id !== id) {
      session = this.#sessions.get(id) ?? null;
      if (session === null) return undefined;
      this.#sessions.delete(id);
      if (session.generation !== this.#generation) session = session.copy(this.#generation);
      this.#sessions.set(id, session);
      this.#latest = session;
    }
    session.lastUsedIdx = idx;
    return session;
  }

  /** Sessions keep values in their answers; whoever changes one says by how much. */
  addActualBytes(change: number): void {
    this.#actualBytes += change;
  }

  /** The id of a new session or of the one that this nonce opened. Opening one too many expires the least recently used. */
  open(nonce: ByteString, idx: number): number {
    const known = this.#byNonce.get(nonce);
    if (known !== undefined) {
      this.use(known, idx);
      return known;
    }
    if (this.#sessions.size >= this.#sessionsMax) {
      for (const oldest of this.#sessions.keys()) {
        this.close(oldest);
        break;
      }
    }
    const id = ++this.#lastId;
    const session = new Session(id, nonce, this.#generation, idx);
    this.#sessions.set(id, session);
    this.#byNonce.set(nonce, id);
    this.#latest = session;
    return id;
  }

  close(id: number): void {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    this.#sessions.delete(id);
    this.#byNonce.delete(session.nonce);
    this.#actualBytes -= session.actualBytes;
    if (this.#latest === session) this.#latest = null;
  }

  /** The sessions as they are now, in order of last use. Takes time in proportion to their number, bounded by SESSIONS_MAX. */
  clone(): readonly Session[] {
    this.#generation += 1;
    this.#latest = null;
    return [...this.#sessions.values()];
  }
}
