/**
 * A client that watches, over raw frames: it stops reading for a while, moves from node to node, goes on from where it was, and
 * begins anew when it is told that the revision it needs is compacted. watch-check checks what it was told against the decided log
 * when the run is over.
 *
 * Invariants:
 *   WATCHER-1. A node that is cut off for long has told the clients that watch there, and tells them too when it is fed again for as
 *       long.
 *   WATCHER-2. Where disks may go back, no watch goes on at a node whose history has another change than the newest that its client was
 *       told of: the client is told an error (SeenCheck), never a gap.
 */
import { assert, byteStringOf, KvError } from "../../base/index.ts";
import {
  clientSignIn,
  type CredentialOptions,
  KnownCluster,
  type LinkSignIn,
  NodeLink,
  SeenCheck,
} from "../../client/core/index.ts";
import type { NodeAddress } from "../../client/terms/index.ts";
import {
  isFeedFrame,
  type WatchEvent,
  watchesFrame,
  type WatchRequest,
} from "../../protocol/client/index.ts";
import { type KvState, readAt } from "../../store/index.ts";
import { LIMITED_KEYS, LIMITED_KEYS_COUNT } from "./access-changes.ts";
import type { Coverage } from "./coverage.ts";
import type { SeededRandom } from "../../machine/ports/index.ts";
import type { SimClock } from "./sim-clock.ts";
import type { SimNetwork } from "./sim-network.ts";
import type { WatchedWish, WatchRecord } from "./watch-check.ts";
import { nextOf, type NotesListener, WatchNotes } from "./watch-notes.ts";

export interface WatcherOptions {
  readonly index: number;
  readonly clock: SimClock;
  readonly network: SimNetwork;
  readonly random: SeededRandom;
  readonly coverage: Coverage;
  readonly nodes: readonly NodeAddress[];
  readonly keys: number;
  /** Where users are told apart: of one who may read everything, if it is not `user`. */
  readonly credentials: CredentialOptions;
  /** One with limited rights, who watches the keys that these are about; null: who may read everything. */
  readonly user: string | null;
  /** After so long cut off, or fed again, without a word a node is at fault. */
  readonly isolatedMs: number;
  /** Whether no leader feeds this node. Null: it does not run. */
  isCutOff(node: number): boolean | null;
  /** Which process of it runs there. */
  lifeOf(node: number): number;
  /** Disks may go back: it looks whether nodes have what it has seen. */
  readonly checksSeen: boolean;
  /** Of users and rights, at any node until now. */
  newestEpoch(): number;
  /** What a node has applied. Null: it does not run. */
  stateOf(node: number): KvState | null;
  /** It has noticed that a node's log is not the one it knows. */
  readonly onWrongCluster: (text: string) => void;
}

const WATCHES = 4;
const LOOK_MS = 20;
/** A connection that is silent for longer than a few hundred milliseconds ends. */
const STALLS_MS = [20, 100, 300];
const encoder = new TextEncoder();

/** What is watched from the first node to the last. */
interface Line {
  readonly wish: WatchedWish;
  record: WatchRecord | null;
  /** On the connection at hand; 0: it is not open. */
  number: number;
  /** First revision not told yet; null: none was ever. */
  next: number | null;
}

export class Watcher {
  readonly records: WatchRecord[] = [];
  readonly #options: WatcherOptions;
  readonly #host: string;
  readonly #lines: readonly Line[];
  readonly #signIn: LinkSignIn | null;
  readonly #cluster = new KnownCluster();
  readonly #seen = new SeenCheck(this.#cluster);
  /** The newest change that it was told of. */
  #newest: { readonly revision: number; readonly event: WatchEvent } | null = null;
  /** WATCHER-2: a watch has begun on this connection. */
  #hasBegun = false;
  #link: NodeLink | null = null;
  #notes = new WatchNotes();
  #nextNumber = 1;
  #node = 0;
  /** Of the process at the other end: one that has died says nothing, and its successor knows nothing of this client. */
  #life = 0;
  #stalledUntil = 0;
  /** WATCHER-1: how the node stands, and since when this client could have been told. */
  #isCutOff: boolean | null = null;
  #since: number | null = null;
  #isSettling = false;
  #stopped = false;

  constructor(options: WatcherOptions) {
    this.#options = options;
    this.#host = `${options.user === null ? "w" : "v"}${options.index}`;
    this.#signIn = clientSignIn({ clock: options.clock.fork(), ...options.credentials });
    this.#lines = Array.from({ length: WATCHES }, () => ({
      wish: this.#drawWish(),
      record: null,
      number: 0,
      next: null,
    }));
  }

  start(): void {
    this.#look();
  }

  /** After each event: a node that is fed for a moment between two looks begins to count anew, as it does itself. */
  observe(): void {
    if (this.#since !== null && this.#standing() !== this.#isCutOff) this.#since = null;
  }

  /** No more moves, nor pauses: it is to come level. */
  settle(): void {
    this.#isSettling = true;
    if (this.#node > 0) this.#unstall();
  }

  stop(): void {
    this.#stopped = true;
    this.#link?.close();
  }

  /** Null: it may read everything. */
  get user(): string | null {
    return this.#options.user;
  }

  /** What it watches now, or would. */
  get wishes(): readonly { readonly wish: WatchedWish; readonly isOpen: boolean }[] {
    return this.#lines.map(({ wish, record }) => {
      const isOpen = record !== null && record.created !== null && record.ended === null;
      return { wish, isOpen };
    });
  }

  /** Everything up to this revision was told, of what it may watch. */
  isLevel(revision: number, may: (wish: WatchedWish) => boolean = () => true): boolean {
    return this.#lines.every(({ wish, record, number }) => {
      if (!may(wish)) return record === null || record.created === null;
      const next = record === null ? null : nextOf(record);
      return number > 0 && next !== null && next > revision;
    });
  }

  #drawWish(): WatchedWish {
    const { random, keys, user } = this.#options;
    if (user !== null) return this.#limitedWish();
    const key = `k${random.below(keys)}`;
    const [start, end] = random.pick([
      ["", null],
      ["k", "l"],
      [key, `${key}\0`],
      [key, `${key}\0`],
      [key, null],
      ["", key === "" ? null : `${key}z`],
    ] as const);
    const only = random.pick(["both", "both", "puts", "deletes"] as const);
    return {
      start,
      end,
      from: random.chance(0.5) ? random.pick([1, 1, 3, 40]) : null,
      previous: random.chance(0.5),
      puts: only !== "deletes",
      deletes: only !== "puts",
    };
  }

  /** A key, or a few: of rights on one of them some cover all, and some do not. */
  #limitedWish(): WatchedWish {
    const { random } = this.#options;
    const first = random.pick([0, 0, 1, 3]);
    const last = random.pick([first + 1, first + 1, 3, LIMITED_KEYS_COUNT]);
    return {
      start: `${LIMITED_KEYS}${first}`,
      end: `${LIMITED_KEYS}${Math.max(last, first + 1)}`,
      from: random.chance(0.5) ? random.pick([1, 1, 3, 40]) : null,
      previous: random.chance(0.5),
      puts: true,
      deletes: random.chance(0.7),
    };
  }

  #look(): void {
    const { clock } = this.#options;
    clock.after(LOOK_MS, () => {
      if (this.#stopped) return;
      this.#act();
      this.#look();
    });
  }

  #act(): void {
    const { random, clock } = this.#options;
    const link = this.#link;
    if (link === null) return this.#dial();
    if (!link.isOpen) return;
    if (this.#stalledUntil > 0 && clock.now() >= this.#stalledUntil) this.#unstall();
    this.#checkSaid();
    if (!this.#seen.hasPassed) {
      return this.#seen.ask(link, { start: encoder.encode("k"), end: encoder.encode("l") });
    }
    for (const line of this.#lines) if (line.number === 0) this.#create(line);
    if (this.#isSettling) return this.#askProgress();
    switch (random.below(40)) {
      case 0:
      case 1:
        return this.#stall();
      case 2:
        this.#count("moves");
        return link.drop();
      case 3:
      case 4:
        return this.#askProgress();
      case 5: {
        const { number } = random.pick(this.#lines);
        if (number > 0) this.#send({ kind: "cancel", watch: number });
        return;
      }
      default:
    }
  }

  #dial(): void {
    const { random, nodes, clock, network } = this.#options;
    const node = random.pick(nodes);
    this.#node = node.id;
    this.#life = this.#options.lifeOf(node.id);
    const lost = (): void => this.#lost();
    const { checksSeen } = this.#options;
    const life = this.#life;
    const notes = new WatchNotes(
      {
        ended: (number, record) => this.#onEnded(number, record),
        ...(checksSeen ? this.#comparing : {}),
      },
      {
        atLeast: () => this.#epochAt(node.id, life) ?? 0,
        atMost: () => this.#epochAt(node.id, life) ?? this.#options.newestEpoch(),
      },
    );
    const options = {
      clock: clock.fork(),
      random: random.fork("link"),
      network: network.host(this.#host),
      clusterId: null,
      secret: null,
      connectTimeoutMs: 200,
      signIn: this.#signIn,
      ...(checksSeen ? { meet: this.#cluster.meet.bind(this.#cluster) } : {}),
    };
    this.#hasBegun = false;
    const link: NodeLink = new NodeLink(node, "client", options, {
      onOpen: () => {
        if (checksSeen) this.#seen.begin();
      },
      onFrame: (frame) => {
        if (!link.isOpen) return;
        this.#orLeave(link, () => {
          if (isFeedFrame(frame)) notes.frame(frame);
          else if (this.#seen.isUnderWay) this.#onSeen(link, frame);
        });
      },
      onLost: lost,
      onUnreachable: lost,
    });
    this.#link = link;
    this.#notes = notes;
    link.open();
  }

  /** What the client library does with each frame (WatchFeed). */
  get #comparing(): Partial<NotesListener> {
    const isOfKnownLog = (): boolean => this.#link?.asksForOrigin === false;
    return {
      stateTold: (idx) => {
        const link = this.#link;
        if (link === null) return;
        this.#seen.checkState(idx, link);
        if (isOfKnownLog()) this.#cluster.answered(idx, 0, link);
      },
      created: () => this.#checkHistory(),
      eventsTold: (revision, told) => {
        const event = told.at(-1);
        if (event === undefined || !isOfKnownLog()) return;
        this.#seen.told(revision, event);
        if (revision >= (this.#newest?.revision ?? 0)) this.#newest = { revision, event };
      },
    };
  }

  #onSeen(link: NodeLink, frame: Uint8Array): void {
    const error = this.#seen.answered(link, frame);
    if (error !== null) throw error;
    this.#count("at a node that has what was seen");
  }

  #orLeave(link: NodeLink, take: () => void): void {
    try {
      take();
    } catch (error) {
      if (!(error instanceof KvError)) throw error;
      this.#count(`a node that lacks what was seen is left with ${error.code}`);
      if (error.code === "WRONG_CLUSTER") this.#options.onWrongCluster(error.message);
      link.drop(error);
    }
  }

  /** WATCHER-2. What is too far back is in the history of neither. */
  #checkHistory(): void {
    const state = this.#options.stateOf(this.#node);
    const isFirst = !this.#hasBegun;
    this.#hasBegun = true;
    if (this.#newest === null || state === null || !isFirst) return;
    if (this.#options.lifeOf(this.#node) !== this.#life) return;
    const { revision, event } = this.#newest;
    const { history } = state.cells;
    if (revision < history.oldest || revision > state.revision) return;
    const key = byteStringOf(event.key);
    const stored = readAt(key, state.cells.newest(key), revision, history, { cells: 0 });
    const [told, has] = [event.put?.value, stored?.value];
    const isSame = (told === undefined ? undefined : byteStringOf(told)) === has;
    assert(
      isSame,
      `${this.#host} goes on at n${this.#node}, which has another revision ${revision}`,
    );
  }

  #lost(): void {
    this.#unstall();
    this.#link?.close();
    this.#link = null;
    this.#since = null;
    for (const line of this.#lines) this.#remember(line);
  }

  /** Where it is to go on. */
  #remember(line: Line): void {
    if (line.record !== null) line.next = nextOf(line.record) ?? line.next;
    line.number = 0;
    line.record = null;
  }

  #create(line: Line): void {
    const from = line.next ?? line.wish.from;
    const wish = { ...line.wish, from };
    line.number = this.#nextNumber++;
    line.record = this.#notes.asked(line.number, `${this.#host} at n${this.#node}`, wish);
    this.records.push(line.record);
    this.#count(from === null ? "created from now" : "created from a revision");
    this.#send({
      kind: "create",
      watch: line.number,
      wish: {
        ...wish,
        notices: true,
        start: encoder.encode(wish.start),
        end: wish.end === null ? null : encoder.encode(wish.end),
      },
    });
  }

  #onEnded(number: number, record: WatchRecord): void {
    const line = this.#lines.find((each) => each.number === number);
    assert(line !== undefined && record.ended !== null, `${this.#host} has no watch ${number}`);
    const { code, revision } = record.ended;
    this.#count(`ended with ${code}${record.created === null ? ", never created" : ""}`);
    this.#remember(line);
    if (code === "UNAUTHENTICATED") {
      this.#notes.signsInAgain();
      this.#link?.signInAgain();
    }
    // Now and then at the oldest revision itself, of which the change is not kept.
    const { random } = this.#options;
    if (code === "COMPACTED") line.next = random.chance(0.2) ? Math.max(1, revision) : revision + 1;
  }

  /** Of the process that was dialed; null: it has died, and another one may be at the other end. */
  #epochAt(node: number, life: number): number | null {
    const options = this.#options;
    const state = options.lifeOf(node) === life ? options.stateOf(node) : null;
    return state?.access.epoch ?? null;
  }

  #askProgress(): void {
    const asked = this.#lines.filter(({ number }) => number > 0);
    for (const { number } of asked) this.#send({ kind: "progress", watch: number });
  }

  #send(request: WatchRequest<Uint8Array>): void {
    this.#link?.send(watchesFrame([request]));
  }

  /** Reads nothing for a while: what it is sent gathers at the node. */
  #stall(): void {
    if (this.#stalledUntil > 0) return;
    const { random, clock } = this.#options;
    this.#count("stalls");
    this.#stalledUntil = clock.now() + random.pick(STALLS_MS);
    this.#hold("blackHole");
  }

  #unstall(): void {
    if (this.#stalledUntil === 0) return;
    this.#stalledUntil = 0;
    this.#hold("none");
  }

  #hold(cut: "blackHole" | "none"): void {
    const { network, nodes } = this.#options;
    const host = nodes.find(({ id }) => id === this.#node)?.host ?? "";
    network.setPath(host, this.#host, { cut });
    this.#since = null;
  }

  /** WATCHER-1. */
  #checkSaid(): void {
    const { clock, isolatedMs } = this.#options;
    const isOpen = this.#lines.some(({ record }) => record !== null && record.created !== null);
    const isCutOff = this.#standing();
    if (!isOpen || this.#stalledUntil > 0 || isCutOff === null) {
      this.#since = null;
      return;
    }
    this.#isCutOff = isCutOff;
    this.#since ??= clock.now();
    if (clock.now() - this.#since < isolatedMs) return;
    const { hearsLeader } = this.#notes;
    if (isCutOff) this.#count("at a node that is cut off, and says so");
    const what = isCutOff ? "is cut off, and says nothing" : "is fed, and says that it is cut off";
    assert(hearsLeader !== isCutOff, `n${this.#node} ${what}: ${this.#host}`);
  }

  /** Of the process that this client has a connection with. Null: it does not run. */
  #standing(): boolean | null {
    const isTheSame = this.#options.lifeOf(this.#node) === this.#life;
    return isTheSame ? this.#options.isCutOff(this.#node) : null;
  }

  #count(what: string): void {
    const { coverage, user } = this.#options;
    coverage.hit(`${user === null ? "watch" : "limited watch"}: ${what}`);
  }
}
