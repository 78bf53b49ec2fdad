/** `.load` and `.every`: commands that run commands, over streams. */
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { EXIT } from "../../../src/prompt/terminal/exit-status.ts";
import type { RunPromptOptions } from "../../../src/prompt/terminal/run-prompt.ts";
import { fakeClient, type FakeClient } from "../fake-client.ts";
import { runWith, type Run } from "../run-client-prompt.ts";

let directory = "";
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "omnikv-load-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let client: FakeClient;
beforeEach(() => {
  client = fakeClient();
});

function file(name: string, ...lines: readonly string[]): string {
  const path = join(directory, name);
  writeFileSync(path, lines.join("\n"));
  return path;
}

const run = (command: string, options: Partial<RunPromptOptions> = {}): Promise<Run> =>
  runWith(client, { command, ...options });

test("a file's lines are carried out, errors name the file and the line, the rest goes on", async () => {
  const path = file(
    "a",
    "# first",
    "1 write a b; c",
    "1 wirte a b",
    "",
    "1 write a 'b",
    "9 read a",
    "write x y",
  );
  const { status, out, err } = await run(`.load ${path}; read x`);
  expect(out).toMatch(/^ok, revision 1 .*\ny .*\n$/);
  expect(err.split("\n")).toEqual([
    expect.stringContaining(`${path} line 2: write: too many arguments`),
    expect.stringContaining(`${path} line 3: unknown command "wirte": did you mean "write"?`),
    expect.stringContaining(`${path} line 5: a ' is never closed`),
    expect.stringContaining(`${path} line 6: there is no node 9`),
    "",
  ]);
  expect(status).toBe(EXIT.usage);
});

test("what goes wrong names the line in JSON as well; --bail ends file and run", async () => {
  const path = file("b", "read a", "1 fly", "read b");
  const { status, out } = await run(`.load ${path}; read c`, { json: true, bail: true });
  const [first, second, ...more] = out.trim().split("\n");
  expect(JSON.parse(first ?? "")).toMatchObject({ ok: true });
  expect(JSON.parse(second ?? "")).toMatchObject({
    ok: false,
    message: expect.stringContaining(`${path} line 2: unknown`),
  });
  expect(more).toEqual([]);
  expect(client.calls).toEqual(["any read a linearizable"]);
  expect(status).toBe(EXIT.usage);
});

test("exit ends the file only; a file may load another, not itself for ever", async () => {
  const inner = file("inner", "write k 1", "exit", "write k 2");
  const outer = file("outer", `.load ${inner}`, "fly", "read k");
  const { out, err } = await run(`.load ${outer}`);
  expect(out).toMatch(/^ok, revision 1 .*\n1 .*\n$/);
  expect(err).toContain(`${outer} line 2: unknown command "fly"`);
  const self = file("self", `.load ${join(directory, "self")}`, "read k");
  const once = await run(`.load ${self}`);
  expect(once.err).toBe(`${self} line 1: .load: ${self} loads itself\n`);
  expect(once.out).toMatch(/^1 \(.*\n$/);
});

test("a file that its own files load again is refused there, and only the innermost place is named", async () => {
  const names = ["one", "two", "three"].map((name) => join(directory, name));
  const [one = "", two = "", three = ""] = names;
  file("one", `.load ${two}`);
  file("two", "# which loads", `.load ${three}`);
  file(
    "three",
    `.load ${directory}/./one`,
    "fly",
    ".load /nowhere",
    "write a 'b",
    "read a b --at x",
  );
  const { err } = await run(`.load ${one}`);
  expect(err.split("\n")).toEqual([
    `${three} line 1: .load: ${directory}/./one loads itself`,
    expect.stringMatching(new RegExp(`^${three} line 2: unknown command`)),
    `${three} line 3: .load: cannot read /nowhere: no such file or directory (ENOENT)`,
    expect.stringMatching(new RegExp(`^${three} line 4: a ' is never closed`)),
    expect.stringMatching(new RegExp(`^${three} line 5: read: --at takes`)),
    "",
  ]);
  const deep = Array.from({ length: 20 }, (_, i) =>
    file(`deep${i}`, `.load ${directory}/deep${i + 1}`),
  );
  expect((await run(`.load ${deep[0]}`)).err).toContain("too many files that load another");
});

test.each([
  ["/nowhere/at/all", "no such file"],
  ["/", "directory"],
])("%s cannot be read, and the prompt goes on", async (path, reason) => {
  const { status, out, err } = await run(`.load ${path}; read k`);
  expect(err).toContain(`.load: cannot read ${path}: `);
  expect(err).toContain(reason);
  expect(out).toContain("(not found)");
  expect(status).toBe(EXIT.usage);
});

test("an interrupt ends a file", async () => {
  const path = file("long", "write a b", "write a c");
  client.hangNext();
  const abort = new AbortController();
  const running = run(`.load ${path}`, { signal: abort.signal });
  await vi.waitFor(() => expect(client.calls).toHaveLength(1), { timeout: 20_000 });
  abort.abort();
  expect((await running).status).toBe(EXIT.interrupted);
  expect(client.calls).toHaveLength(1);
});

test("a command is repeated until it is interrupted, or fails with --bail", async () => {
  const abort = new AbortController();
  const running = run(".every 100ms read k", { signal: abort.signal });
  await vi.waitFor(() => expect(client.calls.length).toBeGreaterThan(2), { timeout: 20_000 });
  abort.abort();
  const { status, out } = await running;
  expect(out).toMatch(/^(\(not found\) .*\n){3,}$/);
  expect(status).toBe(EXIT.interrupted);
});

test("a command that means nothing is not repeated", async () => {
  const { err, status } = await run(".every 1s raed k");
  expect(err).toBe('unknown command "raed": did you mean "read"?\n');
  expect(status).toBe(EXIT.usage);
});

test("a line that is no UTF-8 or has no end is named; what stands before it is carried out", async () => {
  const path = join(directory, "bytes");
  writeFileSync(path, Buffer.concat([Buffer.from("write a 1\n"), Buffer.of(0xff, 0x0a)]));
  const bytes = await run(`.load ${path}`);
  expect(bytes.out).toMatch(/^ok/);
  expect(bytes.err).toMatch(
    /bytes line 2: this is no UTF-8: other bytes are written as "\\xHH"\n$/,
  );
  expect(bytes.status).toBe(EXIT.usage);
  writeFileSync(
    path,
    Buffer.concat([Buffer.from("read a\n"), Buffer.alloc(9 * 1024 * 1024, 0x61)]),
  );
  const long = await run(`.load ${path}`);
  expect(long.err).toContain("bytes line 2: this line is longer than");
  const piped = await run("", { command: null, input: createReadStream(path) });
  expect(piped.out).toContain("1 (");
  expect(piped.err).toMatch(/^line 2: this line is longer than \d+ bytes\n$/);
  expect(piped.status).toBe(EXIT.usage);
});
