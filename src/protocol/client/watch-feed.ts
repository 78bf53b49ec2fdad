/** The frames that a server sends to watches: see watch-layout. */
import {
  ByteReader,
  type ByteString,
  ByteWriter,
  CLIENT_FRAME_BYTES_MAX,
  type ErrorCode,
  KEY_BYTES_MAX,
} from "../../base/index.ts";
import { BOOLEAN, DecodeError, record } from "../codec/index.ts";
import { CODE, TEXT, TEXT_BYTES_MAX, TOLD } from "./client-fields.ts";
import { FEED, FEED_FRAME } from "./watch-layout.ts";

/** A version of a key, as events tell it. */
export interface ToldVersion<Bytes> {
  readonly value: Bytes;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
}

/** One key that its revision has changed. */
export interface WatchEvent<Bytes = Uint8Array> {
  readonly key: Bytes;
  /** Null: it was deleted. Its mod revision is that of the event. */
  readonly put: ToldVersion<Bytes> | null;
  /** The previous version; null: there was none, or the client did not ask for it. */
  readonly previous: ToldVersion<Bytes> | null;
}

/** Receives each record of a frame. Byte strings are views of the frame. */
export interface FeedHandler {
  /** First. As of answers: the node had applied [0, idx) when it sent this. */
  appliedIdx(idx: number): void;
  created(watch: number, revision: number, progressMs: number): void;
  /** @param more others of the same revision come: the client must act on none before the last are here */
  events(watch: number, revision: number, events: readonly WatchEvent[], more: boolean): void;
  /** @param watch ALL_WATCHES: all that the connection has */
  progress(watch: number, revision: number): void;
  ended(watch: number, code: ErrorCode, text: string, revision: number): void;
  standing(hearsLeader: boolean): void;
}

const HEADER_BYTES = 9;
/** What a record takes beside its events or text, at most. */
const RECORD_BYTES_MAX = 64;
const MORE = 1;
const PUT = 1;
const PREVIOUS = 2;

const VERSION = record<ToldVersion<Uint8Array>, ToldVersion<ByteString>>((f) => ({
  value: f.take(TOLD),
  createRevision: f.varint(),
  modRevision: f.varint(),
  version: f.varint(),
}));

/** The revision of what was put is that of the record. Flags by hand: there may be a thousand events in a turn. */
const EVENT = {
  write(out: ByteWriter, { key, put, previous }: WatchEvent<ByteString>): void {
    out.u8((put === null ? 0 : PUT) | (previous === null ? 0 : PREVIOUS));
    TOLD.write(out, key);
    if (put !== null) {
      TOLD.write(out, put.value);
      out.varint(put.createRevision);
      out.varint(put.version);
    }
    if (previous !== null) VERSION.write(out, previous);
  },
  read(from: ByteReader, revision: number): WatchEvent {
    const flags = from.u8();
    if ((flags & ~(PUT | PREVIOUS)) !== 0) from.fail("known flags of an event");
    const key = TOLD.read(from);
    if (key.length > KEY_BYTES_MAX) from.fail(`at most ${KEY_BYTES_MAX} bytes`);
    let put: WatchEvent["put"] = null;
    if ((flags & PUT) !== 0) {
      const value = TOLD.read(from);
      const createRevision = from.varint();
      put = { value, createRevision, modRevision: revision, version: from.varint() };
    }
    return { key, put, previous: (flags & PREVIOUS) === 0 ? null : VERSION.read(from) };
  },
};

const ENDED = record((f) => ({
  watch: f.varint(),
  code: f.take(CODE),
  text: f.take(TEXT),
  revision: f.varint(),
}));

/** One for all events: a buffer for each would cost more than what is written into it. */
const eventOut = new ByteWriter(1024, 64 * 1024);

/** The bytes of one event, to be put into as many records as want it. */
export function eventBytes(event: WatchEvent<ByteString>): Uint8Array {
  eventOut.clear();
  EVENT.write(eventOut, event);
  return eventOut.pooledCopy();
}

/** Collects the records for the watches of one connection in a turn. */
export class FeedWriter {
  readonly #out = new ByteWriter(256, 16 * 1024);
  #full: Uint8Array[] = [];
  #fullBytes = 0;

  constructor() {
    this.#begin();
  }

  get isEmpty(): boolean {
    return this.#full.length === 0 && this.#out.length === HEADER_BYTES;
  }

  /** Collected so far. */
  get bytes(): number {
    return this.isEmpty ? 0 : this.#fullBytes + this.#out.length;
  }

  created(watch: number, revision: number, progressMs: number): void {
    this.#record(FEED.created, 0, watch);
    this.#out.varint(revision);
    this.#out.varint(progressMs);
  }

  /** @param events as `eventBytes` made them, which fit a frame together */
  events(watch: number, revision: number, events: readonly Uint8Array[], more: boolean): void {
    let bytes = 0;
    for (const event of events) bytes += event.length;
    this.#record(FEED.events, bytes, watch);
    const out = this.#out;
    out.u8(more ? MORE : 0);
    out.varint(revision);
    out.varint(events.length);
    for (const event of events) out.bytes(event);
  }

  progress(watch: number, revision: number): void {
    this.#record(FEED.progress, 0, watch);
    this.#out.varint(revision);
  }

  ended(watch: number, code: ErrorCode, text: string, revision: number): void {
    this.#begun(FEED.ended, TEXT_BYTES_MAX);
    ENDED.write(this.#out, { watch, code, text, revision });
  }

  standing(hearsLeader: boolean): void {
    this.#begun(FEED.standing, 0);
    BOOLEAN.write(this.#out, hearsLeader);
  }

  /** Hands over all that was collected, frame by frame. @param appliedIdx at least what it tells of */
  drain(appliedIdx: number, deliver: (frame: Uint8Array) => void): void {
    if (this.isEmpty) return;
    if (this.#out.length > HEADER_BYTES) this.#end();
    const frames = this.#full;
    this.#full = [];
    this.#fullBytes = 0;
    for (const frame of frames) {
      writeHeader(frame, appliedIdx);
      deliver(frame);
    }
  }

  #record(kind: number, contentBytes: number, first: number): void {
    this.#begun(kind, contentBytes);
    this.#out.varint(first);
  }

  #begun(kind: number, contentBytes: number): void {
    const needed = this.#out.length + contentBytes + RECORD_BYTES_MAX;
    if (needed > CLIENT_FRAME_BYTES_MAX && this.#out.length > HEADER_BYTES) this.#end();
    this.#out.u8(kind);
  }

  #end(): void {
    const frame = this.#out.pooledCopy();
    this.#full.push(frame);
    this.#fullBytes += frame.length;
    this.#begin();
  }

  #begin(): void {
    this.#out.clear();
    this.#out.zeros(HEADER_BYTES);
  }
}

/** By hand: it is written for each frame of each connection. */
function writeHeader(frame: Uint8Array, appliedIdx: number): void {
  frame[0] = FEED_FRAME;
  let rest = appliedIdx;
  for (let at = HEADER_BYTES - 1; at > 0; at--) {
    frame[at] = rest % 0x100;
    rest = Math.floor(rest / 0x100);
  }
}

export function isFeedFrame(frame: Uint8Array): boolean {
  return frame[0] === FEED_FRAME;
}

/** @throws DecodeError, and nothing else for any bytes; possibly after some calls of the handler */
export function decodeFeed(frame: Uint8Array, handler: FeedHandler): void {
  if (frame.length > CLIENT_FRAME_BYTES_MAX) throw new DecodeError(`feed of ${frame.length} bytes`);
  const reader = new ByteReader().reset(frame);
  if (reader.u8() !== FEED_FRAME) reader.fail("a frame of a feed");
  const appliedIdx = reader.u53();
  if (!reader.failed) handler.appliedIdx(appliedIdx);
  while (!reader.failed && !reader.isAtEnd) readRecord(reader, handler);
  if (reader.failed) throw new DecodeError(`feed: ${reader.problem}`);
}

function readRecord(reader: ByteReader, handler: FeedHandler): void {
  const kind = reader.u8();
  switch (kind) {
    case FEED.created: {
      const watch = reader.varint();
      const revision = reader.varint();
      const progressMs = reader.varint();
      if (!reader.failed) handler.created(watch, revision, progressMs);
      return;
    }
    case FEED.events: {
      const watch = reader.varint();
      const flags = reader.u8();
      if ((flags & ~MORE) !== 0) reader.fail("known flags of events");
      const revision = reader.varint();
      const count = reader.varint();
      const events: WatchEvent[] = [];
      for (let i = 0; i < count && !reader.failed; i++) events.push(EVENT.read(reader, revision));
      if (!reader.failed) handler.events(watch, revision, events, (flags & MORE) !== 0);
      return;
    }
    case FEED.progress: {
      const watch = reader.varint();
      const revision = reader.varint();
      if (!reader.failed) handler.progress(watch, revision);
      return;
    }
    case FEED.ended: {
      const { watch, code, text, revision } = ENDED.read(reader);
      if (!reader.failed) handler.ended(watch, code, text, revision);
      return;
    }
    case FEED.standing: {
      const hearsLeader = BOOLEAN.read(reader);
      if (!reader.failed) handler.standing(hearsLeader);
      return;
    }
    default:
      reader.fail(`a known record instead of ${kind}`);
  }
}
