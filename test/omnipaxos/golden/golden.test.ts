/**
 * Golden scripts: runs of the protocol that read like a play. `npx vitest run test/omnipaxos/golden -u` rewrites what they
 * expect, after a change that was meant; `git diff` then shows what it has changed.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { play } from "./stage.ts";

const SCRIPTS = readdirSync(import.meta.dirname).filter((name) => name.endsWith(".txt"));

test.each(SCRIPTS)("%s goes as it is written", async (name) => {
  const file = join(import.meta.dirname, name);
  await expect(play(readFileSync(file, "utf8"))).toMatchFileSnapshot(file);
});
