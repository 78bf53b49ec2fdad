/** What a client asks of its watches: see watch-layout. */
import {
  ByteReader,
  type ByteString,
  ByteWriter,
  FRAME_COMMANDS_MAX,
  KEY_BYTES_MAX,
  unreachable,
} from "../../base/index.ts";
import { DecodeError } from "../codec/index.ts";
import { WATCH_FLAG, WATCH_REQUEST, WATCHES_FRAME } from "./watch-layout.ts";

/** What is watched, and what is to be told of it. */
export interface WatchWish<Bytes> {
  readonly start: Bytes;
  /** First key not watched any more; null: none. For one key the key and a zero byte. */
  readonly end: Bytes | null;
  /** First revision of which events are wanted; null: the next. */
  readonly from: number | null;
  /** Events are to say what was there before. */
  readonly previous: boolean;
  readonly puts: boolean;
  readonly deletes: boolean;
  /** Progress is to be told at an interval. */
  readonly notices: boolean;
}

export type WatchRequest<Bytes = ByteString> =
  | { readonly kind: "create"; readonly watch: number; readonly wish: WatchWish<Bytes> }
  | { readonly kind: "cancel"; readonly watch: number }
  | { readonly kind: "progress"; readonly watch: number };

const ALL_FLAGS = Object.values(WATCH_FLAG).reduce((all, flag) => all | flag, 0);

/** @param requests 1 to FRAME_COMMANDS_MAX, which fit a frame together */
export function watchesFrame(requests: readonly WatchRequest<Uint8Array>[]): Uint8Array {
  const out = new ByteWriter(64);
  out.u8(WATCHES_FRAME);
  out.varint(requests.length);
  for (const request of requests) {
    out.u8(WATCH_REQUEST[request.kind]);
    out.varint(request.watch);
    switch (request.kind) {
      case "create":
        writeWish(out, request.wish);
        break;
      case "cancel":
      case "progress":
        break;
      default:
        unreachable(request, "request of a watch");
    }
  }
  return out.copy();
}

function writeWish(out: ByteWriter, wish: WatchWish<Uint8Array>): void {
  const { start, end, from, previous, puts, deletes, notices } = wish;
  let flags = 0;
  if (end !== null) flags |= WATCH_FLAG.hasEnd;
  if (from !== null) flags |= WATCH_FLAG.from;
  if (previous) flags |= WATCH_FLAG.previous;
  if (!puts) flags |= WATCH_FLAG.noPuts;
  if (!deletes) flags |= WATCH_FLAG.noDeletes;
  if (notices) flags |= WATCH_FLAG.notices;
  out.u8(flags);
  if (from !== null) out.varint(from);
  out.sized(start);
  if (end !== null) out.sized(end);
}

/**
 * All requests of a frame, checked in full.
 * @throws DecodeError, whatever the bytes
 */
export function decodeWatches(frame: Uint8Array): WatchRequest[] {
  const reader = new ByteReader().reset(frame);
  if (reader.u8() !== WATCHES_FRAME) reader.fail("a frame of watches");
  const count = reader.varint();
  if (count < 1 || count > FRAME_COMMANDS_MAX) reader.fail(`1 to ${FRAME_COMMANDS_MAX} requests`);
  const requests: WatchRequest[] = [];
  for (let i = 0; i < count && !reader.failed; i++) requests.push(readRequest(reader));
  if (!reader.isAtEnd) reader.fail("the end of the frame");
  if (reader.failed) throw new DecodeError(`watches: ${reader.problem}`);
  return requests;
}

function readRequest(reader: ByteReader): WatchRequest {
  const kind = reader.u8();
  const watch = reader.varint();
  if (watch < 1) reader.fail("the number of a watch");
  switch (kind) {
    case WATCH_REQUEST.create:
      return { kind: "create", watch, wish: readWish(reader) };
    case WATCH_REQUEST.progress:
      return { kind: "progress", watch };
    default:
      if (kind !== WATCH_REQUEST.cancel) reader.fail("a known request of a watch");
      return { kind: "cancel", watch };
  }
}

function readWish(reader: ByteReader): WatchWish<ByteString> {
  const flags = reader.u8();
  if ((flags & ~ALL_FLAGS) !== 0) reader.fail("known flags of a watch");
  const has = (flag: number): boolean => (flags & flag) !== 0;
  if (has(WATCH_FLAG.noPuts) && has(WATCH_FLAG.noDeletes)) reader.fail("events that are wanted");
  const from = has(WATCH_FLAG.from) ? reader.varint() : null;
  if (from === 0) reader.fail("a revision of 1 or more");
  const start = readBound(reader);
  const end = has(WATCH_FLAG.hasEnd) ? readBound(reader) : null;
  if (end !== null && end <= start) reader.fail("a range that is not empty");
  return {
    start,
    end,
    from,
    previous: has(WATCH_FLAG.previous),
    puts: !has(WATCH_FLAG.noPuts),
    deletes: !has(WATCH_FLAG.noDeletes),
    notices: has(WATCH_FLAG.notices),
  };
}

function readBound(reader: ByteReader): ByteString {
  const length = reader.varint();
  if (length > KEY_BYTES_MAX + 1) {
    reader.fail(`the bound of a range, at most ${KEY_BYTES_MAX + 1} bytes`);
  }
  return reader.byteString(reader.failed ? 0 : length);
}
