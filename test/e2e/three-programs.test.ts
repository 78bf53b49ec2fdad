/** docs/examples/three-programs.mjs as its first lines say: three programs that each have a node in them. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { freePorts } from "../../src/measure/subjects/places.ts";

const EXAMPLE = resolve(import.meta.dirname, "../../docs/examples/three-programs.mjs");

interface Program {
  readonly child: ChildProcess;
  readonly lines: string[];
  readonly ended: Promise<number | null>;
}

let directory = "";
const programs: Program[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "omnikv-example-"));
});
afterEach(async () => {
  for (const { child } of programs) child.kill("SIGKILL");
  await Promise.all(programs.splice(0).map(({ ended }) => ended));
  rmSync(directory, { recursive: true, force: true });
});

function start(id: number, members: string): Program {
  const child = spawn(process.execPath, [EXAMPLE, String(id), members, directory]);
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (data: Buffer) => lines.push(...data.toString().trimEnd().split("\n")));
  }
  const ended = new Promise<number | null>((done) => child.once("exit", (code) => done(code)));
  const program = { child, lines, ended };
  programs.push(program);
  return program;
}

const countsOf = ({ lines }: Program): number[] =>
  lines.flatMap((line) => /^program \d: (\d+)$/.exec(line)?.[1] ?? []).map(Number);

/** Each has counted so often. */
async function reach(goals: readonly (readonly [Program, number])[]): Promise<void> {
  const look = (): void => {
    for (const [program, count] of goals) {
      expect(countsOf(program).length).toBeGreaterThanOrEqual(count);
    }
  };
  await vi.waitFor(look, { timeout: 60_000, interval: 50 });
}

test("three programs count together, each number once, and go on without one that is stopped", async () => {
  const ports = await freePorts(6);
  const members = [1, 2, 3]
    .map((id) => `${id}=127.0.0.1:${ports[2 * id - 2]}:${ports[2 * id - 1]}`)
    .join(",");
  const three = [1, 2, 3].map((id) => start(id, members));
  await reach(three.map((program) => [program, 2]));
  const [first, ...others] = three;
  first?.child.kill("SIGTERM");
  expect(await first?.ended).toBe(0);
  expect(first?.lines.at(-1)).toBe("program 1: stopped");
  await reach(others.map((program) => [program, countsOf(program).length + 2]));
  const again = start(1, members);
  await reach([[again, 1]]);
  for (const { child } of [...others, again]) child.kill("SIGINT");
  expect(await Promise.all([...others, again].map(({ ended }) => ended))).toEqual([0, 0, 0]);
  const counted = programs.flatMap(countsOf).toSorted((a, b) => a - b);
  expect(counted).toEqual(Array.from(counted, (_, i) => i + 1));
}, 180_000);
