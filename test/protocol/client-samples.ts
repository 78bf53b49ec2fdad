/** One of each that clients and nodes say to each other, made by the writers of both. */
import { byteStringOfText, CLIENT_FRAME_BYTES_MAX, KvError } from "../../src/base/index.ts";
import { AnswerWriter } from "../../src/protocol/client/answer-writer.ts";
import { ReadsWriter } from "../../src/protocol/client/reads-writer.ts";
import { encodeSignedIn, encodeSignIn } from "../../src/protocol/client/sign-in.ts";
import { eventBytes, FeedWriter } from "../../src/protocol/client/watch-feed.ts";
import { watchesFrame } from "../../src/protocol/client/watch-requests.ts";
import { STATUS } from "../../src/store/commands/index.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text);
const LARGE = 2 ** 45 + 3;

function reads(fill: (writer: ReadsWriter) => void, local = false, ...more: number[]): Uint8Array {
  const writer = new ReadsWriter();
  fill(writer);
  const [minIdx = 0, origin = 0, atLeast = 0] = more;
  return writer.take(local, minIdx, origin === 1, atLeast);
}

function answers(fill: (writer: AnswerWriter) => void): Uint8Array {
  return drained(new AnswerWriter(), fill);
}

function feed(fill: (writer: FeedWriter) => void): Uint8Array {
  return drained(new FeedWriter(), fill);
}

function drained<W extends AnswerWriter | FeedWriter>(writer: W, fill: (writer: W) => void) {
  fill(writer);
  const frames: Uint8Array[] = [];
  writer.drain(LARGE, (frame) => frames.push(frame));
  return Buffer.concat(frames);
}

const range = {
  start: bytes("a"),
  end: bytes("b"),
  reverse: false,
  keysOnly: false,
  countOnly: false,
  limit: 100,
  revision: 0,
};
const everything = { ...range, start: bytes(""), end: null, reverse: true, keysOnly: true };
const select = { order: "mod", createMin: 1, createMax: 0, modMin: 300, modMax: LARGE } as const;
const wish = {
  start: "a",
  end: "b",
  from: 5,
  previous: true,
  puts: true,
  deletes: false,
  notices: true,
};
const inBytes = (told: typeof wish) => ({
  ...told,
  start: bytes(told.start),
  end: bytes(told.end),
});
const version = { value: byteStringOfText("old"), createRevision: 1, modRevision: 2, version: 2 };

/** What a client says. */
export const REQUEST_SAMPLES: readonly (readonly [string, Uint8Array])[] = [
  ["keys", reads((w) => [1, 200, LARGE].forEach((number) => w.read(number, bytes(`k${number}`))))],
  ["a key at a revision", reads((w) => w.read(2, bytes("k"), 7))],
  ["local", reads((w) => w.read(1, bytes("\u00ff")), true, 300, 1)],
  ["local, for a revision", reads((w) => w.read(1, bytes("k")), true, 0, 0, LARGE)],
  ["many keys", reads((w) => w.keys(1, [bytes("a"), bytes("bb")]))],
  ["many keys at a revision", reads((w) => w.keys(1, [bytes("a"), bytes("bb")], 300))],
  ["a range", reads((w) => w.range(1, range))],
  ["everything", reads((w) => w.range(1, everything))],
  ["a count at a revision", reads((w) => w.range(1, { ...range, countOnly: true, revision: 9 }))],
  ["a selection", reads((w) => w.range(1, { ...range, revision: 9, select }))],
  ["a history", reads((w) => w.history(1, bytes("k"), 0, 10))],
  ["a lease", reads((w) => w.lease(1, LARGE, null))],
  ["a lease with its keys", reads((w) => w.lease(1, 3, bytes("from")))],
  ["leases", reads((w) => w.leases(1, 300))],
  [
    "watches",
    watchesFrame([
      { kind: "create", watch: 1, wish: inBytes(wish) },
      { kind: "create", watch: 300, wish: { ...inBytes(wish), end: null, from: null } },
      {
        kind: "create",
        watch: 2,
        wish: { ...inBytes(wish), puts: false, deletes: true, previous: false, notices: false },
      },
      { kind: "progress", watch: 2 },
      { kind: "cancel", watch: 1 },
    ]),
  ],
  ["a password", encodeSignIn({ user: "änn", proof: { password: "p w" } })],
  ["a token", encodeSignIn({ user: "a", proof: { token: "t" } })],
];

/** What a node says. */
export const ANSWER_SAMPLES: readonly (readonly [string, Uint8Array])[] = [
  [
    "writes",
    answers((w) => {
      w.write(1, 1, STATUS.ok, LARGE, undefined);
      w.write(1, 2, STATUS.casFailed, 3, byteStringOfText("now"));
      w.write(300, 1, STATUS.casFailed, 0, undefined);
      w.write(300, 2, STATUS.notFound, 4, undefined);
    }),
  ],
  [
    "transactions",
    answers((w) => {
      w.write(1, 1, STATUS.txnThen, 9, byteStringOfText("results"));
      w.write(1, 2, STATUS.txnElse, 9, byteStringOfText(""));
      w.write(1, 3, STATUS.txnElse, 9, undefined);
    }),
  ],
  ["opened", answers((w) => w.opened(1, new Uint8Array(16).fill(7), LARGE, 5))],
  [
    "refused",
    answers((w) => {
      const runs = [
        { first: 1, count: 2 },
        { first: 300, count: 1 },
      ];
      w.refuseRuns(9, runs, "NO_QUORUM", "nobody änswers");
    }),
  ],
  [
    "values",
    answers((w) => {
      w.origin(77);
      w.stored(1, {
        value: byteStringOfText("\u00e4\u0000"),
        createRevision: 1,
        modRevision: 300,
        version: 4,
      });
      w.stored(300, undefined);
      w.compacted(5, 4, 1000);
      w.compacted(6, 2, 1000);
      w.unread(7, "OVERLOADED", "x".repeat(3 * CLIENT_FRAME_BYTES_MAX ** 0.5));
    }),
  ],
  [
    "pages",
    answers((w) => {
      const keys = [
        {
          key: byteStringOfText("a"),
          value: byteStringOfText("1"),
          createRevision: 1,
          modRevision: 2,
          version: 2,
        },
        {
          key: byteStringOfText("b"),
          value: byteStringOfText(""),
          createRevision: 300,
          modRevision: 300,
          version: 1,
        },
      ];
      w.page(1, { resume: byteStringOfText("c"), keys, revision: LARGE, count: 9 }, false);
      w.page(2, { resume: null, keys, revision: 5, count: 2 }, true);
      w.page(3, { resume: null, keys: [], revision: 5, count: 0 }, false);
    }),
  ],
  [
    "versions",
    answers((w) => {
      const gone = { value: byteStringOfText(""), createRevision: 0, modRevision: 300, version: 0 };
      w.versions(1, { versions: [gone, version], resume: 0 });
      w.versions(2, { versions: [], resume: null });
    }),
  ],
  [
    "leases",
    answers((w) => {
      const lease = { id: 300, ttlMs: 5000, remainingMs: 0, keys: 2 };
      w.leases(1, {
        leases: [lease],
        keys: [byteStringOfText("a"), byteStringOfText("bb")],
        more: true,
      });
      w.leases(2, { leases: [], keys: [], more: false });
    }),
  ],
  [
    "a feed",
    feed((w) => {
      w.created(1, 300, 1000);
      const put = { ...version, value: byteStringOfText("new"), modRevision: 300, version: 3 };
      const events = [
        eventBytes({ key: byteStringOfText("a"), put, previous: version }),
        eventBytes({ key: byteStringOfText("b"), put: null, previous: version }),
        eventBytes({ key: byteStringOfText("c"), put, previous: null }),
        eventBytes({ key: byteStringOfText("d"), put: null, previous: null }),
      ];
      w.events(1, 300, events, true);
      w.events(1, 300, [], false);
      w.progress(0, LARGE);
      w.ended(1, "COMPACTED", "änd", 7);
      w.standing(true);
      w.standing(false);
    }),
  ],
  ["signed in", encodeSignedIn({ token: "t", lifetimeMs: 299.5 })],
  ["not signed in", encodeSignedIn(new KvError("UNAUTHENTICATED", "wröng"))],
];
