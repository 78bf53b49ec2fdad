/** The client prompt over streams: answers, failures, exit statuses, JSON, the terminal's keys. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { KvError } from "../../src/base/errors.ts";
import { wrongPortText } from "../../src/base/wrong-port.ts";
import { EXIT } from "../../src/prompt/terminal/exit-status.ts";
import type { RunPromptOptions } from "../../src/prompt/terminal/run-prompt.ts";
import { fakeClient, type FakeClient } from "./fake-client.ts";
import { DeleteEvent, PutEvent } from "../../src/client/watches/watch-types.ts";
import { runWith, type Run } from "./run-client-prompt.ts";

let client: FakeClient;
beforeEach(() => {
  client = fakeClient();
});

const run = (options: Partial<RunPromptOptions>): Promise<Run> => runWith(client, options, 1.25);
const piped = (text: string, options: Partial<RunPromptOptions> = {}): Promise<Run> =>
  run({ input: Readable.from([Buffer.from(text)]), ...options });

describe("answers", () => {
  test("are in words, with their time", async () => {
    const { out, err, status } = await piped(
      [
        "1 write 35 hello",
        "2 read 35",
        "3 read 35 --local",
        "1 read nothing",
        "1 cas 35 hello world",
        "1 cas 35 hello again",
        "1 cas new --absent first",
        "1 cas gone a b",
        '1 write 36 "two words"',
        "read 36",
        "3 delete 35",
        "3 delete 35",
      ].join("\n"),
    );
    expect(out.split("\n")).toEqual([
      "ok, revision 1 (1.3 ms)",
      "hello (revision 1, 1.3 ms)",
      "hello (revision 1, local, perhaps old, 1.3 ms)",
      "(not found) (1.3 ms)",
      "swapped, revision 2 (1.3 ms)",
      "not swapped: the value is world (revision 2, 1.3 ms)",
      "swapped, revision 3 (1.3 ms)",
      "not swapped: (not found) (1.3 ms)",
      "ok, revision 4 (1.3 ms)",
      '"two words" (revision 4, 1.3 ms)',
      "deleted, revision 5 (1.3 ms)",
      "(not found) (1.3 ms)",
      "",
    ]);
    expect(err).toBe("");
    expect(status).toBe(EXIT.ok);
    expect(client.calls[1]).toBe("2 read 35 linearizable");
    expect(client.calls[2]).toBe("3 read 35 local");
    expect(client.calls[9]).toBe("any read 36 linearizable");
  });

  test("are one JSON object a line with --json, errors too", async () => {
    client.failNext(new KvError("TIMEOUT", "no answer"));
    const { out, err, status } = await piped(
      '1 write a b\n1 write a "\\xff"\n1 read a\nnonsense\n1 cas a x y\n',
      { json: true },
    );
    expect(err).toBe("");
    expect(
      out
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([
      {
        ok: false,
        node: 1,
        op: "write",
        code: "TIMEOUT",
        definite: false,
        retryable: true,
        message: "no answer",
        ms: 1.25,
      },
      { ok: true, node: 1, op: "write", key: "a", revision: 1, ms: 1.25 },
      {
        ok: true,
        node: 1,
        op: "read",
        key: "a",
        found: true,
        valueBase64: "/w==",
        modRevision: 1,
        createRevision: 1,
        version: 1,
        consistency: "linearizable",
        ms: 1.25,
      },
      {
        ok: false,
        code: "USAGE",
        definite: true,
        retryable: false,
        message: expect.stringContaining('line 4: unknown command "nonsense"') as string,
      },
      {
        ok: true,
        node: 1,
        op: "cas",
        key: "a",
        swapped: false,
        found: true,
        valueBase64: "/w==",
        modRevision: 1,
        ms: 1.25,
      },
    ]);
    expect(status).toBe(EXIT.unknown);
  });

  test("a command of the other prompt says where it is", async () => {
    const { err, status } = await piped("isolate 2\n1 break_link 2\nread_links\n");
    expect(err.split("\n")).toEqual([
      "line 1: isolate is a command of the other prompt: `omnikv manage`, or that of `omnikv start`, which has both",
      "line 2: break_link is a command of the other prompt: `omnikv manage`, or that of `omnikv start`, which has both",
      expect.stringContaining('line 3: unknown command "read_links"'),
      "",
    ]);
    expect(status).toBe(EXIT.usage);
  });

  test("cannot disturb the terminal", async () => {
    const { out } = await piped('1 write a "\\x1b[2J"\n1 read a\n');
    expect(out).toContain('"\\x1b[2J"');
    expect(out).not.toContain("\u001b");
  });
});

describe("failures", () => {
  test.each([
    [
      new KvError("CONNECTION_FAILED", "refused"),
      "1 read a",
      "node 1 does not answer at 127.0.0.1:4101: start it with `sh run1.sh`, or ask another node",
      EXIT.unavailable,
    ],
    [
      new KvError("CONNECTION_FAILED", "refused"),
      "write a b",
      "no node answers (tried 127.0.0.1:4101, 127.0.0.1:4102, 127.0.0.1:4103)",
      EXIT.unavailable,
    ],
    [
      new KvError(
        "CONNECTION_FAILED",
        `cannot connect to node 1: ${wrongPortText("clients", 404)}`,
      ),
      "1 read a",
      "what listens there answers with HTTP status 404: it is no port of omnikv for clients, but may be the one for nodes",
      EXIT.unavailable,
    ],
    [
      new KvError("NO_QUORUM", "no leader"),
      "2 write a b",
      "node 2 reaches no majority of the nodes, nothing was done",
      EXIT.unavailable,
    ],
    [
      new KvError("NO_QUORUM", "behind"),
      "2 read a --local",
      "node 2 is behind what this prompt has seen elsewhere, and reaches no majority of the nodes: what it has shows in a new prompt",
      EXIT.unavailable,
    ],
    [
      new KvError("TIMEOUT", "no answer"),
      "2 write a b",
      "unknown: it may or may not have taken effect: node 2 did not answer within 5 s",
      EXIT.unknown,
    ],
    [
      new KvError("CONNECTION_LOST", "lost"),
      "2 cas a b c",
      "unknown: it may or may not have taken effect: the connection to node 2 was lost",
      EXIT.unknown,
    ],
    [
      new KvError("TIMEOUT", "no answer"),
      "2 read a",
      "is a majority of the nodes up?",
      EXIT.unavailable,
    ],
    [
      new KvError("TIMEOUT", "no answer"),
      "2 read a --at-least 99",
      "node 2 has not come as far as revision 99 within 5 s",
      EXIT.unavailable,
    ],
    [
      new KvError("TIMEOUT", "no answer"),
      "read a --at-least 99",
      "no node has come as far as revision 99 within 5 s",
      EXIT.unavailable,
    ],
    [new KvError("OVERLOADED", "full"), "2 write a b", "try again in a moment", EXIT.failed],
    [new KvError("UNAUTHORIZED", "no secret"), "2 read a", "--secret-file", EXIT.failed],
    [
      new KvError("UNAUTHORIZED", "node 2 requires the secret, the client has none"),
      "2 read a",
      "node 2 wants the cluster's secret: name its file with --secret-file",
      EXIT.failed,
    ],
    [
      new KvError("UNAUTHORIZED", "the client requires the secret, node 2 has none"),
      "2 read a",
      "node 2 has no secret, and this client has one: leave out --secret-file, or start all nodes with it",
      EXIT.failed,
    ],
    [
      new KvError("SESSION_EXPIRED", "expired", { definite: false }),
      "2 write a b",
      "unknown: it may or may not have taken effect",
      EXIT.unknown,
    ],
  ])("%s of %j is one line that says what to do", async (error, line, message, status) => {
    client.failNext(error);
    const run = await piped(line);
    expect(run.err).toContain(message);
    expect(run.err.trim().split("\n")).toHaveLength(1);
    expect(run.err).not.toMatch(/failed/);
    expect(run.out).toBe("");
    expect(run.status).toBe(status);
  });

  test("never speak of failing when the outcome is unknown, nor of unknown outcomes of reads", async () => {
    client.failNext(new KvError("CONNECTION_LOST", "lost"));
    const { err } = await piped("1 read a");
    expect(err).not.toContain("unknown");
  });

  test("leave the rest of the lines running; the status is the worst of all", async () => {
    client.failNext(new KvError("TIMEOUT", "no answer"));
    const { out, err, status } = await piped("1 write a b\n1 wirte a b\n1 write a c\n");
    expect(out).toBe("ok, revision 1 (1.3 ms)\n");
    expect(err).toContain('line 2: unknown command "wirte": did you mean "write"?');
    expect(status).toBe(EXIT.unknown);
  });

  test("end the run at once with --bail", async () => {
    const { out, status } = await piped("1 wirte a b\n1 write a c\n", { bail: true });
    expect(out).toBe("");
    expect(status).toBe(EXIT.usage);
    expect(client.calls).toEqual([]);
  });
});

describe("commands as an argument", () => {
  test("are separated by ; and by line ends", async () => {
    const { out, status } = await run({ command: "1 write a 'x;y'; 2 read a # so\n3 delete a" });
    expect(out.split("\n").map((line) => line.split(" (")[0])).toEqual([
      "ok, revision 1",
      '"x;y"',
      "deleted, revision 2",
      "",
    ]);
    expect(status).toBe(EXIT.ok);
  });

  test("stop at exit", async () => {
    await run({ command: "1 write a b; exit; 1 write a c" });
    expect(client.calls).toEqual(["1 write a"]);
  });

  test("are cancelled by an interrupt, and nothing follows", async () => {
    client.hangNext();
    const abort = new AbortController();
    const running = run({ command: "1 write a b; 1 write a c", signal: abort.signal });
    await vi.waitFor(() => expect(client.calls).toHaveLength(1), { timeout: 20_000 });
    abort.abort();
    const { status, err } = await running;
    expect(err).toContain(
      "unknown: it may or may not have taken effect: cancelled after it was sent",
    );
    expect(status).toBe(EXIT.interrupted);
    expect(client.calls).toHaveLength(1);
  });
});

describe("lines of a pipe", () => {
  test("are all carried out, in order, however they arrive", async () => {
    const count = 5000;
    const lines = Array.from({ length: count }, (_, i) => `1 write k${i} v`).join("\n");
    const { out, status } = await piped(lines);
    expect(out.trim().split("\n")).toHaveLength(count);
    expect(client.calls).toEqual(Array.from({ length: count }, (_, i) => `1 write k${i}`));
    expect(status).toBe(EXIT.ok);
  });

  test("may come in pieces, with CRLF, comments, blanks, and without an end", async () => {
    const input = Readable.from(
      ["1 wri", "te a b\r\n\r\n# note\n  \n1 re", "ad a"].map((piece) => Buffer.from(piece)),
    );
    const { out } = await run({ input });
    expect(out.split("\n")[1]).toBe("b (revision 1, 1.3 ms)");
  });

  test("end with exit though the pipe stays open", async () => {
    const input = new PassThrough();
    input.write("1 write a b\nexit\n1 write a c\n");
    const { status } = await run({ input });
    expect(status).toBe(EXIT.ok);
    expect(client.calls).toEqual(["1 write a"]);
  });

  test("end at an interrupt while none comes", async () => {
    const abort = new AbortController();
    const running = run({ input: new PassThrough(), signal: abort.signal });
    abort.abort();
    expect((await running).status).toBe(EXIT.interrupted);
  });
});

describe("at a terminal", () => {
  let directory = "";
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "omnikv-prompt-"));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  function terminal(historyPath: string | null = null) {
    const input = new PassThrough();
    const output = new PassThrough();
    let seen = "";
    output.on("data", (chunk: Buffer) => {
      seen += chunk.toString();
    });
    const status = run({ input, output, isTerminal: true, greeting: "welcome", historyPath });
    const until = (text: string): Promise<void> =>
      vi.waitFor(() => expect(seen).toContain(text), { interval: 5, timeout: 20_000 });
    return { input, until, status, seen: () => seen };
  }
  const CTRL_C = "\u0003";
  const CTRL_D = "\u0004";

  test("answers, lives on after errors, and leaves with Ctrl-D", async () => {
    const { input, until, status } = terminal();
    await until("welcome");
    input.write("1 write a b\n");
    await until("ok, revision 1");
    input.write("1 raed a\n");
    await until('did you mean "read"?');
    input.write("1 read a\n");
    await until("b (revision 1");
    input.write(CTRL_D);
    expect((await status).status).toBe(EXIT.ok);
  });

  test("completes with Tab", async () => {
    const { input, until, status } = terminal();
    input.write("1 wr\t");
    await until("1 write ");
    input.write("a b\n");
    await until("ok, revision 1");
    input.write("exit\n");
    expect((await status).status).toBe(EXIT.ok);
  });

  test("Ctrl-C cancels the running command only", async () => {
    client.hangNext();
    const { input, until, status } = terminal();
    input.write("1 write a b\n");
    await vi.waitFor(() => expect(client.calls).toHaveLength(1), { timeout: 20_000 });
    input.write(CTRL_C);
    await until("cancelled after it was sent");
    input.write("1 write a c\n");
    await until("ok, revision 1");
    input.write(CTRL_D);
    expect((await status).status).toBe(EXIT.ok);
  });

  test("shows changes as they happen until Ctrl-C, and goes on", async () => {
    client.told.push({
      ...{ type: "events", revision: 7 },
      events: [
        new PutEvent(Buffer.from("app/a"), Buffer.from("x y"), 7, 7, 1, null),
        new DeleteEvent(Buffer.from("app/b"), 7, null),
      ],
    });
    const { input, until, status } = terminal();
    input.write("2 watch app/ --from 7\n");
    await until("watching from revision 7 on");
    await until('put app/a "x y" (revision 7)');
    await until("delete app/b (revision 7)");
    expect(client.watches).toEqual([
      { selector: { prefix: new TextEncoder().encode("app/") }, node: 2, from: 7, previous: false },
    ]);
    input.write(CTRL_C);
    input.write("1 write a c\n");
    await until("ok, revision 1");
    input.write(CTRL_D);
    expect((await status).status).toBe(EXIT.ok);
  });

  test("Ctrl-C clears a line; twice at an empty prompt it leaves", async () => {
    const { input, until, status } = terminal();
    input.write("1 write a");
    input.write(CTRL_C);
    await until("^C");
    input.write(CTRL_C);
    await until("Ctrl-C again leaves");
    input.write("1 read a\n");
    await until("(not found)");
    input.write(CTRL_C);
    input.write(CTRL_C);
    expect((await status).status).toBe(EXIT.interrupted);
    expect(client.calls).toEqual(["1 read a linearizable"]);
  });

  test("keeps lines for the next time, and finds them with the arrow key", async () => {
    const historyPath = join(directory, "history");
    const first = terminal(historyPath);
    first.input.write("1 write a b\nexit\n");
    await first.status;
    expect(readFileSync(historyPath, "utf8")).toBe("1 write a b\nexit\n");
    const second = terminal(historyPath);
    second.input.write("\u001b[A\u001b[A\n");
    await second.until("ok, revision 2");
    second.input.write(CTRL_D);
    expect((await second.status).status).toBe(EXIT.ok);
  });

  test("says so when history cannot be kept, and goes on", async () => {
    const file = join(directory, "file");
    writeFileSync(file, "");
    const { input, until, status } = terminal(join(file, "history"));
    await until("history is not kept");
    input.write("1 read a\n");
    await until("(not found)");
    input.write(CTRL_D);
    expect((await status).status).toBe(EXIT.ok);
  });
});

test("who types JSON without quotes around it is told what became of it", async () => {
  const { out, err, status } = await piped(
    `1 write js {"a":1}\n1 write k '{"a":1}'\nread js\nread k\n`,
  );
  expect(err).toBe(`quotes were taken out: write '{"a":1}'\n`);
  expect(out).toMatch(/^ok, .*\nok, .*\n{a:1} \(.*\n'{"a":1}' \(.*\n$/);
  expect(status).toBe(EXIT.ok);
});
