/** `omnikv secret`: what it leaves is what servers read. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test, vi } from "vitest";
import { secretCommand } from "../../src/bin/secret.ts";
import { readSecretFile } from "../../src/config/secret-file.ts";

const directory = mkdtempSync(join(tmpdir(), "omnikv-secret-command-"));
afterAll(() => rmSync(directory, { recursive: true }));
beforeEach(() => {
  const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  return () => write.mockRestore();
});

function secret(...words: string[]): void {
  secretCommand().parse(words, { from: "user" });
}

test("no more secrets are added than a file may hold", () => {
  const path = join(directory, "eight");
  secret(path);
  for (let i = 1; i < 8; i += 1) secret(path, "--add");
  expect(() => secret(path, "--add")).toThrow("--add: the file holds 8 secrets");
  expect(readSecretFile(path)).toHaveLength(8);
  secret(path, "--drop");
  expect(readSecretFile(path)).toHaveLength(1);
});
