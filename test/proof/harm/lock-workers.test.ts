/** The processes of the torture of locks. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, test } from "vitest";

const WORKER = join(import.meta.dirname, "../../../src/proof/harm/torture/lock-worker.ts");

test("a worker does not outlive whoever has started it, also when there is no cluster any more", async () => {
  const nodes = [{ id: 1, host: "127.0.0.1", port: 1, peerPort: 2 }];
  const task = { role: "locker", nodes, secret: null, name: "a", ttlMs: 1000, from: 1 };
  const args = ["--import", "tsx", WORKER, JSON.stringify(task)];
  const child = spawn(process.execPath, args, { stdio: ["pipe", "ignore", "inherit"] });
  const ended = once(child, "exit");
  try {
    child.stdin.end();
    expect(await ended).toEqual([0, null]);
  } finally {
    child.kill("SIGKILL");
  }
}, 30_000);
