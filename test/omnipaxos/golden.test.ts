/**
 * Golden scripts: runs of the protocol that read like a play. `npx vitest run test/omnipaxos/golden.test.ts -u` rewrites
 * what they expect, after a change that was meant; `git diff` then shows what it has changed.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { play } from "./golden/stage.ts";

const FOLDER = join(import.meta.dirname, "golden");
const SCRIPTS = readdirSync(FOLDER).filter((name) => name.endsWith(".txt"));

describe("golden scripts", () => {
  test.each(SCRIPTS)("%s goes as it is written", async (name) => {
    const file = join(FOLDER, name);
    await expect(play(readFileSync(file, "utf8"))).toMatchFileSnapshot(file);
  });

  test.each(SCRIPTS)("%s says what it shows and where that is in the paper", (name) => {
    const [before = ""] = readFileSync(join(FOLDER, name), "utf8").split("\ncluster ");
    expect(before).toMatch(/^# [A-Z]/);
    expect(before).toMatch(/^# In the paper: .+/m);
  });

  test("a command that nobody knows is an error, as is a node that does not exist", () => {
    expect(() => play("cluster 3\nshout 1")).toThrow("no such command: shout 1");
    expect(() => play("cluster 3\nappend 4 a")).toThrow("no node 4");
    expect(() => play("cluster 3 loud")).toThrow("no such option: loud");
  });
});
