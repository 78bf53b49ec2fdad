/** The history file: where, for whose eyes, and what stays in it. */
import { execFileSync } from "node:child_process";
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  chmodSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  appendHistory,
  HISTORY_LINES_MAX,
  historyPath,
  loadHistory,
} from "../../../src/prompt/terminal/history.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "omnikv-history-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe("the history file", () => {
  test("lies in the state directory unless the user says otherwise", () => {
    expect(historyPath({}, "/home/u", "client")).toBe("/home/u/.local/state/omnikv/client_history");
    expect(historyPath({ XDG_STATE_HOME: "/s" }, "/home/u", "manage")).toBe(
      "/s/omnikv/manage_history",
    );
    expect(historyPath({ OMNIKV_HISTORY: "/h" }, "/home/u", "client")).toBe("/h");
    expect(historyPath({ OMNIKV_HISTORY: "" }, "/home/u", "client")).toBeNull();
  });

  test("is for its owner only, also when it was not before", () => {
    const path = join(directory, "deep", "history");
    appendHistory(path, ["1 read a"]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    chmodSync(path, 0o644);
    appendHistory(path, ["1 read b"]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(loadHistory(path)).toEqual(["1 read a", "1 read b"]);
  });

  test("keeps the last of equal lines, and what another prompt added", () => {
    const path = join(directory, "history");
    appendHistory(path, ["a", "b"]);
    appendHistory(path, ["c", "a"]);
    expect(readFileSync(path, "utf8")).toBe("b\nc\na\n");
  });

  test("is bounded", () => {
    const path = join(directory, "history");
    writeFileSync(path, Array.from({ length: 3 * HISTORY_LINES_MAX }, (_, i) => `${i}\n`).join(""));
    appendHistory(path, ["last"]);
    const lines = loadHistory(path);
    expect(lines).toHaveLength(HISTORY_LINES_MAX);
    expect(lines.at(-1)).toBe("last");
  });

  test("that is a device or a pipe is neither read nor replaced: none is kept", () => {
    const path = join(directory, "pipe");
    execFileSync("mkfifo", [path]);
    expect(loadHistory(path)).toEqual([]);
    appendHistory(path, ["write a 1"]);
    expect(statSync(path).isFIFO()).toBe(true);
    expect(readdirSync(directory)).toEqual(["pipe"]);
  });

  test("that a link leads to is replaced, and not the link", () => {
    const path = join(directory, "history");
    const link = join(directory, "link");
    appendHistory(path, ["a"]);
    symlinkSync(path, link);
    appendHistory(link, ["b"]);
    expect(readFileSync(path, "utf8")).toBe("a\nb\n");
    expect(readdirSync(directory).toSorted()).toEqual(["history", "link"]);
  });

  test("that is missing is empty", () => {
    expect(loadHistory(join(directory, "none"))).toEqual([]);
  });
});
