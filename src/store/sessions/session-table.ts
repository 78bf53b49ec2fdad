/**
 * The sessions: bounded, the same on every node, part of every snapshot.
 *
 * Invariants:
 *   SESSIONS-1. Sessions stand in order of last use, by the log.
 *   SESSIONS-2. An id is never given twice: one from the counter stays below HASHED_IDS_START, one from a hash is not taken while
 *       another session has it, and comes again later by a chance of 1 in 2^52.
 *   SESSIONS-3. Of one nonce there is at most one session that an entry of version 1 opened: opening twice with it gives the
 *       same.
 *   SESSIONS-4. actualBytes is the sum over all sessions, at most ACTUAL_BYTES_MAX.
 *   SESSIONS-5. Between two groups `keptBytes` is the sum over all sessions, and each session stands in the list of its kin,
 *       which is in order of last use too. After a group of an entry of version 2 or higher the sum is at most
 *       `keptBytesMax`.
 *   SESSIONS-6. Which session expires: when there are too many, the least recently used one of those that never had a request, or
 *       else of all; when sessions keep too much, the least recently used one of those that keep most. A client at work used its
 *       session a moment ago: to make it expire, others would have to use up the whole bound anew between two of its requests.
 */
import { type ByteString, EMPTY_BYTES, SESSIONS_MAX } from "../../base/index.ts";
import { linkOf, RecencyList, type Link } from "./recency-list.ts";
import { SESSION_OVERHEAD_BYTES } from "../history/state-size.ts";
import { Session } from "./session.ts";
import { hashedSessionName, type SessionName } from "./session-id.ts";

/** Values in kept answers of all sessions, for entries of version 1. Part of the format: all nodes must agree. */
const ACTUAL_BYTES_MAX = 64 * 1024 * 1024;

export interface SessionLimits {
  readonly sessionsMax: number;
  /** What all sessions together may keep, in bytes of `Session.keptBytes`. */
  readonly keptBytesMax: number;
}

/** Part of the format: all nodes must agree. */
export const SESSION_LIMITS: SessionLimits = {
  sessionsMax: SESSIONS_MAX,
  keptBytesMax: 32 * 1024 * 1024,
};

/** Sessions that keep about the same, by powers of two; the first two are those that are fresh, and those that keep nothing. */
const KIN_FRESH = 0;
const KIN_EMPTY = 1;
const KINS = 34;

/** A session's place in the table; unlike the session it is never shared with a clone. */
class Place {
  session: Session;
  readonly inAll: Link<Place> = linkOf<Place>(this);
  readonly inKin: Link<Place> = linkOf<Place>(this);
  kin = KIN_FRESH;
  /** What it counts for in the sum. */
  keptBytes = 0;

  constructor(session: Session) {
    this.session = session;
  }
}

export class SessionTable {
  readonly #limits: SessionLimits;
  readonly #places = new Map<number, Place>();
  readonly #byNonce = new Map<ByteString, number>();
  readonly #all = new RecencyList<Place>();
  readonly #kins = Array.from({ length: KINS }, () => new RecencyList<Place>());
  #lastCounted: number;
  #generation = 0;
  #latest: Place | null = null;
  #actualBytes = 0;
  #keptBytes = 0;

  /**
   * @param lastCounted the highest id that the counter gave
   * @param sessions in order of last use
   * @param limits the same on all nodes
   */
  constructor(lastCounted = 0, sessions: Iterable<Session> = [], limits = SESSION_LIMITS) {
    this.#lastCounted = lastCounted;
    this.#limits = limits;
    for (const session of sessions) {
      this.#add(session);
      this.#actualBytes += session.actualBytes;
    }
    this.#leaveLatest();
  }

  get size(): number {
    return this.#places.size;
  }

  /** The highest id that the counter gave. */
  get lastCounted(): number {
    return this.#lastCounted;
  }

  /** SESSIONS-5. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** What all of it is taken to cost. */
  get bytes(): number {
    return this.#places.size * SESSION_OVERHEAD_BYTES + this.#keptBytes;
  }

  /** What is left for values in kept answers, for entries of version 1. */
  get actualRoom(): number {
    return ACTUAL_BYTES_MAX - this.#actualBytes;
  }

  /** The session to use, and change, at log index idx: now the last to expire. */
  use(id: number, idx: number): Session | undefined {
    let place = this.#latest;
    if (place === null || place.session.id !== id) {
      const found = this.#places.get(id);
      if (found === undefined) return undefined;
      place = found;
      this.#all.moveToEnd(place.inAll);
      this.#kinOf(place).moveToEnd(place.inKin);
      const { session } = place;
      if (session.generation !== this.#generation) place.session = session.copy(this.#generation);
      this.#leaveLatest();
      this.#latest = place;
    }
    const { session } = place;
    session.lastUsedIdx = idx;
    return session;
  }

  /** Looks a session up without counting that as a use. */
  peek(id: number): Session | undefined {
    return this.#places.get(id)?.session;
  }

  /** Sessions keep values in their answers; a caller that changes one must report the difference here. */
  addActualBytes(change: number): void {
    this.#actualBytes += change;
  }

  /** A group of the session used last has been carried out. */
  settle(): void {
    if (this.#latest !== null) this.#count(this.#latest);
  }

  /**
   * SESSIONS-5: expires sessions until what all keep is within its bound.
   * @param used the session of the group that was carried out: it stays, and as it was used last it is the last of its kin
   */
  makeRoom(used: Session | undefined): void {
    for (let kin = KINS - 1; kin > KIN_EMPTY; kin--) {
      const list = this.#kins[kin];
      for (;;) {
        if (this.#keptBytes <= this.#limits.keptBytesMax) return;
        const victim = list?.oldest?.session;
        if (victim === undefined || victim.id === used?.id) break;
        this.close(victim.id);
      }
    }
  }

  /** By the rule of version 1. @returns the id of a new session or of the one that this nonce opened */
  openCounted(nonce: ByteString, idx: number): number {
    const known = this.#byNonce.get(nonce);
    if (known !== undefined) {
      this.use(known, idx);
      return known;
    }
    if (this.size >= this.#limits.sessionsMax) this.#expire(this.#all.oldest);
    const id = ++this.#lastCounted;
    this.#add(new Session(id, id | 0, nonce, this.#generation, idx));
    return id;
  }

  /**
   * A new session, even when the nonce has opened one before. Opening one too many expires another (SESSIONS-6).
   * @param position of the command in its entry
   */
  open(nonce: ByteString, idx: number, position: number): SessionName {
    if (this.size >= this.#limits.sessionsMax) {
      this.#expire(this.#kins[KIN_FRESH]?.oldest ?? this.#all.oldest);
    }
    let name = hashedSessionName(nonce, idx, position, 0);
    for (let attempt = 1; this.#places.has(name.id); attempt++) {
      name = hashedSessionName(nonce, idx, position, attempt);
    }
    this.#add(new Session(name.id, name.tag, EMPTY_BYTES, this.#generation, idx));
    return name;
  }

  close(id: number): void {
    const place = this.#places.get(id);
    if (place === undefined) return;
    const { session } = place;
    this.#places.delete(id);
    if (session.nonce !== EMPTY_BYTES) this.#byNonce.delete(session.nonce);
    this.#all.remove(place.inAll);
    this.#kinOf(place).remove(place.inKin);
    this.#actualBytes -= session.actualBytes;
    this.#keptBytes -= place.keptBytes;
    if (this.#latest === place) this.#latest = null;
  }

  /** The sessions as they are now, in order of last use. Takes time in proportion to their number, which is bounded. */
  clone(): readonly Session[] {
    this.#leaveLatest();
    this.#generation += 1;
    const sessions: Session[] = [];
    for (const { session } of this.#all) sessions.push(session);
    return sessions;
  }

  #expire(place: Place | undefined): void {
    if (place !== undefined) this.close(place.session.id);
  }

  #add(session: Session): void {
    const place = new Place(session);
    this.#places.set(session.id, place);
    if (session.nonce !== EMPTY_BYTES) this.#byNonce.set(session.nonce, session.id);
    this.#all.append(place.inAll);
    this.#kinOf(place).append(place.inKin);
    this.#leaveLatest();
    this.#latest = place;
    this.#count(place);
  }

  /** Of the session used last the ring stays as it is: a client alone would have it shrink and grow with each group. */
  #leaveLatest(): void {
    this.#latest?.session.settle();
    this.#latest = null;
  }

  /** Takes into account what the session keeps now. It is the one used last. */
  #count(place: Place): void {
    const { session } = place;
    const bytes = session.keptBytes;
    this.#keptBytes += bytes - place.keptBytes;
    place.keptBytes = bytes;
    const kin = session.isFresh ? KIN_FRESH : KIN_EMPTY + (32 - Math.clz32(bytes));
    if (kin === place.kin) return;
    this.#kinOf(place).remove(place.inKin);
    place.kin = kin;
    this.#kinOf(place).append(place.inKin);
  }

  #kinOf({ kin }: Place): RecencyList<Place> {
    return this.#kins[kin] as RecencyList<Place>;
  }
}
