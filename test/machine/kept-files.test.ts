/** Files whose values change while a program runs. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { KeptFiles } from "../../src/machine/host/kept-files.ts";
import { until } from "../conformance/wait.ts";

let directory = "";
let path = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "omnikv-kept-"));
  path = join(directory, "secret");
  writeFileSync(path, "one");
});
afterEach(() => rmSync(directory, { recursive: true }));

test("files that cannot be read are tried again though they do not change, and reported once", async () => {
  const read: string[] = [];
  const troubles: string[] = [];
  let failures = 0;
  let tried = 0;
  const files = new KeptFiles({
    paths: [path],
    read: () => {
      tried += 1;
      if (failures > 0) {
        failures -= 1;
        throw new Error("EMFILE: too many open files");
      }
      return "a value";
    },
    onRead: (value) => void read.push(value),
    onTrouble: (error) => void troubles.push(error.message),
  });
  files.watch(1);
  // Once by the constructor, once at the first look.
  await until(() => tried === 2);
  failures = 2;
  writeFileSync(path, "another length");
  await until(() => read.length === 1);
  expect(troubles).toEqual(["EMFILE: too many open files"]);
  expect(tried).toBe(5);
  files.stop();
});
