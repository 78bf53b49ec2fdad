/** Files in, operations out; and what is said about files that are wrong. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  checkLinearizable,
  formatJsonLines,
  HistoryFormatError,
  modelOf,
  parseHistory,
} from "../../../src/proof/checker/index.ts";
import { generate } from "./generate.ts";

const lines = (...list: unknown[]): string => list.map((line) => JSON.stringify(line)).join("\n");

describe("omnikv's own format", () => {
  describe("nanoseconds of a wall clock", () => {
    const at = (...times: readonly (string | number)[]): string =>
      lines(
        { format: "omnikv-history", version: 1, unit: "ns" },
        { process: "a", op: "write", key: "k", value: "1", call: times[0], return: times[1] },
        { process: "b", op: "read", key: "k", call: times[2], return: times[3], result: null },
      );

    test("are told apart, however large they are", () => {
      const history = parseHistory(
        at(
          "1764432000000000001",
          "1764432000000000130",
          "1764432000000000380",
          "1764432000000000500",
        ),
      );
      expect(history.operations.map(({ call, end }) => [call, end])).toEqual([
        [0, 129],
        [379, 499],
      ]);
      expect(checkLinearizable(modelOf("kv"), history).verdict).toBe("violation");
    });

    test("may come in any order, and as small numbers too", () => {
      const { operations } = parseHistory(
        at(
          "1764432000000000380",
          "1764432000000000500",
          "1764432000000000001",
          "1764432000000000130",
        ),
      );
      expect(operations.map(({ call }) => call)).toEqual([0, -379]);
      expect(parseHistory(at("5", 9, 10.5, "12")).operations[1]?.call).toBe(10.5);
    });

    test.each([
      [
        "numbers that have lost digits",
        at(2 ** 60, 2 ** 60 + 256, 1, 2),
        /above which digits are lost/,
      ],
      [
        "times that are too far apart",
        at(1, 2, "1764432000000000380", "1764432000000000500"),
        /within 2\^53 of the first/,
      ],
    ])("are refused: %s", (_, text, problem) => {
      expect(() => parseHistory(text)).toThrow(problem);
    });
  });

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
    ["{}", "UNKNOWN_FORMAT", 'line 1: expected a JSON object with fields, "INFO'],
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
    ["{:process 0, :type :invoke", "BAD_SYNTAX", "line 1: expected a value, got the end"],
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
      "[",
      ")",
      "#_",
      "#a.B",
      ";",
      " :f :cas :value [",
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

describe("EDN as Jepsen writes it", () => {
  const told = (text: string) => {
    const { operations, model } = parseHistory(text);
    const short = operations.map(({ process, key, request, outcome, answer, call, end }) => {
      const { kind, ...asked } = request;
      return [process, key, kind, { ...asked }, outcome, answer, call, end] as const;
    });
    return { model, short };
  };
  const done = { kind: "done" };

  test("a vector of tagged records, with comments, nemesis and fields of no interest", () => {
    const { model, short } = told(`; a history
      [#jepsen.history.Op{:index 0, :time 10, :type :invoke, :process 0, :f :write, :value 3}
       #jepsen.history.Op{:index 1, :time 11, :type :info, :process :nemesis, :f :start, :value nil}
       #_ {:this "was taken out"}
       {:type :invoke, :process 1, :f :read, :value nil} {:type :ok, :process 0, :f :write, :value 3}
       {:type :ok, :process 1, :f :read, :value 3, :error [:a #{1 2} {:b "c;d"}]}]`);
    expect(model).toBe("register");
    expect(short).toEqual([
      ["0", "register", "write", { value: "3" }, "ok", done, 1, 3],
      ["1", "register", "read", {}, "ok", { kind: "value", value: "3" }, 2, 4],
    ]);
  });

  test("a cas that failed did not happen; one that is unknown stays open", () => {
    const { short } = told(`(
      {:process 0 :type :invoke :f :cas :value [1 2]} {:process 0 :type :fail :f :cas :value [1 2]}
      {:process 1 :type :invoke :f :cas :value [nil 2]} {:process 1 :type :info :f :cas :value [nil 2]}
      {:process 2 :type :invoke :f :cas :value [2 3]} {:process 2 :type :ok :f :cas :value [2 3]})`);
    expect(short.map(([, , , , outcome]) => outcome)).toEqual(["fail", "unknown", "ok"]);
    expect(short[1]?.[3]).toEqual({ expected: { kind: "absent" }, value: "2" });
    expect(short[2]?.[5]).toEqual({ kind: "cas", swapped: true, actual: undefined });
  });

  test("keys of their own", () => {
    const { short } = told(`
      {:process 0 :type :invoke :f :write :value [x 1]}
      {:process 0 :type :ok :f :write :value [x 1]}
      {:process 0 :type :invoke :f :cas :value #jepsen.independent.Tuple[y [1 2]]}
      {:process 0 :type :fail :f :cas :value [y [1 2]]}
      {:process 0 :type :invoke :f :read :value [x nil]}
      {:process 0 :type :ok :f :read :value [x 1]}`);
    expect(short.map(([, key, kind]) => `${key} ${kind}`)).toEqual(["x write", "y cas", "x read"]);
    expect(short[2]?.[5]).toEqual({ kind: "value", value: "1" });
  });

  test("many registers, and lists that are appended to", () => {
    const registers = told(`
      {:process 0 :type :invoke :f :txn :value [[:w :x 1]]} {:process 0 :type :ok :f :txn :value [[:w :x 1]]}
      {:process 0 :type :invoke :f :read :value [[:r :x nil]]} {:process 0 :type :ok :f :read :value [[:r :x 1]]}`);
    expect(registers.short.map(([, key, kind]) => `${key} ${kind}`)).toEqual([
      ":x write",
      ":x read",
    ]);
    expect(registers.short[1]?.[5]).toEqual({ kind: "value", value: "1" });
    const lists = `
      {:process 0 :type :invoke :f :txn :value [[:append 5 1]]} {:process 0 :type :ok :f :txn :value [[:append 5 1]]}
      {:process 1 :type :invoke :f :txn :value [[:append 5 2]]} {:process 1 :type :ok :f :txn :value [[:append 5 2]]}
      {:process 2 :type :invoke :f :txn :value [[:r 5 nil]]} {:process 2 :type :ok :f :txn :value [[:r 5 [1 2]]]}`;
    const verdictOf = (text: string) => {
      const history = parseHistory(text);
      expect(history.model).toBe("append");
      return checkLinearizable(modelOf(history.model), history, { now: () => 0 }).verdict;
    };
    expect(verdictOf(lists)).toBe("ok");
    expect(verdictOf(lists.replace("[1 2]", "[2 1]"))).toBe("violation");
    expect(verdictOf(lists.replace("[1 2]", "[1]"))).toBe("violation");
  });

  test("a transaction of several operations is refused, not judged wrongly", () => {
    const text = "\n{:process 0 :type :invoke :f :txn :value [[:r 1 nil] [:append 1 2]]}";
    expect(() => parseHistory(text)).toThrow("line 2: :value: expected one operation");
  });

  test("what is within itself for ever ends", () => {
    const deep = `{:process ${"[".repeat(100_000)}`;
    expect(() => parseHistory(deep)).toThrow("no more than 64 values within each other");
  });
});
