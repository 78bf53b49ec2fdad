/**
 * The watches of a client, all on one connection, which goes from node to node: to the next one when it is lost, when the node
 * says that it does not hear the leader, and when it is silent. It is a connection of its own: watches and requests do not delay
 * each other, and a node that cannot serve the ones may well serve the others.
 *
 * Invariants:
 *   WATCHFEED-1. A number on a connection is given to one watch and never again, so late events for a watch that was given up are
 *       recognized.
 *   WATCHFEED-2. The client takes nothing from a node whose origin it has not compared (KnownCluster, SAMECLUSTER-4): such events end the
 *       connection, and the next one tells the origin.
 *   WATCHFEED-3. When a watch's queue is full the client cancels the watch at the node, and asks for it again from its next revision when
 *       there is room. No other watch waits for it.
 *   WATCHFEED-4. Silence and waiting are counted in ticks of this process: while it did not run, no node was silent.
 *   WATCHFEED-5. When a node does not know which user asks, the client signs in anew, once for each time that a watch was held, and asks
 *       again.
 *   WATCHFEED-6. The client asks nothing of a node, and takes nothing from it, before the node has shown that it has what this client has
 *       seen (SeenCheck). The client leaves a node that lacks it for good, and ends what is open there, whichever connection has noticed.
 *       When it has left most nodes so, and cannot reach the others, the watches end: without most nodes the log that the client knows
 *       does not go on.
 */
import {
  CLIENT_FRAME_BYTES_MAX,
  type ErrorCode,
  FRAME_COMMANDS_MAX,
  KvError,
} from "../../base/index.ts";
import type { CancelTimer, Clock } from "../../machine/ports/index.ts";
import {
  ALL_WATCHES,
  decodeFeed,
  type FeedHandler,
  isFeedFrame,
  watchesFrame,
  type WatchRequest,
} from "../../protocol/client/index.ts";
import { DecodeError } from "../../protocol/codec/index.ts";
import { type KnownCluster, type LinkOptions, NodeLink, SeenCheck } from "../core/index.ts";
import type { Endpoint } from "../terms/index.ts";
import { WatchLine, type WatchAsked } from "./watch-line.ts";
import type { HeldBytes } from "./watch-queue.ts";

const TICK_MS = 250;
/** A node from which nothing came for so many of its intervals of progress, and one second, is left. */
const SILENT_INTERVALS = 2;
const SILENT_MS = 1000;
/** Pause before all nodes are tried again, doubled each time. */
const PAUSE_MS_MIN = 50;
const PAUSE_MS_MAX = 2000;
/**
 * With the next watch that it asks for, and after so long at the latest, the client tells the node which watches have ended: a client that
 * makes watches again and again, as requests for locks do, needs no frame to end them. Late events are passed over (WATCHFEED-1).
 */
const CANCEL_MS = 100;
/** What a request takes beside the bounds of its range, at most. */
const REQUEST_BYTES = 32;

export interface WatchFeedOptions {
  readonly clock: Clock;
  readonly link: LinkOptions;
  readonly cluster: KnownCluster;
  /** At least one. */
  readonly nodes: readonly Endpoint[];
  /** Which of them is asked first. */
  readonly first: number;
  /** Within which a node must say that a watch holds. */
  readonly attemptTimeoutMs: number;
  /** A watch that has not begun ends when each node was tried once. */
  readonly failFast: boolean;
  readonly held: HeldBytes;
}

export class WatchFeed {
  readonly #options: WatchFeedOptions;
  readonly #links: readonly NodeLink[];
  readonly #handler: FeedHandler;
  /** Why each node was left, or not reached, the last time. */
  readonly #errors: (KvError | null)[];
  readonly #lines = new Set<WatchLine>();
  readonly #byNumber = new Map<number, WatchLine>();
  /** WATCHFEED-6. */
  readonly #seen: SeenCheck;
  #lastError: KvError | null = null;
  #nextNumber = 1;
  #at: number;
  /** Nodes that were tried without success since all was well. */
  #tried = 0;
  #toAsk = new Set<WatchLine>();
  #toCancel: number[] = [];
  #flushScheduled = false;
  #cancelTick: CancelTimer | null = null;
  #cancelFlush: CancelTimer | null = null;
  #cancelPause: CancelTimer | null = null;
  #pauseMs = PAUSE_MS_MIN;
  /** The connection is being ended: nothing more is taken from it. */
  #leaving = false;
  #standing = true;
  #silentMs = 0;
  /** For how long a watch was asked for and none was created. */
  #unansweredMs = 0;
  #progressMs = 0;
  #closed = false;

  constructor(options: WatchFeedOptions) {
    this.#options = options;
    this.#at = options.first % options.nodes.length;
    this.#errors = options.nodes.map(() => null);
    this.#seen = new SeenCheck(options.cluster);
    this.#links = options.nodes.map(
      (node, index) =>
        new NodeLink(node, "client", options.link, {
          onOpen: () => this.#onOpen(),
          onFrame: (frame) => this.#onFrame(frame),
          onLost: (error) => this.#onGone(index, error),
          onUnreachable: (error) => this.#onGone(index, error),
        }),
    );
    this.#handler = {
      appliedIdx: (idx) => this.#onAppliedIdx(idx),
      created: (watch, revision, progressMs) => {
        this.#progressMs = progressMs;
        this.#unansweredMs = 0;
        this.#byNumber.get(watch)?.created(revision);
      },
      events: (watch, revision, events, more) => {
        const line = this.#byNumber.get(watch);
        if (line === undefined) return;
        if (this.#link.asksForOrigin) throw new DecodeError("whose events they are is not known"); // WATCHFEED-2
        const last = events.at(-1);
        if (last !== undefined) this.#seen.told(revision, last);
        try {
          if (line.events(revision, events, more) === "full") this.#give(line);
        } catch (error) {
          if (!(error instanceof KvError)) throw error;
          this.end(line, error);
        }
      },
      progress: (watch, revision) => {
        if (watch !== ALL_WATCHES) return this.#byNumber.get(watch)?.progress(revision);
        for (const line of this.#byNumber.values()) if (line.isHeld) line.progress(revision);
      },
      ended: (watch, code, text, revision) => this.#onEnded(watch, code, text, revision),
      standing: (hearsLeader) => this.#onStanding(hearsLeader),
    };
  }

  /** Watches that are not over. */
  get count(): number {
    return this.#lines.size;
  }

  /** The node that is asked now. */
  get node(): number {
    return this.#link.id;
  }

  open(asked: WatchAsked): WatchLine {
    if (this.#closed) {
      const closed = new KvError("CANCELLED", "the client is closed", { definite: true });
      return this.refuse(asked, closed);
    }
    const line = new WatchLine(asked, this.#options.held);
    this.#lines.add(line);
    this.#ask(line);
    this.#cancelTick ??= this.#options.clock.after(TICK_MS, () => this.#tick());
    return line;
  }

  /** A watch that is over before it begins. */
  refuse(asked: WatchAsked, error: KvError): WatchLine {
    const line = new WatchLine(asked, this.#options.held);
    line.end(error);
    return line;
  }

  /** The next item of a watch, which may be still to come. */
  take(line: WatchLine): ReturnType<WatchLine["queue"]["take"]> {
    const taken = line.queue.take();
    const waitsForRoom = line.number === 0 && !this.#toAsk.has(line) && this.#lines.has(line);
    if (waitsForRoom && line.queue.isLow) this.#ask(line);
    return taken;
  }

  /** Ends a watch. @param error null: the reader is told that there are no more events */
  end(line: WatchLine, error: KvError | null): void {
    if (!this.#lines.delete(line)) return;
    if (this.#giveUp(line)) {
      this.#cancelFlush ??= this.#options.clock.after(CANCEL_MS, () => this.#flush());
    }
    this.#toAsk.delete(line);
    line.end(error);
  }

  /** A node has shown, on any connection, that it lacks what this client has seen (WATCHFEED-6). */
  left(name: string, error: KvError): void {
    if (this.#link.name === name) this.#leave(error);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const line of this.#lines) {
      line.queue.clear();
      line.end(new KvError("CANCELLED", "client closed"));
    }
    this.#lines.clear();
    this.#cancelTick?.();
    this.#cancelPause?.();
    this.#cancelFlush?.();
    for (const link of this.#links) link.close();
  }

  get #link(): NodeLink {
    const link = this.#links[this.#at];
    if (link === undefined) throw new KvError("BAD_REQUEST", "nodes: expected at least one");
    return link;
  }

  #ask(line: WatchLine): void {
    this.#toAsk.add(line);
    this.#scheduleFlush();
  }

  /** WATCHFEED-3. */
  #give(line: WatchLine): void {
    if (this.#giveUp(line)) this.#scheduleFlush();
    if (line.queue.isLow) this.#ask(line);
  }

  /** The watch is not served here any more. @returns whether the node must be told */
  #giveUp(line: WatchLine): boolean {
    const { number } = line;
    if (number !== 0) {
      this.#byNumber.delete(number);
      this.#toCancel.push(number);
    }
    line.interrupted();
    return number !== 0;
  }

  #scheduleFlush(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    this.#options.clock.endOfTurn(() => {
      this.#flushScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    this.#cancelFlush?.();
    this.#cancelFlush = null;
    if (this.#closed || this.#leaving) return;
    if (!this.#link.isOpen) {
      this.#toCancel = [];
      if (this.#toAsk.size > 0 && this.#cancelPause === null) this.#link.open();
      return;
    }
    if (!this.#seen.hasPassed) {
      const [first] = this.#toAsk;
      if (first !== undefined) this.#seen.ask(this.#link, first.wish);
      return;
    }
    let requests: WatchRequest<Uint8Array>[] = [];
    let bytes = 0;
    const send = (): void => {
      if (requests.length > 0) this.#link.send(watchesFrame(requests));
      requests = [];
      bytes = 0;
    };
    const add = (request: WatchRequest<Uint8Array>, more: number): void => {
      if (requests.length === FRAME_COMMANDS_MAX || bytes + more > CLIENT_FRAME_BYTES_MAX) send();
      requests.push(request);
      bytes += more;
    };
    for (const watch of this.#toCancel) add({ kind: "cancel", watch }, REQUEST_BYTES);
    for (const line of this.#toAsk) {
      const { wish } = line;
      line.number = this.#nextNumber++;
      this.#byNumber.set(line.number, line);
      const length = wish.start.length + (wish.end?.length ?? 0) + REQUEST_BYTES;
      add({ kind: "create", watch: line.number, wish }, length);
    }
    send();
    this.#toCancel = [];
    this.#toAsk.clear();
  }

  #onOpen(): void {
    this.#errors[this.#at] = null;
    this.#standing = true;
    this.#silentMs = 0;
    this.#unansweredMs = 0;
    this.#seen.begin();
    this.#flush();
  }

  #onFrame(frame: Uint8Array): void {
    if (this.#leaving) return;
    const isFeed = isFeedFrame(frame);
    if (!isFeed && !this.#seen.isUnderWay) return;
    this.#silentMs = 0;
    try {
      if (isFeed) decodeFeed(frame, this.#handler);
      else this.#onSeen(frame);
    } catch (error) {
      if (error instanceof KvError) this.#leave(error);
      else if (!(error instanceof DecodeError)) throw error;
      else this.#leave(new KvError("CONNECTION_LOST", `${this.#link.name}: ${error.message}`));
    }
  }

  #onSeen(frame: Uint8Array): void {
    const error = this.#seen.answered(this.#link, frame);
    if (error !== null) return this.#leave(error);
    this.#unansweredMs = 0;
    this.#flush();
  }

  #onAppliedIdx(idx: number): void {
    const link = this.#link;
    this.#seen.checkState(idx, link);
    if (!link.asksForOrigin) this.#options.cluster.answered(idx, 0, link);
  }

  #onEnded(watch: number, code: ErrorCode, text: string, revision: number): void {
    const line = this.#byNumber.get(watch);
    if (line === undefined) return;
    this.#byNumber.delete(watch);
    line.interrupted();
    const name = this.#link.name;
    if (code === "COMPACTED") {
      const wanted = `${name}: the events from revision ${line.next ?? 0} on are not kept any more`;
      const oldest = `the oldest state is that of revision ${revision}`;
      const error = new KvError(code, `${wanted}, ${oldest}`, { oldestRevision: revision });
      return this.end(line, error);
    }
    const error = new KvError(code, `${name}: ${text === "" ? code : text}`);
    if (code === "UNAUTHENTICATED" && this.#mayAskAgain(line)) return this.#ask(line);
    const isOneTooMany = code === "OVERLOADED" && !line.hasBegun;
    if (isOneTooMany || !(error.retryable || code === "CANCELLED")) return this.end(line, error);
    this.#toAsk.add(line);
    this.#leave(error);
  }

  /** WATCHFEED-5. */
  #mayAskAgain(line: WatchLine): boolean {
    if (this.#options.link.signIn == null || line.signedInAgain) return false;
    line.signedInAgain = true;
    this.#link.signInAgain();
    return true;
  }

  #onStanding(hearsLeader: boolean): void {
    this.#standing = hearsLeader;
    if (hearsLeader || this.#links.length === 1) return;
    if (this.#tried + 1 < this.#links.length) return this.#leave(this.#isolated());
    // The client has tried all. As long as no node hears a leader, one is as good as another.
    this.#pause(() => {
      this.#tried = 0;
      if (!this.#standing && this.#link.isOpen) this.#leave(this.#isolated());
    });
  }

  #isolated(): KvError {
    return new KvError("NO_QUORUM", `${this.#link.name} does not hear the leader`);
  }

  /** The connection ends, and `#onGone` goes on. */
  #leave(error: KvError): void {
    if (this.#leaving || !this.#link.isOpen) return;
    this.#leaving = true;
    this.#link.drop(error);
  }

  #onGone(index: number, error: KvError): void {
    this.#leaving = false;
    this.#errors[index] = error;
    this.#lastError = error;
    this.#cancelPause?.();
    this.#cancelPause = null;
    for (const line of this.#byNumber.values()) {
      line.interrupted();
      this.#toAsk.add(line);
    }
    this.#byNumber.clear();
    this.#toCancel = [];
    // A wrong password is wrong at every node, and each attempt costs one.
    if (error.code === "UNAUTHENTICATED") for (const line of this.#lines) this.end(line, error);
    this.#at = (index + 1) % this.#links.length;
    this.#tried += 1;
    if (this.#tried < this.#links.length) return this.#scheduleFlush();
    this.#tried = 0;
    const wrong = this.#errors.filter((each) => each?.code === "WRONG_CLUSTER");
    const down = this.#errors.filter((each) => each?.code === "CONNECTION_FAILED");
    const { length } = this.#links;
    const isLost = 2 * wrong.length > length && wrong.length + down.length === length;
    for (const line of this.#lines) {
      if (isLost) this.end(line, wrong.at(-1) ?? error);
      else if (this.#options.failFast && !line.hasBegun) this.end(line, error);
    }
    this.#pause(() => this.#flush());
  }

  #pause(then: () => void): void {
    this.#cancelPause?.();
    this.#cancelPause = this.#options.clock.after(this.#pauseMs, () => {
      this.#cancelPause = null;
      then();
    });
    this.#pauseMs = Math.min(2 * this.#pauseMs, PAUSE_MS_MAX);
  }

  #tick(): void {
    this.#cancelTick = null;
    let waiting = 0;
    for (const line of this.#lines) {
      if (line.isHeld || (line.number === 0 && !this.#toAsk.has(line))) continue;
      if (line.number !== 0) waiting += 1;
      line.unservedMs += TICK_MS;
      if (line.unservedMs >= line.timeoutMs) this.end(line, this.#late(line));
    }
    this.#look(waiting);
    if (this.#lines.size === 0) return;
    this.#cancelTick = this.#options.clock.after(TICK_MS, () => this.#tick());
  }

  /** Whether the node still serves. @param waiting watches that it has not created */
  #look(waiting: number): void {
    const { isUnderWay } = this.#seen;
    if (!this.#link.isOpen || (this.#byNumber.size === 0 && !isUnderWay)) return;
    this.#silentMs += TICK_MS;
    this.#unansweredMs = waiting > 0 || isUnderWay ? this.#unansweredMs + TICK_MS : 0;
    const ms = SILENT_INTERVALS * this.#progressMs + SILENT_MS;
    if (this.#unansweredMs >= this.#options.attemptTimeoutMs) {
      this.#leave(this.#silent(this.#unansweredMs));
    } else if (isUnderWay) return;
    else if (waiting === 0 && this.#silentMs >= ms) this.#leave(this.#silent(this.#silentMs));
    else if (waiting === 0 && this.#standing) {
      this.#tried = 0;
      this.#pauseMs = PAUSE_MS_MIN;
      this.#lastError = null;
    }
  }

  #silent(ms: number): KvError {
    return new KvError("TIMEOUT", `${this.#link.name} said nothing for ${ms} ms`);
  }

  #late({ timeoutMs }: WatchLine): KvError {
    const known = this.#errors.find((error) => error?.code === "WRONG_CLUSTER");
    const text = `no node has served the watch for ${timeoutMs} ms`;
    return known ?? this.#lastError ?? new KvError("TIMEOUT", text);
  }
}
