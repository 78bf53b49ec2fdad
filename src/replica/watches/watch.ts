/** Watches as the hub keeps them, and the connections that they are on. */
import { addressOf, printable, type ByteString } from "../../base/index.ts";
import type { Actor } from "../../store/index.ts";
import { FeedWriter, type WatchWish } from "../../protocol/client/index.ts";
import type { RouteLoad } from "../requests/route-load.ts";

/** A client's connection to this node. */
export interface WatchRoute {
  /** Unique on this node for as long as it runs. */
  readonly id: number;
  /** The connection's user, as for any request (Route). */
  readonly actor?: Actor | null;
  /** See Asking of the store. */
  readonly onlyWhileOn?: boolean;
  /** The client's host and port. Left out: unknown. */
  readonly remote?: string;
  isOpen(): boolean;
  /** Bytes that were told to it and have not left. */
  unreadBytes(): number;
  /** What the history's work for it counts for. Left out: for nobody. */
  readonly load?: RouteLoad;
  /** As of Route: it is fed no more of the past for now. */
  isResting?(): boolean;
  /** For the host to call, with what a turn has for it. */
  tell(frame: Uint8Array): void;
}

/** A frame of events, and of what else watches are told, for a client of this node. */
export interface Told {
  readonly route: WatchRoute;
  readonly frame: Uint8Array;
}

/**
 * Where its next events come from.
 *   none: it is new, or has ended
 *   future: of what is applied, later: it wants nothing of what comes next
 *   live: of what is applied, with all others that are live
 *   waiting: of the history, when its connection has room and a sweep begins
 *   swept: of the history, with all others that are in the sweep
 *   large: of one revision that has more for it than goes at once
 */
export type WatchSource = "none" | "future" | "live" | "waiting" | "swept" | "large";

export class Watch {
  /** As its client calls it. */
  readonly number: number;
  readonly session: WatchSession;
  readonly wish: WatchWish<ByteString>;
  source: WatchSource = "none";
  /**
   * The first revision of which not all was sent. Of live and swept ones it may stand behind: it is at least the hub's next
   * revision, or the sweep's.
   */
  next: number;
  /** Its place among those that are ordered by `next` (next-heap). */
  heapAt = 0;
  /** Large: the last key of `next` that was sent; null: none yet. */
  sentKey: ByteString | null = null;
  /** The hub must report progress once it has sent all up to this revision. Null: the client has not asked. */
  asked: number | null = null;
  /** Of the revision that is being told: used again for each. */
  readonly events: Uint8Array[] = [];
  eventBytes = 0;

  constructor(number: number, session: WatchSession, wish: WatchWish<ByteString>, next: number) {
    this.number = number;
    this.session = session;
    this.wish = wish;
    this.next = next;
  }
}

/** What a connection with watches is told, and how much of it is unread. */
export class WatchSession {
  readonly route: WatchRoute;
  /** The client that the connection counts for (watch-shares), in words for error messages. */
  readonly client: string;
  readonly out = new FeedWriter();
  /** By their numbers. */
  readonly watches = new Map<number, Watch>();
  readonly waiting = new Set<Watch>();
  readonly large = new Set<Watch>();
  /** How many are waiting, swept or large. */
  behind = 0;
  /** The client is gone: nothing is written for it, and its watches are taken out piece by piece. */
  isClosed = false;
  /** The user by whose rights its watches were judged. */
  judgedAs: Actor | null;
  /** How many want notices of progress. */
  notices = 0;
  /** Whether this node hears the leader, as the client knows it. */
  hearsLeader = true;
  readonly #unreadBytesMax: number;
  #unreadBytes = 0;
  #turn = -1;
  #isResting = false;
  #restTurn = -1;

  constructor(route: WatchRoute, unreadBytesMax: number) {
    this.route = route;
    this.judgedAs = route.actor ?? null;
    this.client = clientOf(route);
    this.#unreadBytesMax = unreadBytesMax;
  }

  /** @param turn of the hub: a connection is looked at once in each */
  hasRoom(turn: number): boolean {
    if (this.isClosed) return false;
    if (turn !== this.#turn) {
      this.#turn = turn;
      this.#unreadBytes = this.route.unreadBytes();
    }
    return this.#unreadBytes + this.out.bytes < this.#unreadBytesMax;
  }

  /** Whether it may be fed of the past: it has room, and does not rest. @param turn as of `hasRoom` */
  mayCatchUp(turn: number): boolean {
    if (!this.hasRoom(turn)) return false;
    if (turn !== this.#restTurn) {
      this.#restTurn = turn;
      this.#isResting = this.route.isResting?.() === true;
    }
    return !this.#isResting;
  }

  /** The node has worked for what its watches were not told of in time. */
  charge(workBytes: number): void {
    const { load } = this.route;
    if (load !== undefined) load.workBytes += workBytes;
  }

  /**
   * @param appliedIdx at least what was written tells of
   * @param outgoing takes what leaves with this turn
   */
  flush(appliedIdx: number, outgoing: Told[]): void {
    const { route } = this;
    this.out.drain(appliedIdx, (frame) => {
      this.#unreadBytes += frame.length;
      outgoing.push({ route, frame });
    });
  }
}

/** A client that only knows the cluster's secret has no user name. */
function clientOf({ actor, remote = "" }: WatchRoute): string {
  const name = actor?.name ?? "";
  if (name !== "") return `user ${printable(name)}`;
  const address = addressOf(remote);
  return address.includes(":") ? `the network ${address}::/64` : `the address ${address}`;
}
