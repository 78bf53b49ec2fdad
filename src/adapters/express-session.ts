/**
 * A store for express-session: a visitor has the same session at every server, and the session outlives any of them.
 *
 *     import session from "express-session";
 *     import { OmnikvSessionStore } from "omnikv/express-session";
 *     app.use(session({ store: new OmnikvSessionStore(client), secret, resave: false, saveUninitialized: false }));
 *
 * @module omnikv/express-session
 */
import { Store, type SessionData } from "express-session";
import { badArgument, namesOf, type ReadResult } from "../client/terms/index.ts";
import { Place, type AdapterClient, type AdapterOptions } from "./place.ts";

export type { AdapterClient, AdapterOptions } from "./place.ts";

/** Options of a store, beside the client. */
export interface SessionStoreOptions extends AdapterOptions {
  /** Seconds that a session lasts when its cookie lasts as long as the browser. Default: one day. */
  readonly ttl?: number;
}

const OPTION_NAMES = namesOf<SessionStoreOptions>({ prefix: true, ttl: true });

type Done<T> = (error?: unknown, value?: T) => void;

/** As it is stored. */
interface Kept {
  /** Milliseconds since 1970, by the clock of the server that wrote it. */
  readonly expires: number;
  readonly session: SessionData;
}

const DAY_S = 86_400;
const TTL_MAX_S = 10 * 365 * DAY_S;

/**
 * Sessions lie under `session/`, unless another prefix is given, each with the time at which it ends. Servers look at their own
 * clocks: those should not differ by much. The store deletes an ended session when a server asks for it, and by `clear`.
 *
 * Methods call back with a KvError when the store cannot be asked.
 */
export class OmnikvSessionStore extends Store {
  readonly #place: Place;
  readonly #ttlMs: number;

  /**
   * @param client is not closed by the store
   * @throws KvError BAD_REQUEST that names the argument
   */
  constructor(client: AdapterClient, options: SessionStoreOptions = {}) {
    super();
    this.#place = new Place(client, options, "session/", OPTION_NAMES);
    const { ttl = DAY_S } = options;
    if (typeof ttl !== "number" || !(ttl > 0 && ttl <= TTL_MAX_S)) {
      throw badArgument("ttl", `seconds, more than 0 and at most ${TTL_MAX_S}`, ttl);
    }
    this.#ttlMs = ttl * 1000;
  }

  /** Null: there is none, or it has ended. */
  override get(sid: string, done: (error: unknown, session?: SessionData | null) => void): void {
    settle(this.#read(sid), done);
  }

  /** Takes the place of what was there. */
  override set(sid: string, session: SessionData, done?: Done<void>): void {
    settle(this.#write(sid, session), done);
  }

  /** That there is none is all right. */
  override destroy(sid: string, done?: Done<void>): void {
    const deleted = async (): Promise<void> => {
      await this.#place.client.delete(this.#place.key(sid));
    };
    settle(deleted(), done);
  }

  /** Makes the session last longer, without a change of its data. A session that was destroyed, or has ended, stays so. */
  override touch(sid: string, session: SessionData, done?: Done<void>): void {
    settle(this.#touch(sid, session), done);
  }

  /** Those that have not ended, of one state of the store. */
  override all(done: (error: unknown, sessions?: SessionData[] | null) => void): void {
    settle(this.#all(), done);
  }

  /** How many have not ended. */
  override length(done: (error: unknown, length?: number) => void): void {
    const counted = async (): Promise<number> => (await this.#all()).length;
    settle(counted(), done);
  }

  /** All of them. */
  override clear(done?: Done<void>): void {
    settle(this.#place.clear(), done);
  }

  async #read(sid: string): Promise<SessionData | null> {
    const { client } = this.#place;
    const key = this.#place.key(sid);
    const read = await client.read(key);
    const kept = keptIn(read);
    if (kept === null || !read.found) return null;
    if (kept.expires > Date.now()) return kept.session;
    // Unless another server has made it last longer meanwhile.
    await client.atomic().check(key, { revision: read.modRevision }).delete(key).commit();
    return null;
  }

  async #write(sid: string, session: SessionData): Promise<void> {
    await this.#place.client.write(this.#place.key(sid), this.#text(session, session));
  }

  async #touch(sid: string, { cookie }: SessionData): Promise<void> {
    const key = this.#place.key(sid);
    await this.#place.client.transact(async (tx) => {
      const kept = keptIn(await tx.get(key));
      if (kept === null || kept.expires <= Date.now()) return;
      tx.put(key, this.#text({ ...kept.session, cookie }, { cookie }));
    });
  }

  async #all(): Promise<SessionData[]> {
    const sessions: SessionData[] = [];
    const now = Date.now();
    for await (const entry of this.#place.client.range({ prefix: this.#place.prefix })) {
      const kept = entry.json() as Kept;
      if (kept.expires > now) sessions.push(kept.session);
    }
    return sessions;
  }

  #text(session: SessionData, { cookie }: Pick<SessionData, "cookie">): string {
    // As its documentation has it, `false` makes a cookie last as long as the browser: that is no date, and above all not that of 1970.
    const expires: unknown = cookie?.expires;
    const isTime = expires instanceof Date || typeof expires === "string";
    const at = isTime ? new Date(expires).getTime() : NaN;
    const kept: Kept = { expires: Number.isNaN(at) ? Date.now() + this.#ttlMs : at, session };
    return JSON.stringify(kept);
  }
}

export default OmnikvSessionStore;

function keptIn(read: Pick<ReadResult, "json">): Kept | null {
  return (read.json() ?? null) as Kept | null;
}

/** An error that the caller's callback throws is its own, and not taken for an error of the store. */
function settle<T>(
  promise: Promise<T>,
  done: ((error: unknown, value?: T) => void) | undefined,
): void {
  promise.then(
    (value) => done && process.nextTick(done, null, value),
    (error: unknown) => done && process.nextTick(done, error),
  );
}
