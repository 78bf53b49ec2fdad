import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, it } from "vitest";

const FOLDER = join(import.meta.dirname, "../../src/omnipaxos");

it("the README's example runs, stands alone and prints what it says", () => {
  const readme = readFileSync(join(FOLDER, "README.md"), "utf8");
  const [, code] = /```ts\n([\s\S]*?)```/.exec(readme)!;
  expect(code!.trimEnd().split("\n").length).toBeLessThanOrEqual(30);
  const source = code!.replace("omnikv/omnipaxos", pathToFileURL(join(FOLDER, "index.ts")).href);
  const folder = mkdtempSync(join(tmpdir(), "omnipaxos-readme-"));
  try {
    const file = join(folder, "example.mts");
    writeFileSync(file, source);
    const output = execFileSync(process.execPath, ["--import", "tsx", file], {
      encoding: "utf8",
      cwd: join(FOLDER, "../.."),
    });
    expect(output.trim().split("\n")).toEqual(["1 3", "2 3", "3 3"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
