/** What a server tells of watches: see watch-layout. */
import {
  ByteReader,
  type ByteString,
  ByteWriter,
  CLIENT_FRAME_BYTES_MAX,
  type ErrorCode,
  errorCodeFromWire,
  ERRORS,
  KEY_BYTES_MAX,
  VALUE_BYTES_MAX,
} from "../../base/index.ts";
import { TEXT_BYTES_MAX } from "./client-layout.ts";
import { DecodeError } from "../codec/index.ts";
import { EVENT_FLAG, EVENTS_MORE, FEED, FEED_FRAME } from "./watch-layout.ts";

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
  /** What was there before; null: nothing, or it is not told. */
  readonly previous: ToldVersion<Bytes> | null;
}

/** Told of each record of a frame. Byte strings are views of it. */
export interface FeedHandler {
  /** First. As of answers: the node had applied [0, idx) when it sent this. */
  appliedIdx(idx: number): void;
  created(watch: number, revision: number, progressMs: number): void;
  /** @param more others of the same revision come: none may be acted upon before the last are here */
  events(watch: number, revision: number, events: readonly WatchEvent[], more: boolean): void;
  /** @param watch ALL_WATCHES: all that the connection has */
  progress(watch: number, revision: number): void;
  ended(watch: number, code: ErrorCode, text: string, revision: number): void;
  standing(hearsLeader: boolean): void;
}

const HEADER_BYTES = 9;
/** What a record takes beside its events or text, at most. */
const RECORD_BYTES_MAX = 64;
/** What an event takes beside key and values, at most. */
const EVENT_OVERHEAD_BYTES = 64;

/** The bytes of one event, to be put into as many records as want it. */
export function eventBytes(event: WatchEvent<ByteString>): Uint8Array {
  const { key, put, previous } = event;
  const length = key.length + (put?.value.length ?? 0) + (previous?.value.length ?? 0);
  const out = new ByteWriter(length + EVENT_OVERHEAD_BYTES);
  out.u8((put === null ? 0 : EVENT_FLAG.put) | (previous === null ? 0 : EVENT_FLAG.previous));
  out.sizedByteString(key);
  if (put !== null) {
    out.sizedByteString(put.value);
    out.varint(put.createRevision);
    out.varint(put.version);
  }
  if (previous !== null) {
    out.sizedByteString(previous.value);
    out.varint(previous.createRevision);
    out.varint(previous.modRevision);
    out.varint(previous.version);
  }
  return out.peek();
}

/** Collects what the watches of one connection are told in a turn. */
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
    out.u8(more ? EVENTS_MORE : 0);
    out.varint(revision);
    out.varint(events.length);
    for (const event of events) out.bytes(event);
  }

  progress(watch: number, revision: number): void {
    this.#record(FEED.progress, 0, watch);
    this.#out.varint(revision);
  }

  ended(watch: number, code: ErrorCode, text: string, revision: number): void {
    this.#record(FEED.ended, TEXT_BYTES_MAX, watch);
    this.#out.u8(ERRORS[code].wire);
    // A UTF-16 unit takes three bytes at most.
    this.#out.sizedText(text.slice(0, Math.floor(TEXT_BYTES_MAX / 3)));
    this.#out.varint(revision);
  }

  standing(hearsLeader: boolean): void {
    this.#record(FEED.standing, 0, hearsLeader ? 1 : 0);
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
    const needed = this.#out.length + contentBytes + RECORD_BYTES_MAX;
    if (needed > CLIENT_FRAME_BYTES_MAX && this.#out.length > HEADER_BYTES) this.#end();
    this.#out.u8(kind);
    this.#out.varint(first);
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

/** @throws DecodeError, whatever the bytes; possibly after some calls of the handler */
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
  const watch = reader.varint();
  switch (kind) {
    case FEED.created: {
      const revision = reader.varint();
      const progressMs = reader.varint();
      if (!reader.failed) handler.created(watch, revision, progressMs);
      return;
    }
    case FEED.events: {
      const flags = reader.u8();
      if ((flags & ~EVENTS_MORE) !== 0) reader.fail("known flags of events");
      const revision = reader.varint();
      const count = reader.varint();
      const events: WatchEvent[] = [];
      for (let i = 0; i < count && !reader.failed; i++) events.push(readEvent(reader, revision));
      if (!reader.failed) handler.events(watch, revision, events, (flags & EVENTS_MORE) !== 0);
      return;
    }
    case FEED.progress: {
      const revision = reader.varint();
      if (!reader.failed) handler.progress(watch, revision);
      return;
    }
    case FEED.ended: {
      const code = errorCodeFromWire(reader.u8());
      const length = reader.varint();
      if (length > TEXT_BYTES_MAX) reader.fail(`a text of at most ${TEXT_BYTES_MAX} bytes`);
      const text = reader.text(length);
      const revision = reader.varint();
      if (!reader.failed) handler.ended(watch, code, text, revision);
      return;
    }
    case FEED.standing:
      if (watch > 1) reader.fail("0 or 1");
      if (!reader.failed) handler.standing(watch === 1);
      return;
    default:
      reader.fail(`a known record instead of ${kind}`);
  }
}

function readEvent(reader: ByteReader, revision: number): WatchEvent {
  const flags = reader.u8();
  if ((flags & ~(EVENT_FLAG.put | EVENT_FLAG.previous)) !== 0)
    reader.fail("known flags of an event");
  const key = readSized(reader, KEY_BYTES_MAX);
  let put: WatchEvent["put"] = null;
  if ((flags & EVENT_FLAG.put) !== 0) {
    const value = readSized(reader, VALUE_BYTES_MAX);
    const createRevision = reader.varint();
    put = { value, createRevision, modRevision: revision, version: reader.varint() };
  }
  let previous: WatchEvent["previous"] = null;
  if ((flags & EVENT_FLAG.previous) !== 0) {
    previous = {
      value: readSized(reader, VALUE_BYTES_MAX),
      createRevision: reader.varint(),
      modRevision: reader.varint(),
      version: reader.varint(),
    };
  }
  return { key, put, previous };
}

function readSized(reader: ByteReader, bytesMax: number): Uint8Array {
  const length = reader.varint();
  if (length > bytesMax) reader.fail(`at most ${bytesMax} bytes`);
  return reader.bytes(reader.failed ? 0 : length);
}
