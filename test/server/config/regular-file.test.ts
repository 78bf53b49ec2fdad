/** What is no file, or too large for one of its kind, is refused without waiting for its end. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readAccess } from "../../../src/bin/options/credential-options.ts";
import { defaultCluster, loadClusterFile } from "../../../src/server/config/cluster.ts";
import { FILE_MAX, readRegularFile } from "../../../src/server/config/regular-file.ts";
import { readPrivateFile, readSecretFile } from "../../../src/server/config/secret-file.ts";

const directory = mkdtempSync(join(tmpdir(), "omnikv-files-"));
afterAll(() => rmSync(directory, { recursive: true }));

const pipe = join(directory, "pipe");
execFileSync("mkfifo", ["-m", "600", pipe]);

test.each([
  ["secrets", (path: string) => readSecretFile(path)],
  ["private keys", (path: string) => readPrivateFile(path, "--key-file", "a private key")],
  ["authorities", (path: string) => readAccess({ cacert: path }, defaultCluster())],
  ["certificates", (path: string) => readAccess({ cert: path, key: path }, defaultCluster())],
  ["descriptions of clusters", (path: string) => loadClusterFile(path)],
])("%s are in regular files", (_, read) => {
  expect(() => read(pipe)).toThrow(`cannot read ${pipe}: it is no regular file`);
  expect(() => read("/dev/zero")).toThrow("cannot read /dev/zero: it is no regular file");
  expect(() => read(directory)).toThrow("it is a directory");
  const large = join(directory, "large");
  writeFileSync(large, "x".repeat(FILE_MAX.pem + 1), { mode: 0o600 });
  expect(() => read(large)).toThrow(/it has more than \d+ KiB, which no such file needs/);
});

test.each(["secretFile", "cacert", "cert", "key"])("an empty name is no file: %s", (name) => {
  expect(() => readAccess({ [name]: "" }, defaultCluster())).toThrow(
    /^--[a-z-]+: expected a file's name, got an empty text/,
  );
});

test("a link to a file is read, and what fits exactly too", () => {
  const [path, link] = [join(directory, "file"), join(directory, "link")];
  writeFileSync(path, "12345678");
  symlinkSync(path, link);
  expect(Buffer.from(readRegularFile(link, "--config", 8).bytes).toString()).toBe("12345678");
  expect(() => readRegularFile(link, "--config", 7)).toThrow("--config: cannot read");
});
