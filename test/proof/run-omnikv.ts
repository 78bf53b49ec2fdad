/** The built program, carried out to its end. */
import { spawn } from "node:child_process";
import { resolve } from "node:path";

export const OMNIKV = resolve(import.meta.dirname, "../../dist/bin/omnikv.js");

export interface Ended {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

export function runOmnikv(...args: readonly string[]): Promise<Ended> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [OMNIKV, ...args]);
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
    child.on("error", fail);
    child.on("close", (status) => done({ status, out, err }));
  });
}
