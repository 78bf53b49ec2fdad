/** Frames of watches: what one side writes the other reads; whatever bytes come, the outcome is a frame or a DecodeError. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { byteStringOf } from "../../src/base/byte-string.ts";
import { ERRORS, type ErrorCode } from "../../src/base/errors.ts";
import { CLIENT_FRAME_BYTES_MAX, KEY_BYTES_MAX } from "../../src/base/limits.ts";
import {
  decodeClientFrame,
  decodeFeed,
  eventBytes,
  FeedWriter,
  watchesFrame,
  type FeedHandler,
  type ToldVersion,
  type WatchRequest,
} from "../../src/protocol/client/client.ts";
import { DecodeError } from "../../src/protocol/codec/decode-error.ts";

/** Notes each call as an array. */
class Notes implements FeedHandler {
  readonly calls: unknown[][] = [];
  readonly #note =
    (name: string) =>
    (...fields: unknown[]): void => {
      this.calls.push([name, ...fields]);
    };
  readonly appliedIdx = this.#note("appliedIdx");
  readonly created = this.#note("created");
  readonly events = this.#note("events");
  readonly progress = this.#note("progress");
  readonly ended = this.#note("ended");
  readonly standing = this.#note("standing");
}

const bytes = (maxLength: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ maxLength }).map((array) => Uint8Array.from(array));
const number = fc.nat({ max: 2 ** 31 - 1 }).map((n) => n + 1);
const wish = fc.record({
  start: bytes(12),
  end: fc.constant(null),
  from: fc.option(number),
  previous: fc.boolean(),
  puts: fc.constant<boolean>(true),
  deletes: fc.boolean(),
  notices: fc.boolean(),
});
const request: fc.Arbitrary<WatchRequest<Uint8Array>> = fc.oneof(
  fc.record({ kind: fc.constant("create" as const), watch: number, wish }),
  fc.record({ kind: fc.constantFrom("cancel" as const, "progress" as const), watch: number }),
);
const version: fc.Arbitrary<ToldVersion<Uint8Array>> = fc.record({
  value: bytes(20),
  createRevision: number,
  modRevision: number,
  version: number,
});

describe("requests", () => {
  test("come as they were written", () => {
    fc.assert(
      fc.property(fc.array(request, { minLength: 1, maxLength: 8 }), (requests) => {
        const expected = requests.map((each) =>
          each.kind === "create"
            ? { ...each, wish: { ...each.wish, start: byteStringOf(each.wish.start) } }
            : each,
        );
        const decoded = decodeClientFrame(watchesFrame(requests));
        expect(decoded).toEqual({ kind: "watches", requests: expected });
      }),
    );
  });

  test.each<[string, Partial<(typeof good)["wish"]>]>([
    ["nothing is wanted", { puts: false, deletes: false }],
    ["the range is empty", { end: new Uint8Array([1]) }],
    ["revision 0", { from: 0 }],
    ["a bound longer than any key's", { start: new Uint8Array(KEY_BYTES_MAX + 2) }],
  ])("are refused: %s", (_, change) => {
    const bad = { ...good, wish: { ...good.wish, ...change } };
    expect(() => decodeClientFrame(watchesFrame([bad]))).toThrow(DecodeError);
  });

  test("are refused without a number, and when there are none", () => {
    expect(() => decodeClientFrame(watchesFrame([{ kind: "cancel", watch: 0 }]))).toThrow(
      DecodeError,
    );
    expect(() => decodeClientFrame(watchesFrame([]))).toThrow(DecodeError);
  });

  const good = {
    kind: "create",
    watch: 1,
    wish: {
      start: new Uint8Array([1]) as Uint8Array,
      end: null as Uint8Array | null,
      from: null as number | null,
      previous: false,
      puts: true as boolean,
      deletes: true as boolean,
      notices: false,
    },
  } as const;
});

describe("a feed", () => {
  test("comes as it was written", () => {
    const event = fc.record({
      key: bytes(20),
      put: fc.option(version),
      previous: fc.option(version),
    });
    fc.assert(
      fc.property(
        number,
        number,
        fc.array(event),
        fc.boolean(),
        (watch, revision, events, more) => {
          const told = events.map(({ key, put, previous }) => ({
            key,
            put: put === null ? null : { ...put, modRevision: revision },
            previous,
          }));
          const out = new FeedWriter();
          out.created(watch, revision, 1000);
          const encoded = told.map(({ key, put, previous }) =>
            eventBytes({ key: byteStringOf(key), put: packed(put), previous: packed(previous) }),
          );
          out.events(watch, revision, encoded, more);
          out.progress(watch, revision);
          out.ended(watch, "COMPACTED", "gone", revision);
          out.standing(more);
          const notes = new Notes();
          // As it comes from a socket: whether bytes are Buffers is no difference in meaning.
          out.drain(7, (frame) => decodeFeed(new Uint8Array(frame), notes));
          expect(out.isEmpty).toBe(true);
          expect(notes.calls).toEqual([
            ["appliedIdx", 7],
            ["created", watch, revision, 1000],
            ["events", watch, revision, told, more],
            ["progress", watch, revision],
            ["ended", watch, "COMPACTED", "gone", revision],
            ["standing", more],
          ]);
        },
      ),
    );
  });

  test("of more than a frame comes in several", () => {
    const out = new FeedWriter();
    const value = byteStringOf(new Uint8Array(1024 * 1024));
    const put = { value, createRevision: 1, modRevision: 1, version: 1 };
    const event = eventBytes({ key: byteStringOf(new Uint8Array(1)), put, previous: put });
    for (let revision = 1; revision <= 5; revision++) out.events(1, revision, [event], false);
    const frames: Uint8Array[] = [];
    out.drain(1, (frame) => frames.push(frame));
    expect(frames.map(({ length }) => length <= CLIENT_FRAME_BYTES_MAX)).toEqual(
      frames.map(() => true),
    );
    const notes = new Notes();
    for (const frame of frames) decodeFeed(frame, notes);
    const revisions = notes.calls.filter(([name]) => name === "events").map((call) => call[2]);
    expect(revisions).toEqual([1, 2, 3, 4, 5]);
  });

  test("tells every code of an error", () => {
    for (const code of Object.keys(ERRORS) as ErrorCode[]) {
      const out = new FeedWriter();
      out.ended(1, code, "", 0);
      const notes = new Notes();
      out.drain(0, (frame) => decodeFeed(frame, notes));
      expect(notes.calls.at(-1)).toEqual(["ended", 1, code, "", 0]);
    }
  });

  test("of any bytes is a feed or a DecodeError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (rest) => {
        for (const frame of [Uint8Array.from([5, ...rest]), Uint8Array.from([4, ...rest])]) {
          try {
            if (frame[0] === 5) decodeFeed(frame, new Notes());
            else decodeClientFrame(frame);
          } catch (error) {
            expect(error).toBeInstanceOf(DecodeError);
          }
        }
      }),
    );
  });
});

function packed(
  version: ToldVersion<Uint8Array> | null,
): ToldVersion<ReturnType<typeof byteStringOf>> | null {
  return version === null ? null : { ...version, value: byteStringOf(version.value) };
}
