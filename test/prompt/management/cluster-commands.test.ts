/** The table of the commands for the whole cluster: what it refuses, completes and explains. */
import { describe, expect, test } from "vitest";
import { adminTable } from "../../../src/prompt/management/admin-commands.ts";
import { allCommands, parseCommand } from "../../../src/prompt/terminal/command-table.ts";
import { complete } from "../../../src/prompt/terminal/complete.ts";
import { helpText } from "../../../src/prompt/terminal/help.ts";
import { plainStyle } from "../../../src/prompt/terminal/style.ts";
import { tokenize } from "../../../src/prompt/terminal/tokenize.ts";

describe("the table", () => {
  const table = adminTable([1, 2, 3]);
  const parse = (line: string) => parseCommand(table, tokenize(line)[0] ?? []);

  test.each([
    ["partition 1 2", 'separate the groups with "|"'],
    ["partition 1,2,3", "one group of all nodes is no partition"],
    ["partition 1,2 | 2,3", "node 2 is in two groups"],
    ["partition 1 | 7", '"7" is no node: the nodes are 1, 2, 3'],
    ["partition |", 'separate the groups with "|"'],
    ["isolate", "isolate: too few arguments: isolate NODE"],
    ["isolate follower", '"follower" is no node: the nodes are 1, 2, 3 or leader'],
    ["chain 1-2", "node 3 is missing"],
    ["cloudflare 1", "name two nodes, or none"],
    ["cloudflare 1-1", "node 1 has no link to itself"],
    ["flaky 1-2", "too few arguments: flaky LINK… PERCENT"],
    ["flaky 1-2 130%", 'PERCENT is a number from 0% to 100%, got "130%"'],
    ["flaky 1-1 10%", "node 1 has no link to itself"],
    ["delay 12 50ms", 'LINK is two nodes like 1-2 (or "1>2" for one direction), got "12"'],
    ["delay 1-2 soon", 'TIME is a time like 500ms, 2s or 1h, got "soon"'],
    ["delay 1-2 5min", 'TIME is at most 1 min 0 s, got "5min"'],
    ["quorum-loss 1 2", "too many arguments: quorum-loss [HUB]"],
    ["isolat 2", 'did you mean "isolate"?'],
    ["qloss", 'did you mean "quorum-loss"?'],
    ["kill 2", 'did you mean "crash"?'],
    ["1 chain", "chain takes no node in front: chain [ORDER]"],
    ["2 crash", "crash takes no node in front: crash NODE"],
  ])("refuses %j with what to type", (line, message) => {
    expect(() => parse(line)).toThrow(message);
  });

  test("refuses scenarios that the cluster is too small for", () => {
    const small = adminTable([1]);
    expect(() => parseCommand(small, tokenize("chain")[0] ?? [])).toThrow("at least 3 nodes");
  });

  test("completes names, nodes and links", () => {
    expect(complete(table, "quo")[0]).toEqual(["quorum-loss "]);
    expect(complete(table, "1 quo")[0]).toEqual([]);
    expect(complete(table, "isolate ")[0]).toEqual(["1", "2", "3", "leader"]);
    expect(complete(table, "chain 1 2 ")[0]).toEqual(["1", "2", "3"]);
    expect(complete(table, "flaky 1")[0]).toEqual(["1-2", "1-3"]);
    expect(complete(table, "delay 1-3 ")[0]).toEqual(["20ms", "50ms", "200ms"]);
    expect(complete(table, "restart ")[0]).toEqual(["1", "2", "3"]);
    expect(complete(table, "heal ")[0]).toEqual([]);
    expect(complete(table, "config ")[0]).toEqual(["list", "get", "set"]);
    expect(complete(table, "config set history.")[0]).toEqual([
      "history.revisions",
      "history.bytes",
    ]);
    expect(complete(table, "config list ")[0]).toEqual([]);
    expect(complete(table, "help cons")[0]).toEqual(["constrained "]);
  });

  test("has help on every command, for the cluster and for one node", () => {
    const help = (topic: string | null) =>
      helpText(table, { intro: "i", notes: [] }, topic, plainStyle);
    for (const { name } of allCommands(table)) expect(help(name)).toContain("For example:");
    expect(help("heal")).toContain("NODE heal");
    expect(help("heal")).toMatch(/^heal$/m);
    expect(help(null)).toContain(
      "Scenarios: links of all nodes at once:\n  partition GROUP | GROUP …",
    );
  });
});
