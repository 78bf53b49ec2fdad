/** What `omnikv completion` prints, run in a real bash; the script for zsh with zsh's own functions played. */
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { completionScript, type CompletedCommand } from "../../src/prompt/shell-completion.ts";

const OMNIKV = resolve(import.meta.dirname, "../../dist/bin/omnikv.js");

function bash(script: string): string[] {
  const { stdout, stderr } = spawnSync("bash", ["--norc", "-c", script], { encoding: "utf8" });
  if (stderr !== "") throw new Error(stderr);
  return stdout.split("\n").filter((line) => line !== "");
}

const printed = new Map<string, string>();
beforeAll(() => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const args = [OMNIKV, "completion", shell];
    const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: "utf8" });
    if (stderr !== "" || status !== 0) throw new Error(`status ${status}: ${stderr}`);
    printed.set(shell, stdout);
  }
});

const quoted = (words: readonly string[]): string => words.map((word) => `'${word}'`).join(" ");

/** In bash; "FILES" where files are offered. */
const inBash = (...words: readonly string[]): string[] =>
  bash(`${printed.get("bash") ?? ""}
compopt() { echo FILES; }
COMP_WORDS=(omnikv ${quoted(words)}); COMP_CWORD=${words.length}
_omnikv; printf '%s\\n' "\${COMPREPLY[@]}"`);

/** zsh counts from 1. */
const inZsh = (...words: readonly string[]): string[] =>
  bash(`compdef() { :; }
_files() { echo FILES; }
_describe() { printf '%s\\n' "\${found[@]}"; }
${printed.get("zsh") ?? ""}
words=('' omnikv ${quoted(words)}); CURRENT=${words.length + 1}
_omnikv`).map((line) => line.replace(/:.*/, ""));

describe.each([
  ["bash", inBash],
  ["zsh", inZsh],
])("in %s", (shell, complete) => {
  /** bash is told what has been typed already, zsh looks itself. */
  const starting = (word: string, all: readonly string[]): readonly string[] =>
    shell === "bash" ? all.filter((each) => each.startsWith(word)) : all;

  test("commands, and the names of other stores", () => {
    const all = complete("");
    for (const name of ["server", "client", "read", "get", "put", "del", "completion", "--help"]) {
      expect(all).toContain(name);
    }
    expect(starting("ma", complete("ma"))).toContain("manage");
  });

  test("options of the command that was named, by whatever name", () => {
    expect(complete("get", "--l")).toContain("--local");
    expect(complete("get", "k", "--")).toEqual(complete("read", "k", "--"));
    expect(complete("client", "--")).not.toContain("--local");
    expect(complete("client", "--json", "--")).toContain("--bail");
    expect(complete("lab", "run", "--")).toContain("--runs");
    expect(complete("completion", "")).toEqual(expect.arrayContaining(["bash", "zsh", "fish"]));
  });

  test("words of a command, and those behind them", () => {
    const words = (...before: readonly string[]): readonly string[] =>
      complete(...before, "").filter((each) => !each.startsWith("--") && each !== "FILES");
    expect(words("lease")).toEqual(["grant", "keep", "revoke", "list", "ttl"]);
    expect(words("user")).toEqual(
      expect.arrayContaining(["add", "delete", "passwd", "grant-role"]),
    );
    expect(words("auth")).toEqual(["on", "off", "rotate", "status"]);
    expect(words("lab", "run")).toContain("quorum-loss");
    expect(words("config")).toEqual(["list", "get", "set"]);
    const settings = ["quota", "history.revisions", "history.bytes"];
    expect(words("config", "get")).toEqual(settings);
    expect(words("config", "--json", "set")).toEqual(settings);
    expect(words("config", "set", "quota")).toEqual(["default"]);
    expect(words("config", "list")).toEqual([]);
    expect(complete("config", "set", "quota", "--")).toContain("--json");
    expect(complete("sim", "--")).toEqual(expect.arrayContaining(["--seeds", "--coverage"]));
  });

  test("commands behind help, which explains them", () => {
    const all = starting("c", complete("help", "c"));
    expect(all).toEqual(expect.arrayContaining(["client", "cas", "count", "completion"]));
    expect(complete("help", "")).not.toContain("help");
    expect(complete("lab", "help", "")).toContain("run");
    // It takes one.
    expect(complete("help", "lab", "")).toEqual([]);
  });

  test("files behind the options that take one, nothing where only the user knows", () => {
    expect(complete("client", "--cluster", "")).toEqual(["FILES"]);
    expect(complete("server", "--data-dir", "x")).toEqual(["FILES"]);
    expect(complete("check", "")).toEqual(["FILES"]);
    expect(complete("client", "--nodes", "")).toEqual([]);
    expect(complete("client", "-c", "")).toEqual([]);
    expect(complete("get", "")).toEqual([]);
  });
});

test("fish is told every command and option, quoted", () => {
  const lines = (printed.get("fish") ?? "").trim().split("\n").slice(1);
  for (const line of lines) {
    expect(line).toMatch(/^complete -c omnikv( -f$| -n '|( -s \w)? -[al] )/);
    // Every quote is closed: what is no text in quotes has none.
    expect(line.replaceAll("'\\''", "").replace(/'[^']*'/g, "")).not.toContain("'");
  }
  const text = lines.join("\n");
  expect(text).toContain("-n '__fish_seen_subcommand_from read get' -l local -d");
  expect(text).toMatch(
    /-n '__fish_seen_subcommand_from config; and __fish_seen_subcommand_from set;[^']*' -a quota/,
  );
  expect(text).toContain("-l cluster -r -F -d");
  expect(text).toContain("-s c -l command -x -d");
});

test("text with quotes and backslashes reaches the shells as it is", () => {
  const help = `it's "a" $(touch /nowhere/x) \\ b`;
  const nothing = { aliases: [], options: [], commands: [], value: "none" } as const;
  const sub: CompletedCommand = { ...nothing, name: "sub", summary: help };
  const program: CompletedCommand = { ...nothing, name: "p", summary: "", commands: [sub] };
  const described = bash(`compdef() { :; }
_describe() { printf '%s\\n' "\${found[@]}"; }
${completionScript("zsh", program)}
words=('' p ''); CURRENT=2; _p`);
  expect(described[0]).toBe(`sub:${help}`);
  expect(completionScript("fish", program)).toContain(`'it'\\''s "a" $(touch /nowhere/x) \\\\ b'`);
});
