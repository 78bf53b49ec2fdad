/** A server that is told to stop while it starts. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { freePorts } from "../../../src/measure/subjects/places.ts";
import { builtModule } from "../../../src/server/launch/built.ts";
import { until } from "../../conformance/wait.ts";

let directory = "";
const children: ChildProcess[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "omnikv-early-"));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  rmSync(directory, { recursive: true, force: true });
});

interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  readonly said: () => string;
}

async function start(): Promise<Started> {
  const [port, peerPort] = await freePorts(2);
  const peers = `1=127.0.0.1:${port}:${peerPort}`;
  const args = ["server", "--node", "1", "--data-dir", directory, "--peers", peers];
  const child = spawn(process.execPath, [builtModule("bin/omnikv.js"), ...args], {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  children.push(child);
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (bytes: Buffer) => (text += bytes.toString()));
  }
  const ended = new Promise<Awaited<Started["ended"]>>((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  return { child, ended, said: () => text };
}

test("whose starter has gone before it listens ends in good order", async () => {
  const { child, ended, said } = await start();
  child.disconnect();
  expect({ ...(await ended), said: said() }).toMatchObject({ code: 0, signal: null });
  expect(readdirSync(directory).filter((name) => name.startsWith("crash"))).toEqual([]);
});

test("by a signal ends in good order", async () => {
  // It looks for seconds whether that process, which the system does not know of, still holds the directory.
  const lock = join(directory, "lock");
  const held = "1 0123456789abcdef unlocked\n";
  writeFileSync(lock, held);
  const { child, ended, said } = await start();
  await until(() => readFileSync(lock, "latin1") !== held);
  child.kill("SIGTERM");
  expect({ ...(await ended), said: said() }).toMatchObject({ code: 0, signal: null });
});
