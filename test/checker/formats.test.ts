/** Files in, operations out; and what is said about files that are wrong. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatJsonLines, HistoryFormatError, parseHistory } from "../../src/checker/index.ts";
import { generate } from "./generate.ts";

const lines = (...list: unknown[]): string => list.map((line) => JSON.stringify(line)).join("\n");

describe("omnikv's own format", () => {
  test("a line an operation", () => {
    const text = lines(
      { format: "omnikv-history", version: 1, unit: "ns" },
      { process: 1, op: "write", key: "a", value: "1", call: "5", return: 9, revision: 4, node: 2 },
      {
        process: "c2",
        op: "cas",
        key: "a",
        expected: null,
        value: "2",
        call: 6,
        return: 7,
        swapped: false,
        result: "1",
      },
      { process: "c3", op: "read", key: "a", call: 8, outcome: "unknown", consistency: "local" },
    );
    const { operations, unit, format, model } = parseHistory(text);
    expect({ unit, format, model }).toEqual({ unit: "ns", format: "jsonl", model: "kv" });
    expect(operations[0]).toMatchObject({
      process: "1",
      call: 5,
      end: 9,
      revision: 4,
      node: "2",
      line: 2,
      session: "1",
    });
    expect(operations[1]).toMatchObject({
      request: { kind: "cas", expected: { kind: "absent" }, value: "2" },
      answer: { kind: "cas", swapped: false, actual: "1" },
    });
    expect(operations[2]).toMatchObject({
      outcome: "unknown",
      end: Infinity,
      answer: null,
      consistency: "local",
    });
  });

  test("a line an event", () => {
    const text = lines(
      { event: "call", id: 1, process: "a", op: "write", key: "k", value: "1", time: 1 },
      { event: "call", id: 2, process: "a", op: "read", key: "k", time: 2 },
      { event: "return", id: 2, time: 3, result: null, index: 8 },
      { event: "call", process: "b", op: "delete", key: "k", time: 4 },
      { event: "return", process: "b", time: 5, outcome: "fail" },
    );
    const { operations } = parseHistory(text);
    expect(operations.map(({ outcome, end }) => [outcome, end])).toEqual([
      ["unknown", Infinity],
      ["ok", 3],
      ["fail", 5],
    ]);
    expect(operations[1]).toMatchObject({ index: 8, answer: { kind: "value", value: null } });
  });

  test("what is written is read back", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), fc.boolean(), (seed, withRevisions) => {
        const mix = ["read", "write", "append", "delete", "cas"] as const;
        const { operations, unit } = generate({
          seed,
          clients: 3,
          operations: 30,
          keys: 2,
          mix,
          unknownPerMille: 100,
          withRevisions,
        });
        const back = parseHistory(formatJsonLines({ operations, unit }));
        expect(back.unit).toBe(unit);
        expect(back.operations.map((operation) => ({ ...operation, line: null }))).toEqual(
          operations,
        );
      }),
      { numRuns: 100 },
    );
  });
});

describe("what is wrong is named", () => {
  const good = { process: 1, op: "read", key: "a", call: 1, return: 2, result: null };
  test.each([
    ["", "UNKNOWN_FORMAT", "line 1: the history is empty"],
    ["\nhello", "UNKNOWN_FORMAT", "line 2: expected a JSON object"],
    [lines(good, good).slice(0, -3), "BAD_SYNTAX", "line 2: expected a JSON object"],
    [lines(good, [1]), "BAD_SYNTAX", "line 2: expected a JSON object, got [1]"],
    [lines({ ...good, op: "get" }), "BAD_FIELD", 'line 1: op: expected "read", "write"'],
    [lines({ ...good, call: "soon" }), "BAD_FIELD", "line 1: call: expected a number"],
    [
      lines({ ...good, return: 0 }),
      "BAD_FIELD",
      "line 1: return: expected a time not before the call",
    ],
    [
      lines({ ...good, result: undefined }),
      "BAD_FIELD",
      "line 1: result: expected a string or null, got nothing",
    ],
    [lines({ ...good, op: "write" }), "BAD_FIELD", "line 1: value: expected a string"],
    [lines({ format: "omnikv-history", version: 2 }), "UNSUPPORTED_VERSION", "line 1: version"],
    [
      lines({ event: "return", id: 4, time: 1 }),
      "BAD_ORDER",
      "line 1: id 4 returns, but has called nothing",
    ],
    [
      lines({ ...good, event: "call", time: 1 }, { ...good, event: "call", time: 2 }),
      "BAD_ORDER",
      "line 2: process 1 calls again, but its call in line 1",
    ],
    ["INFO  jepsen.util - 0 :invoke :jump 1", "BAD_SYNTAX", 'line 1: expected "INFO jepsen.util'],
    ["INFO  jepsen.util - 0 :invoke :cas 1", "BAD_FIELD", 'line 1: expected "[FROM TO]"'],
    ["INFO  jepsen.util - 0 :ok :read 1", "BAD_ORDER", "line 1: process 0 is answered"],
    ["{:process 0, :type :invoke", "BAD_SYNTAX", "line 1: expected a flat EDN map"],
    ["{:process 0, :type :invoke, :f :pop, :key 1}", "BAD_FIELD", "line 1: :f: expected :get"],
    ["{:process 0, :type :invoke, :f :get}", "BAD_FIELD", "line 1: :key: expected a value"],
  ])("%j", (text, code, message) => {
    let caught: unknown;
    try {
      parseHistory(text);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(HistoryFormatError);
    expect(caught).toMatchObject({ code });
    expect((caught as Error).message).toContain(message);
  });

  test("no text makes the parsers throw anything else", () => {
    const piece = fc.constantFrom(
      "{",
      "}",
      ":process",
      " 0",
      '"',
      "\\",
      ":type :invoke",
      ",",
      "INFO jepsen.util - 1 ",
      ":ok :read nil",
      "\n",
      '{"op":"read"',
      "1",
      "nil",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        try {
          parseHistory(pieces.join(""));
        } catch (error) {
          expect(error).toBeInstanceOf(HistoryFormatError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

test("Jepsen's register: a cas that fails has seen something else, what timed out stays open", () => {
  const log = [
    "INFO  jepsen.util - 0\t:invoke\t:cas\t[1 2]",
    "INFO  jepsen.util - 1\t:invoke\t:read\tnil",
    "INFO  jepsen.util - 0\t:fail\t:cas\t[1 2]",
    "INFO  jepsen.util - 1\t:fail\t:read\t:timed-out",
    "INFO  jepsen.util - 2\t:invoke\t:write\t3",
    "INFO  jepsen.util - 2\t:info\t:write\t:timed-out",
  ].join("\n");
  expect(parseHistory(log).operations.map(({ outcome, answer }) => [outcome, answer])).toEqual([
    ["ok", { kind: "cas", swapped: false, actual: undefined }],
    ["fail", null],
    ["unknown", null],
  ]);
});

test("EDN: escapes, fields in any order", () => {
  const text =
    '{:f :put :process 3 :key "a\\"b" :value "x\\ny" :type :invoke}\n{:process 3, :type :ok, :f :put}';
  expect(parseHistory(text).operations[0]).toMatchObject({
    key: 'a"b',
    request: { kind: "write", value: "x\ny" },
    outcome: "ok",
  });
});
