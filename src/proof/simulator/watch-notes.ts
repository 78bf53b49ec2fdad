/** Makes records (watch-check) of the frames that a connection with watches gets. */
import { assert, type ErrorCode } from "../../base/index.ts";
import {
  ALL_WATCHES,
  decodeFeed,
  type FeedHandler,
  type ToldVersion,
  type WatchEvent,
} from "../../protocol/client/index.ts";
import type { LoggedEvent, LoggedVersion, WatchedWish, WatchRecord } from "./watch-check.ts";

const decoder = new TextDecoder();

/** A listener that is called at once. */
export interface NotesListener {
  /** Of a frame, before anything else of it. What it throws ends the frame. */
  stateTold(idx: number): void;
  created(number: number): void;
  /** A part of what a revision has, at least one event. */
  eventsTold(revision: number, told: readonly WatchEvent[]): void;
  ended(number: number, record: WatchRecord): void;
}

/** Which rights the node at the other end has applied. */
export interface EpochBounds {
  atLeast(): number;
  atMost(): number;
}

const NO_EPOCHS: EpochBounds = { atLeast: () => 0, atMost: () => 0 };

export class WatchNotes implements FeedHandler {
  readonly records: WatchRecord[] = [];
  /** As the server said last. */
  hearsLeader = true;
  /** Why a watch has ended, of the last one that has. */
  lastText = "";
  readonly #open = new Map<number, WatchRecord>();
  /** Parts of a revision of which more come. */
  readonly #parts = new Map<
    number,
    { readonly revision: number; readonly events: LoggedEvent[] }
  >();
  readonly #listener: Partial<NotesListener>;
  readonly #epochs: EpochBounds;

  /** @param epochs of the rights at the other end; default: nobody asks for them */
  constructor(listener: Partial<NotesListener> = {}, epochs: EpochBounds = NO_EPOCHS) {
    this.#listener = listener;
    this.#epochs = epochs;
  }

  /** A watch was asked for under this number. */
  asked(number: number, watcher: string, wish: WatchedWish): WatchRecord {
    const askedEpoch = this.#epochs.atLeast();
    const times = { askedEpoch, createdEpoch: 0, told: [], endedEpoch: 0, signedIn: 0 };
    const record: WatchRecord = { watcher, wish, created: null, items: [], ended: null, times };
    this.records.push(record);
    this.#open.set(number, record);
    return record;
  }

  frame(frame: Uint8Array): void {
    decodeFeed(frame, this);
  }

  appliedIdx(idx: number): void {
    this.#listener.stateTold?.(idx);
  }

  created(number: number, revision: number): void {
    const record = this.#recordOf(number);
    assert(record.created === null, `watch ${number} is created once`);
    record.created = revision;
    record.times.createdEpoch = this.#epochs.atMost();
    record.times.signedIn = Math.max(record.times.signedIn, this.#epochs.atMost());
    this.#listener.created?.(number);
  }

  events(number: number, revision: number, told: readonly WatchEvent[], more: boolean): void {
    const record = this.#recordOf(number);
    const before = this.#parts.get(number);
    assert(before === undefined || before.revision === revision, "parts are of one revision");
    if (told.length > 0) this.#listener.eventsTold?.(revision, told);
    const events = [...(before?.events ?? []), ...told.map(loggedEvent)];
    if (more) this.#parts.set(number, { revision, events });
    else {
      this.#parts.delete(number);
      // The last part may have nothing more, and then so may have all of them.
      if (events.length > 0) this.#note(record, { kind: "events", revision, events });
    }
  }

  progress(number: number, revision: number): void {
    if (number !== ALL_WATCHES) {
      assert(!this.#parts.has(number), "no progress between the parts of a revision");
      this.#note(this.#recordOf(number), { kind: "progress", revision });
      return;
    }
    assert(this.#parts.size === 0, "no progress between the parts of a revision");
    for (const record of this.#open.values()) {
      if (record.created !== null) this.#note(record, { kind: "progress", revision });
    }
  }

  ended(number: number, code: ErrorCode, text: string, revision: number): void {
    this.lastText = text;
    const record = this.#recordOf(number);
    record.ended = { code, revision };
    record.times.endedEpoch = this.#epochs.atMost();
    this.#open.delete(number);
    this.#parts.delete(number);
    this.#listener.ended?.(number, record);
  }

  /** The client signs in once more on this connection: watches that have not ended may go on by that. */
  signsInAgain(): void {
    for (const { times } of this.#open.values()) times.signedIn = Number.POSITIVE_INFINITY;
  }

  standing(hearsLeader: boolean): void {
    assert(hearsLeader !== this.hearsLeader, "only what is new is said of the leader");
    this.hearsLeader = hearsLeader;
  }

  #note({ items, times }: WatchRecord, item: WatchRecord["items"][number]): void {
    items.push(item);
    times.told.push(this.#epochs.atMost());
  }

  #recordOf(number: number): WatchRecord {
    const record = this.#open.get(number);
    assert(record !== undefined, `watch ${number} is open`);
    return record;
  }
}

/** The first revision of which a watch has not been told; null: it was never created. */
export function nextOf({ created, items }: WatchRecord): number | null {
  if (created === null) return null;
  return items.reduce((next, { revision }) => Math.max(next, revision + 1), created);
}

function loggedEvent({ key, put, previous }: WatchEvent): LoggedEvent {
  return {
    key: decoder.decode(key),
    put: put === null ? null : loggedVersion(put),
    previous: previous === null ? null : loggedVersion(previous),
  };
}

function loggedVersion(version: ToldVersion<Uint8Array>): LoggedVersion {
  const { value, createRevision, modRevision } = version;
  return { value: decoder.decode(value), createRevision, modRevision, version: version.version };
}
