/** `omnikv secret`: what it leaves is what servers read. */
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test, vi } from "vitest";
import { secretCommand } from "../../../src/bin/secret.ts";
import { readSecretFile } from "../../../src/server/config/secret-file.ts";

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

test("a file keeps its mode, and a link goes on leading to it", () => {
  const [path, link] = [join(directory, "kept"), join(directory, "link")];
  secret(path);
  chmodSync(path, 0o400);
  symlinkSync("kept", link);
  secret(link, "--add");
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(readSecretFile(path)).toHaveLength(2);
  expect(statSync(path).mode & 0o777).toBe(0o400);
  expect(readdirSync(directory).filter((name) => name.endsWith(".new"))).toEqual([]);
});

test.skipIf(process.getuid?.() !== 0)("a file stays its owner's (needs root)", () => {
  const path = join(directory, "owned");
  secret(path);
  chownSync(path, 1234, 1235);
  for (const step of ["--add", "--promote", "--drop"]) secret(path, step);
  expect(statSync(path)).toMatchObject({ uid: 1234, gid: 1235 });
});
