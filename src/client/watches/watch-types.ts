/** What users of watches hand in and get back. */
import { KeyValue, type RequestOptions, type Revision, textIn } from "../terms/index.ts";

/** From where on a watch goes, and what its events tell. */
export interface WatchOptions extends RequestOptions {
  /** First revision of which events are wanted, 1 or more. Default: the next one. */
  readonly from?: Revision;
  /** Events say what was there before. Default false. */
  readonly previous?: boolean;
  /** Events of one kind only. Default: of both. */
  readonly only?: "puts" | "deletes";
  /** Items that say how far the watch has come are wanted, too. Default false. */
  readonly progress?: boolean;
  /**
   * Milliseconds that the watch may be without a node, at first and later; then it throws the error that stands in the way. Default: at
   * first the client's, and no end later: it goes on looking for a node.
   */
  readonly timeoutMs?: number;
}

/** A key was given a value. `text()`, `json()` and `keyText()` say what its bytes are. */
export class PutEvent extends KeyValue {
  declare readonly type: "put";
  /** What was there before; null: nothing, or it was not asked for. */
  declare readonly previous: KeyValue | null;

  constructor(
    key: Uint8Array,
    value: Uint8Array,
    modRevision: number,
    createRevision: number,
    version: number,
    previous: KeyValue | null,
  ) {
    super(key, value, modRevision, createRevision, version);
    this.type = "put";
    this.previous = previous;
  }
}

/** A key was deleted. */
export class DeleteEvent {
  declare readonly type: "delete";
  /** The bytes, the caller's own. */
  declare readonly key: Uint8Array;
  /** The revision at which it was deleted. */
  declare readonly modRevision: number;
  /** What was there before; null: it was not asked for. */
  declare readonly previous: KeyValue | null;

  constructor(key: Uint8Array, modRevision: number, previous: KeyValue | null) {
    this.type = "delete";
    this.key = key;
    this.modRevision = modRevision;
    this.previous = previous;
  }

  /**
   * The key as text.
   * @throws KvError BAD_REQUEST when its bytes are not UTF-8
   */
  keyText(): string {
    return textIn(this.key, "key");
  }
}

/** One key that one revision changed. */
export type WatchEvent = PutEvent | DeleteEvent;

/** All events of one revision, in order of keys. */
export interface WatchBatch {
  readonly type: "events";
  readonly revision: Revision;
  readonly events: readonly WatchEvent[];
}

/** All events up to a revision have come: a watch that begins at the one after it misses nothing. */
export interface WatchProgress {
  readonly type: "progress";
  readonly revision: Revision;
}

/** An item of a watch with `progress`. */
export type WatchItem = WatchBatch | WatchProgress;

/** How the newest state is asked for: through which node, and until when. */
export type ObserveOptions = Pick<RequestOptions, "node" | "signal">;

/** A range as it was at one revision. */
export interface RangeState {
  readonly revision: Revision;
  /** In order of keys. */
  readonly items: readonly KeyValue[];
}
