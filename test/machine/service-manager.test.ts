import { spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { tellServiceManager } from "../../src/machine/host/service-manager.ts";
import type { Logger } from "../../src/machine/ports/logger.ts";
import { eventually } from "../e2e/cluster.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "omnikv-notify-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const warnings: string[] = [];
const ignore = (): void => {};
const logger: Logger = {
  enabled: () => true,
  debug: ignore,
  info: ignore,
  warn: (text) => void warnings.push(text),
  error: ignore,
};
beforeEach(() => void warnings.splice(0));

const read = (name: string): string => {
  try {
    return readFileSync(join(directory, name), "utf8");
  } catch {
    return "";
  }
};

function fakeProgram(script: string): NodeJS.ProcessEnv {
  const path = join(directory, "systemd-notify");
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return { PATH: directory, NOTIFY_SOCKET: "/run/systemd/notify" };
}

test("systemd's program is told once, with the socket, and only where there is one", async () => {
  const environment = fakeProgram(`echo "$NOTIFY_SOCKET $@" >> ${join(directory, "told")}`);
  tellServiceManager("READY=1", logger, { ...environment, NOTIFY_SOCKET: undefined });
  tellServiceManager("READY=1", logger, environment);
  await eventually("it is told", () => read("told") !== "");
  expect(read("told")).toBe("/run/systemd/notify READY=1\n");
  expect(warnings).toEqual([]);
});

test("a warning tells when it cannot be told", async () => {
  tellServiceManager("READY=1", logger, fakeProgram("exit 1"));
  await eventually("it fails", () => warnings.length > 0);
  tellServiceManager("READY=1", logger, { PATH: "/nowhere", NOTIFY_SOCKET: "/x" });
  await eventually("it is missing", () => warnings.length > 1);
  expect(new Set(warnings)).toEqual(new Set(["systemd could not be told how far this server is"]));
});

const has = (program: string): boolean =>
  spawnSync("sh", ["-c", `command -v ${program}`]).status === 0;
const LISTENER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("bound", flush=True)
print(s.recv(4096).decode(), flush=True)
`;

test.skipIf(!has("systemd-notify") || !has("python3"))(
  "the real program reaches the socket (skipped without systemd-notify and python3)",
  async () => {
    const socket = join(directory, "notify");
    const listener = spawn("python3", ["-c", LISTENER, socket], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let said = "";
    listener.stdout.on("data", (text: Buffer) => (said += text.toString()));
    try {
      await eventually("it listens", () => said.includes("bound"));
      tellServiceManager("STOPPING=1", logger, { ...process.env, NOTIFY_SOCKET: socket });
      await eventually("it hears", () => said.includes("STOPPING=1"));
    } finally {
      listener.kill();
    }
  },
);
