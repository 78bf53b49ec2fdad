/** A client's requests about its watches: see watch-layout. */
import { ByteReader, type ByteString, ByteWriter, FRAME_COMMANDS_MAX } from "../../base/index.ts";
import { DecodeError, flags, type Layout, listOf } from "../codec/index.ts";
import { atLeastOne, BOUND, REVISION } from "./client-fields.ts";
import { WATCHES_FRAME } from "./watch-layout.ts";

/** The keys to watch, and which events the client wants. */
export interface WatchWish<Bytes> {
  readonly start: Bytes;
  /** First key not watched any more; null: none. For one key the key and a zero byte. */
  readonly end: Bytes | null;
  /** First revision of which events are wanted; null: the next. */
  readonly from: number | null;
  /** The client wants the previous version with each event. */
  readonly previous: boolean;
  readonly puts: boolean;
  readonly deletes: boolean;
  /** The client wants notices of progress at an interval. */
  readonly notices: boolean;
}

export type WatchRequest<Bytes = ByteString> =
  | { readonly kind: "create"; readonly watch: number; readonly wish: WatchWish<Bytes> }
  | { readonly kind: "cancel"; readonly watch: number }
  | { readonly kind: "progress"; readonly watch: number };

const FLAGS = flags(
  { hasEnd: 1, from: 2, previous: 4, noPuts: 8, noDeletes: 16, notices: 32 },
  "a watch",
);
const WATCH = atLeastOne("the number of a watch");

const WISH: Layout<WatchWish<ByteString>, WatchWish<Uint8Array>> = {
  write: (out, { start, end, from, previous, puts, deletes, notices }) => {
    const isFrom = from !== null;
    const [noPuts, noDeletes] = [!puts, !deletes];
    FLAGS.write(out, { hasEnd: end !== null, from: isFrom, previous, noPuts, noDeletes, notices });
    if (isFrom) out.varint(from);
    BOUND.write(out, start);
    if (end !== null) BOUND.write(out, end);
  },
  read: (reader) => {
    const { hasEnd, from: isFrom, previous, noPuts, noDeletes, notices } = FLAGS.read(reader);
    if (noPuts && noDeletes) reader.fail("events that are wanted");
    const from = isFrom ? REVISION.read(reader) : null;
    const start = BOUND.read(reader);
    const end = hasEnd ? BOUND.read(reader) : null;
    if (end !== null && end <= start) reader.fail("a range that is not empty");
    return { start, end, from, previous, puts: !noPuts, deletes: !noDeletes, notices };
  },
};

const KINDS = { create: 1, cancel: 2, progress: 3 } as const;

const REQUEST: Layout<WatchRequest, WatchRequest<Uint8Array>> = {
  write: (out, request) => {
    out.u8(KINDS[request.kind]);
    out.varint(request.watch);
    if (request.kind === "create") WISH.write(out, request.wish);
  },
  read: (from) => {
    const kind = from.u8();
    const watch = WATCH.read(from);
    switch (kind) {
      case KINDS.create:
        return { kind: "create", watch, wish: WISH.read(from) };
      case KINDS.progress:
        return { kind: "progress", watch };
      default:
        if (kind !== KINDS.cancel) from.fail("a known request of a watch");
        return { kind: "cancel", watch };
    }
  },
};
const REQUESTS = listOf(REQUEST, 1, FRAME_COMMANDS_MAX, `1 to ${FRAME_COMMANDS_MAX} requests`);

/** @param requests 1 to FRAME_COMMANDS_MAX, which fit a frame together */
export function watchesFrame(requests: readonly WatchRequest<Uint8Array>[]): Uint8Array {
  const out = new ByteWriter(64);
  out.u8(WATCHES_FRAME);
  REQUESTS.write(out, requests);
  return out.copy();
}

/**
 * All requests of a frame, checked in full.
 * @throws DecodeError, and nothing else for any bytes
 */
export function decodeWatches(frame: Uint8Array): readonly WatchRequest[] {
  const reader = new ByteReader().reset(frame);
  if (reader.u8() !== WATCHES_FRAME) reader.fail("a frame of watches");
  const requests = REQUESTS.read(reader);
  if (!reader.isAtEnd) reader.fail("the end of the frame");
  if (reader.failed) throw new DecodeError(`watches: ${reader.problem}`);
  return requests;
}
