/** What tests of backups share: the commands, and keys to lose and to find again. */
import { spawn, spawnSync } from "node:child_process";
import { expect } from "vitest";
import type { KvClient } from "../../src/client/kv-client.ts";
import { OMNIKV } from "./cluster.ts";

/** The id of clusters that begin with a backup. */
export const NEW_ID = "restored";

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}

interface Ended {
  readonly status: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Beside the servers' traffic in this process, which must go on. */
export function omnikv(...args: string[]): Promise<Ended> {
  const child = spawn(process.execPath, [OMNIKV, ...args]);
  const out: Buffer[] = [];
  let stderr = "";
  child.stdout.on("data", (bytes: Buffer) => out.push(bytes));
  child.stderr.on("data", (bytes: Buffer) => (stderr += bytes.toString()));
  return new Promise((done) =>
    child.on("close", (status) => done({ status, stdout: Buffer.concat(out), stderr })),
  );
}

export function restore(file: string, ...args: string[]): ReturnType<typeof spawnSync> {
  return spawnSync(process.execPath, [OMNIKV, "restore", file, ...args], { encoding: "utf8" });
}

export const valueOf = (i: number): string => `value ${i}`.padEnd(400, ".");

export async function writeMany(client: KvClient, count: number): Promise<void> {
  for (let from = 0; from < count; from += 500) {
    const batch = Array.from({ length: Math.min(500, count - from) }, (_, i) => from + i);
    await Promise.all(batch.map((i) => client.write(`key ${i}`, valueOf(i))));
  }
}

export async function readMany(client: KvClient, count: number): Promise<void> {
  for (let from = 0; from < count; from += 500) {
    const batch = Array.from({ length: Math.min(500, count - from) }, (_, i) => from + i);
    const found = await Promise.all(batch.map((i) => client.read(`key ${i}`)));
    expect(found.map((result) => result.found && textOf(result.value))).toEqual(
      batch.map((i) => valueOf(i)),
    );
  }
}
