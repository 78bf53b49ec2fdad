/** What a neighbour serves is settled when all of it is answered, whatever kind of answer that is. */
import { expect, test, vi } from "vitest";
import { ByteReader } from "../../src/base/index.ts";
import {
  answerReads,
  refuseReads,
  type ReadableState,
} from "../../src/replica/turn/answer-reads.ts";
import { innerRoute } from "../../src/replica/requests/inner-route.ts";
import { LentRequests, type Lent } from "../../src/replica/relay/lent-requests.ts";
import { AnswerWriter, ReadsWriter } from "../../src/protocol/client/client.ts";
import type { LeasesPage } from "../../src/store/index.ts";
import { bytes } from "../store/helpers.ts";

const ignore = (): void => {};
const LEASES: LeasesPage = {
  leases: [{ id: 4, ttlMs: 500, remainingMs: 400, keys: 0 }],
  keys: [],
  more: false,
};
const PAGE = { revision: 0, count: 0, keys: [], resume: null };
const STATE: ReadableState = {
  ...{ origin: 5, revision: 0, oldest: 0, looked: 0 },
  read: () => undefined,
  readAt: () => undefined,
  page: () => PAGE,
  history: () => ({ versions: [], resume: null }),
  lease: () => LEASES,
  leases: () => LEASES,
};
const RANGE = { limit: 1, reverse: false, countOnly: false, keysOnly: false, revision: 0 };

test.each<[string, (reads: ReadsWriter, request: number) => void]>([
  ["a key", (reads, request) => reads.read(request, bytes("a"))],
  ["many keys", (reads, request) => reads.keys(request, [bytes("a")], 0)],
  [
    "a range",
    (reads, request) => reads.range(request, { ...RANGE, start: bytes("a"), end: bytes("b") }),
  ],
  ["a lease", (reads, request) => reads.lease(request, 4, bytes(""))],
  ["all leases", (reads, request) => reads.leases(request, 0)],
])("%s is settled by its answer, and not before all of its frame are", (_, ask) => {
  const settled: Lent[] = [];
  const requests = new LentRequests((lent) => settled.push(lent));
  const reads = new ReadsWriter();
  ask(reads, 1);
  ask(reads, 2);
  const frame = reads.take(false, 0);
  const route = innerRoute(4, null, () => true, ignore);
  const lent: Lent = {
    kind: "reads",
    read: { route, frame, local: false, arrivedTick: 0, count: 2 },
  };
  requests.add(lent, frame, 0, 0);
  const answers = new AnswerWriter();
  const { rest } = answerReads(answers, frame, STATE, () => false);
  answers.drain(0, (answer) => requests.answered(answer, 1));
  expect(settled).toEqual([]);
  answerReads(answers, frame, STATE, undefined, rest ?? undefined);
  answers.drain(0, (answer) => requests.answered(answer, 2));
  expect(settled).toEqual([lent]);
  expect(requests.isEmpty).toBe(true);
});

test("the keys of reads that are lent, or refused to everybody, are passed over", () => {
  const reads = new ReadsWriter();
  reads.keys(3, [bytes("a"), bytes("b")], 0);
  reads.read(4, bytes("c"));
  const frame = reads.take(true, 0);
  const keysRead = vi.spyOn(ByteReader.prototype, "byteString");
  const route = innerRoute(4, null, () => true, ignore);
  const lent: Lent = {
    kind: "reads",
    read: { route, frame, local: true, arrivedTick: 0, count: 2 },
  };
  const settled: Lent[] = [];
  const requests = new LentRequests((each) => settled.push(each));
  requests.add(lent, frame, 0, 0);
  const answers = new AnswerWriter();
  refuseReads(answers, frame, "NO_QUORUM", "nothing was read");
  refuseReads(answers, frame, "NO_QUORUM", "nothing was read", STATE);
  expect(keysRead).not.toHaveBeenCalled();
  keysRead.mockRestore();
  answers.drain(0, (answer) => requests.answered(answer, 1));
  expect(settled).toEqual([lent]);
});

test("a frame that comes back is found among thousands without a look at the others, and answers settle in any order", () => {
  const settled: Lent[] = [];
  const requests = new LentRequests((each) => settled.push(each));
  const route = innerRoute(4, null, () => true, ignore);
  const all = Array.from({ length: 1000 }, (_, i) => {
    const reads = new ReadsWriter();
    reads.read(i, bytes("a"));
    const frame = reads.take(false, 0);
    const read = { route, frame, local: false, arrivedTick: 0, count: 1 };
    const lent: Lent = { kind: "reads", read };
    requests.add(lent, frame, 0, 0);
    return { lent, frame };
  });
  const compared = vi.spyOn(Buffer, "compare");
  for (const { frame } of all.slice(500).toReversed()) {
    expect(requests.takeOut(frame.slice())).toBe(true);
  }
  expect(compared.mock.calls.length).toBe(500);
  compared.mockRestore();
  expect(settled).toEqual(
    all
      .slice(500)
      .map(({ lent }) => lent)
      .toReversed(),
  );
  const left = all.slice(0, 500).toReversed();
  for (const { frame } of left) {
    const answers = new AnswerWriter();
    answerReads(answers, frame, STATE);
    answers.drain(0, (answer) => requests.answered(answer, 1));
  }
  expect(settled.slice(500)).toEqual(left.map(({ lent }) => lent));
  expect(requests.isEmpty).toBe(true);
  expect(requests.takeOut(left[0]?.frame ?? new Uint8Array(0))).toBe(false);
});
