/** What lines mean, what is said about lines that mean nothing, and what Tab offers. */
import { describe, expect, test } from "vitest";
import {
  CLIENT_HELP,
  clientTable,
  type ClientAction,
} from "../../../src/prompt/commands/client-commands.ts";
import {
  allCommands,
  parseCommand,
  type Parsed,
} from "../../../src/prompt/terminal/command-table.ts";
import { complete } from "../../../src/prompt/terminal/complete.ts";
import { helpText } from "../../../src/prompt/terminal/help.ts";
import { nearest } from "../../../src/prompt/terminal/suggest.ts";
import { createStyle, plainStyle } from "../../../src/prompt/terminal/style.ts";
import { tokenize } from "../../../src/prompt/terminal/tokenize.ts";

const table = clientTable([1, 2, 3]);
const parse = (line: string): Parsed<ClientAction> => parseCommand(table, tokenize(line)[0] ?? []);
const NAMES = allCommands(table).map(({ name }) => name);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("client commands", () => {
  test("name a node, an operation and its arguments", () => {
    expect(parse('1 write 35 "hello world"')).toEqual({
      kind: "command",
      target: 1,
      name: "write",
      action: { op: "write", key: bytes("35"), value: bytes("hello world") },
    });
    expect(parse("2 read 35")).toMatchObject({
      target: 2,
      action: { op: "read", consistency: "linearizable" },
    });
    expect(parse("3 read 35 --local")).toMatchObject({
      target: 3,
      action: { consistency: "local" },
    });
    expect(parse("3 read --local 35")).toMatchObject({ action: { consistency: "local" } });
    expect(parse("3 delete 35")).toMatchObject({ action: { op: "delete", key: bytes("35") } });
  });

  test("go to any node when none is named", () => {
    expect(parse("read 35")).toMatchObject({ target: null, name: "read" });
    expect(parse("any read 35")).toMatchObject({ target: null, name: "read" });
  });

  test("compare and swap with a value, absence or a revision", () => {
    const expected = (line: string): unknown => {
      const parsed = parse(line);
      return parsed.kind === "command" && parsed.action.op === "cas" && parsed.action.condition;
    };
    expect(expected("1 cas k a b")).toEqual({ value: bytes("a") });
    expect(expected("1 cas k --absent b")).toEqual({ absent: true });
    expect(expected("1 cas k --revision 12 b")).toEqual({ revision: 12 });
    expect(expected("1 cas k --revision=12 b")).toEqual({ revision: 12 });
    expect(expected('1 cas k "--absent" b')).toEqual({ value: bytes("--absent") });
    expect(expected("1 cas -- k --absent b")).toEqual({ value: bytes("--absent") });
  });

  test("the names of other stores do the same", () => {
    const action = (line: string) => ({ ...parse(line), name: "" });
    for (const [alias, name] of [
      ["1 put k v", "1 write k v"],
      ["set k v", "write k v"],
      ["any get k --local", "any read k --local"],
      ["del k", "delete k"],
    ] as const) {
      expect(parse(alias).kind).toBe("command");
      expect(action(alias)).toEqual(action(name));
    }
  });

  test("help names the aliases, and knows them", () => {
    const texts = { intro: "", notes: [] };
    const help = (topic: string | null) => helpText(table, texts, topic, plainStyle);
    expect(help(null)).toContain("(also put, set)");
    expect(help("get")).toBe(help("read"));
    expect(help("get")).toContain("(also get)");
    expect(() => help("gte")).toThrow('did you mean "help get"?');
  });

  test("help, nodes and exit need no node", () => {
    expect(parse("help")).toEqual({ kind: "help", topic: null });
    expect(parse("help cas")).toEqual({ kind: "help", topic: "cas" });
    expect(parse("help 1 cas")).toEqual({ kind: "help", topic: "cas" });
    expect(parse("nodes")).toEqual({ kind: "nodes" });
    expect(parse("quit")).toEqual({ kind: "exit" });
  });

  test.each([
    ["1", 'what should node 1 do? Type "1 write …", or help'],
    ["1 wriet a b", 'unknown command "wriet": did you mean "write"?'],
    ["gte a", 'unknown command "gte": did you mean "get"?'],
    ["2 pt a b", 'unknown command "pt": did you mean "put"?'],
    ["rm a", 'unknown command "rm": did you mean "delete"?'],
    ["1 get", "read: too few arguments: 1 read KEY"],
    ["load f", "(.load runs the lines of a file)"],
    [".load", "name one file: .load FILE"],
    [".load a b", "name one file: .load FILE"],
    [".every 2s", "what, and how often?"],
    [".every 0s read a", 'the time between two runs is at least 100 ms, got "0s"'],
    [".every soon read a", 'the time between two runs is a time like 500ms, 2s or 1h, got "soon"'],
    ["1 frobnicate a", `the commands are ${NAMES.join(", ")}`],
    ["hlep", 'did you mean "help"?'],
    ["exists 35", 'did you mean "read"?'],
    [
      "get app/ --prefix",
      "there is no --prefix here: `range app/` is about all keys that begin so",
    ],
    ["watch --prefix app/", "there is no --prefix here: `watch app/`"],
    ["KEYS --prefix", "there is no --prefix here: `keys PREFIX`"],
    ["4 read a", "there is no node 4: the nodes are 1, 2, 3"],
    ["all read a", '"all" is no node here: the nodes are 1, 2, 3, or any'],
    ["1 write a", "write: too few arguments: 1 write KEY VALUE"],
    [
      "2 write a b c",
      'too many arguments: 2 write KEY VALUE [--ttl TIME] (quote text with spaces: "like this")',
    ],
    ["1 read a --locale", "unknown option --locale (did you mean --local?): 1 read KEY [--local]"],
    ["1 read a --local=x", "--local takes no value"],
    ["1 cas k --revision", "--revision needs N behind it"],
    ["1 cas k --revision x v", '--revision takes a positive integer, got "x"'],
    ["1 cas k v", "cas: what should the value be before?"],
    ["1 cas k --absent a b", "cas: more than one condition"],
    ['1 read ""', "a key is at least one byte long"],
    [`1 read ${"k".repeat(5000)}`, "a key is at most 4096 bytes long, this one 5000"],
  ])("%j is refused with what to type instead", (line, message) => {
    expect(() => parse(line)).toThrow(message);
    expect(() => parse(line)).toThrow(/^[^\n]*$/);
  });
});

test.each([
  ["GET 35", "read 35"],
  ["2 Write A b", "2 write A b"],
  ["ANY Get k --local", "any get k --local"],
  ["HELP Read", "help read"],
  ["Exit", "exit"],
])("%s is %s: commands are found in capitals too", (line, meant) => {
  expect(parse(line)).toEqual(parse(meant));
});

describe("completion", () => {
  test.each([
    ["", ["1", "2", "3", "any", ...NAMES, "help", "nodes", ".load", ".every", "exit", "quit"]],
    ["2", ["2 "]],
    ["2 ", NAMES],
    ["2 wr", ["write "]],
    ["wr", ["write "]],
    ["2 read k --", ["--local", "--at", "--at-least"]],
    ["2 read k --local --", ["--at", "--at-least"]],
    ["2 cas k ", ["--absent", "--revision"]],
    ["help d", ["delete "]],
    ["g", ["get "]],
    ["2 pu", ["put "]],
    ["help se", ["set "]],
    ["read g", []],
    ["get k --", ["--local", "--at", "--at-least"]],
    ["9 ", []],
  ])("of %j", (line, candidates) => {
    expect(complete(table, line)[0]).toEqual(candidates);
  });

  test("says which word it continues", () => {
    expect(complete(table, "1 re")).toEqual([["read "], "re"]);
  });
});

describe("help", () => {
  test("has every command, its forms and an example", () => {
    const text = helpText(table, CLIENT_HELP, null, plainStyle);
    expect(text).toContain("NODE write KEY VALUE");
    expect(text).toContain("NODE cas KEY --absent NEW");
    expect(text).toContain("1 write 35 hello");
    expect(text).not.toContain("\u001b");
  });

  test("of one command tells its options", () => {
    const text = helpText(table, CLIENT_HELP, "read", plainStyle);
    expect(text).toContain("--local");
    expect(text).toContain("Linearizable");
    expect(() => helpText(table, CLIENT_HELP, "raed", plainStyle)).toThrow('"help read"');
  });

  test("every example in it is a command that parses", () => {
    for (const { name, examples } of allCommands(table)) {
      for (const example of examples) expect(parse(example)).toMatchObject({ name });
    }
  });

  test("is coloured when asked", () => {
    expect(helpText(table, CLIENT_HELP, null, createStyle(1))).toContain("\u001b[1m");
  });
});

describe("nearest", () => {
  test("knows swaps, prefixes and small slips, and keeps quiet otherwise", () => {
    const words = ["break_link", "restore_link", "get_links", "status"];
    expect(nearest("brake_link", words)).toBe("break_link");
    expect(nearest("stauts", words)).toBe("status");
    expect(nearest("rest", words)).toBe("restore_link");
    expect(nearest("links", words)).toBeNull();
    expect(nearest("x", words)).toBeNull();
  });
});
