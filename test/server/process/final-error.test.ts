/** The sentences that end a server. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { InvariantError } from "../../../src/base/assert.ts";
import { KvError } from "../../../src/base/errors.ts";
import { StorageError } from "../../../src/base/storage-error.ts";
import { ListenError } from "../../../src/server/node/listen-error.ts";
import { DiskFullError, TooManyFilesError } from "../../../src/machine/ports/disk.ts";
import { silentLogger, type LogFields, type Logger } from "../../../src/machine/ports/logger.ts";
import { finalError } from "../../../src/server/process/final-error.ts";
import { LastWords } from "../../../src/server/process/last-words.ts";

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: said the system`), { code });
}

const ADDRESS = { host: "10.0.0.1", port: 80 };

test.each([
  ["EADDRINUSE", ["port 80 of 10.0.0.1", "taken", ":80", "--port"]],
  ["EACCES", ["may not open port 80", "below 1024", "--port"]],
  ["EADDRNOTAVAIL", ["10.0.0.1", "no address of this machine", "--host"]],
  ["ENOTFOUND", ["the name 10.0.0.1", "cannot be turned into an address", "--host"]],
  ["EMFILE", ["port 80", "ulimit -n"]],
  ["EWHATEVER", ["port 80", "EWHATEVER: said the system", "--port"]],
])("a port cannot be opened: %s", (code, parts) => {
  for (const foreseen of [true, false]) {
    const error = new ListenError("clients", ADDRESS, systemError(code));
    const final = finalError(error, foreseen, "/data");
    expect(final).toMatchObject({ code, isBug: false });
    for (const part of parts) expect(final.text).toContain(part);
  }
  const peers = finalError(new ListenError("peers", ADDRESS, systemError(code)), true, "/data");
  expect(peers.text.includes("--port")).toBe(false);
});

test("what knows its own way out is said as it is", () => {
  const damaged = new StorageError("LOG_DAMAGED", "the log is damaged: do this");
  expect(finalError(damaged, false, "/data")).toEqual({
    ...{ code: "LOG_DAMAGED", text: "the log is damaged: do this", isBug: false },
  });
  const flag = new KvError("BAD_REQUEST", "--port: expected a port");
  expect(finalError(flag, false, "/data")).toMatchObject({ code: "BAD_REQUEST", isBug: false });
  const told = finalError(new Error("node 3 has lost its identity: do that"), true, "/data");
  expect(told).toMatchObject({ text: "node 3 has lost its identity: do that", isBug: false });
});

test("a full disk and too many files", () => {
  expect(finalError(new DiskFullError("x is full. Make room there"), false, "/data")).toEqual({
    ...{ code: "DISK_FULL", text: "x is full. Make room there, then start this node again" },
    isBug: false,
  });
  const files = new TooManyFilesError("too many");
  expect(finalError(files, false, "/data")).toMatchObject({ code: "TOO_MANY_FILES", isBug: false });
  const raw = finalError(systemError("EMFILE"), false, "/data");
  expect(raw).toMatchObject({ code: "TOO_MANY_FILES", isBug: false });
});

test.each([
  ["a broken invariant", new InvariantError("a < b"), true],
  ["the same, not foreseen", new InvariantError("a < b"), false],
  ["an error in the program", new TypeError("a < b"), true],
  ["an error that nobody caught", new Error("a < b"), false],
  ["no error", "a < b", false],
])("a bug: %s", (_, error, foreseen) => {
  const final = finalError(error, foreseen, "/data/node1");
  expect(final).toMatchObject({ code: "BUG", isBug: true });
  expect(final.text).toMatch(
    /^this is a bug or a damaged disk: a < b; keep \/data\/node1 as it is and report it/,
  );
});

test("one line, whatever the error says", () => {
  const { text } = finalError(
    new InvariantError(`first\n  second\n${"x".repeat(10_000)}`),
    true,
    "/",
  );
  expect(text).toContain("first second");
  expect(text).not.toContain("\n");
  expect(text.length).toBeLessThan(1000);
});

describe("the last words", () => {
  let directory = "";
  let lines: string[] = [];
  let logged: { level: string; text: string; fields: LogFields }[] = [];
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "omnikv-words-"));
    lines = [];
    logged = [];
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  function lastWords(enabled = true, isOneScreen = false): LastWords {
    const at =
      (level: string) =>
      (text: string, fields: LogFields = {}): void =>
        void logged.push({ level, text, fields });
    const logger: Logger = {
      ...silentLogger,
      enabled: () => enabled,
      debug: at("debug"),
      error: at("error"),
    };
    return new LastWords({
      ...{ nodeId: 7, version: "1.2.3", dataDirectory: directory, logger, isOneScreen },
      write: (line) => lines.push(line),
      exit: () => {},
    });
  }

  test("what is foreseen: a line in the log, a sentence, the stack for who asks, and no file", () => {
    lastWords().cannotStart(new StorageError("LOCKED", "in use: stop it"));
    expect(lines).toEqual(["omnikv server: node 7 cannot start: in use: stop it\n"]);
    expect(logged.map(({ level }) => level)).toEqual(["debug", "error"]);
    expect(logged[1]).toMatchObject({
      ...{ text: "node 7 cannot start: in use: stop it", fields: { code: "LOCKED" } },
    });
    expect(readdirSync(directory)).toEqual([]);
  });

  test("on one screen it is said once, with the code", () => {
    lastWords(false, true).cannotStart(new StorageError("LOCKED", "in use: stop it"));
    lastWords(false, true).stops(new ListenError("clients", ADDRESS, systemError("EACCES")));
    const [locked, listen = ""] = lines;
    expect(locked).toBe("omnikv server: node 7 cannot start: in use: stop it (LOCKED)\n");
    expect(listen.match(/EACCES/g)).toHaveLength(1);
    expect(lines).toHaveLength(2);
    expect(logged).toEqual([]);
  });

  test("a bug: the stack and its causes go to a file, and the sentence names it", () => {
    lastWords(false).stops(new InvariantError("broken"));
    const [file = ""] = readdirSync(directory);
    expect(file).toMatch(/^crash-[0-9TZ-]+\.txt$/);
    expect(lines[0]).toContain(join(directory, file));
    const text = readFileSync(join(directory, file), "utf8");
    expect(text).toMatch(/^omnikv 1\.2\.3, node 7, /);
    expect(text).toMatch(/InvariantError: broken\n\s+at /);
    expect(logged.map(({ level }) => level)).toEqual(["error"]);
  });

  test("a directory that takes no file: the sentence comes all the same", () => {
    rmSync(directory, { recursive: true });
    lastWords().stops(new InvariantError("broken"));
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toContain("crash-");
  });
});
