/**
 * Watches of the nodes of a FakeCluster: one history for all of them, told as the wire says, and as badly as a test wants.
 */
import { byteStringOf } from "../../src/base/byte-string.ts";
import { SESSION_NONCE_BYTES } from "../../src/base/limits.ts";
import { GroupWriter, NO_SESSION } from "../../src/store/commands/index.ts";
import type { Connection } from "../../src/machine/ports/network.ts";
import {
  ALL_WATCHES,
  eventBytes,
  FeedWriter,
  type WatchRequest,
  type WatchWish,
} from "../../src/protocol/client/client.ts";
import type { ByteString } from "../../src/base/byte-string.ts";
import { RANGE_PAGE, type StoredValue } from "../../src/store/index.ts";
import { Readable } from "../../src/replica/reads/readable.ts";
import type { FakeCluster, FakeNode } from "./fake-cluster.ts";

export interface Change {
  readonly key: string;
  /** Null: deleted. */
  readonly value: string | null;
}

interface Open {
  readonly wish: WatchWish<ByteString>;
  next: number;
}

export interface Manners {
  /** Events in one record; more of a revision come in further ones. */
  eventsPerRecord: number;
  /** The connection ends after so many records of events. */
  dieAfter: number;
  /** Every batch is told twice. */
  repeats: boolean;
  hearsLeader: boolean;
  /** Frames come in and nothing goes out. */
  mute: boolean;
  /** The first revision that a watch is said to hold from is so much later than it was asked for. */
  late: number;
}

/** The state of a node, and at revisions of the history what that says: every change there is the first of its key. */
class WithHistory extends Readable {
  readonly #history: () => Change[][];

  constructor(node: FakeNode, history: () => Change[][]) {
    super(() => node.state, RANGE_PAGE);
    this.#history = history;
  }

  override get revision(): number {
    return Math.max(super.revision, this.#history().length);
  }

  override readAt(key: ByteString, revision: number): StoredValue | undefined {
    const change = this.#history()[revision - 1]?.find((each) => each.key === key);
    if (change === undefined) return super.readAt(key, revision);
    if (change.value === null) return undefined;
    const value = byteStringOf(Buffer.from(change.value));
    return { value, createRevision: 1, modRevision: revision, version: 1 };
  }
}

export class FakeWatches {
  /** By revision, from 1 on. */
  readonly history: Change[][] = [];
  /** Of the oldest state. */
  oldest = 0;
  readonly progressMs: number;
  /** What each node was asked, in order: "node 1 watches a from 3". */
  readonly asked: string[] = [];
  readonly #manners = new Map<number, Manners>();
  readonly #open = new Map<Connection, { readonly node: number; readonly by: Map<number, Open> }>();
  readonly #cluster: FakeCluster;

  /** @param hasOrigin the cluster was used before */
  constructor(cluster: FakeCluster, progressMs = 1000, hasOrigin = true) {
    this.#cluster = cluster;
    this.progressMs = progressMs;
    if (hasOrigin) this.beUsed();
    this.serve();
    this.#notice();
  }

  serve(): void {
    for (const node of this.#cluster.nodes) {
      node.watches = (requests, connection) => this.#take(requests, connection, node);
      node.readable = new WithHistory(node, () => this.history);
    }
  }

  /** Somebody opens a session, by which the log gets its origin. */
  beUsed(): void {
    const writer = new GroupWriter();
    writer.add(1, { kind: "openSession", nonce: new Uint8Array(SESSION_NONCE_BYTES) });
    this.#cluster.apply(writer.take(NO_SESSION, 0));
  }

  manners(node: number): Manners {
    const known = this.#manners.get(node);
    if (known !== undefined) return known;
    const manners: Manners = {
      eventsPerRecord: Infinity,
      dieAfter: Infinity,
      repeats: false,
      hearsLeader: true,
      mute: false,
      late: 0,
    };
    this.#manners.set(node, manners);
    return manners;
  }

  /** Watches that nodes have open now. */
  get count(): number {
    let count = 0;
    for (const { by } of this.#open.values()) count += by.size;
    return count;
  }

  /** @returns the revision */
  change(...changes: Change[]): number {
    this.history.push(changes);
    for (const connection of this.#open.keys()) this.#feed(connection);
    return this.history.length;
  }

  standing(node: number, hearsLeader: boolean): void {
    this.manners(node).hearsLeader = hearsLeader;
    for (const [connection, open] of this.#open) {
      if (open.node === node) this.#send(connection, (out) => out.standing(hearsLeader));
    }
  }

  #take(requests: readonly WatchRequest[], connection: Connection, node: FakeNode): void {
    if (!this.#open.has(connection)) this.#open.set(connection, { node: node.id, by: new Map() });
    const { by } = this.#open.get(connection)!;
    const manners = this.manners(node.id);
    for (const request of requests) {
      const { watch } = request;
      if (request.kind === "cancel") {
        if (!by.delete(watch)) continue;
        this.#send(connection, (out) => out.ended(watch, "CANCELLED", "", 0));
        continue;
      }
      if (request.kind === "progress") continue;
      const { wish } = request;
      const next = (wish.from ?? this.history.length + 1) + manners.late;
      this.asked.push(`node ${node.id} watches ${wish.start} from ${wish.from}`);
      if (next <= this.oldest) {
        this.#send(connection, (out) => out.ended(watch, "COMPACTED", "", this.oldest));
        continue;
      }
      by.set(watch, { wish, next });
      this.#send(connection, (out) => out.created(watch, next, this.progressMs));
    }
    if (!manners.hearsLeader) this.#send(connection, (out) => out.standing(false));
    this.#feed(connection);
  }

  #feed(connection: Connection): void {
    const { node, by } = this.#open.get(connection)!;
    const manners = this.manners(node);
    for (const [watch, open] of by) {
      for (; open.next <= this.history.length; open.next++) {
        const events = this.#eventsOf(open.wish, open.next);
        for (let times = manners.repeats ? 2 : 1; times > 0; times--) {
          for (let i = 0; i < events.length; i += manners.eventsPerRecord) {
            const some = events.slice(i, i + manners.eventsPerRecord);
            const more = i + manners.eventsPerRecord < events.length;
            this.#send(connection, (out) => out.events(watch, open.next, some, more));
            manners.dieAfter -= 1;
            if (manners.dieAfter > 0) continue;
            manners.dieAfter = Infinity;
            this.#open.delete(connection);
            // What was sent goes out first.
            return connection.close("told to");
          }
        }
      }
    }
  }

  #eventsOf({ start, end, puts, deletes }: WatchWish<ByteString>, revision: number): Uint8Array[] {
    return this.history[revision - 1]!.filter(
      ({ key, value }) =>
        key >= start && (end === null || key < end) && (value === null ? deletes : puts),
    ).map(({ key, value }) => {
      const told =
        value === null
          ? null
          : {
              value: byteStringOf(Buffer.from(value)),
              ...{ createRevision: 1, modRevision: revision, version: 1 },
            };
      return eventBytes({ key: byteStringOf(Buffer.from(key)), put: told, previous: null });
    });
  }

  #send(connection: Connection, write: (out: FeedWriter) => void): void {
    const node = this.#open.get(connection)?.node ?? 0;
    if (this.manners(node).mute) return;
    const out = new FeedWriter();
    write(out);
    const { appliedIdx } = this.#cluster.node(node).state;
    out.drain(appliedIdx, (frame) => connection.send(frame));
  }

  #notice(): void {
    this.#cluster.clock.after(this.progressMs, () => {
      for (const connection of this.#open.keys()) {
        this.#send(connection, (out) => out.progress(ALL_WATCHES, this.history.length));
      }
      this.#notice();
    });
  }
}
