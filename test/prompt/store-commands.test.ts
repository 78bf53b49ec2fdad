/** Commands about the past of a key, several keys, all keys of a prefix, and what only a terminal has: tables, questions, Tab. */
import { PassThrough, Readable } from "node:stream";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { KeyVersion } from "../../src/client/keys/key-version.ts";
import { clientTable } from "../../src/prompt/commands/client-commands.ts";
import { keyWord } from "../../src/prompt/terminal/complete.ts";
import { EXIT } from "../../src/prompt/terminal/exit-status.ts";
import type { RunPromptOptions } from "../../src/prompt/terminal/run-prompt.ts";
import { nearest } from "../../src/prompt/terminal/suggest.ts";
import { fakeClient, type FakeClient } from "./fake-client.ts";
import { runWith, type Run } from "./run-client-prompt.ts";

let client: FakeClient;
beforeEach(() => {
  client = fakeClient();
});

const run = (options: Partial<RunPromptOptions>): Promise<Run> => runWith(client, options);
const put = (key: string, value: string) => client.write(Buffer.from(key), Buffer.from(value));

describe("from a script", () => {
  test("several keys are read as one state", async () => {
    await put("a", "1");
    const { out, err, status } = await run({ command: "get a b" });
    expect(out).toBe("a 1\nb (not found)\n");
    expect(err).toMatch(/^\(state of revision 1, .*\n$/);
    expect(status).toBe(EXIT.ok);
    const { out: json } = await run({ command: "2 get a b --local", json: true });
    expect(JSON.parse(json)).toMatchObject({
      ...{ ok: true, op: "read", revision: 1 },
      keys: [
        { key: "a", found: true, value: "1", modRevision: 1, version: 1 },
        { key: "b", found: false },
      ],
    });
    expect(client.calls).toContain("2 snapshot local");
    await run({ command: "get a b --at 3; get a b --at-least 4" });
    expect(client.calls.slice(-2)).toEqual(["any snapshot 3", "any snapshot local 4"]);
  });

  test("a key can be read as it was, and not before a revision", async () => {
    const { err } = await run({ command: "read a --at 0; read a --at-least x" });
    expect(err).toMatch(
      /--at takes a positive integer, got "0"[^]*--at-least takes a positive integer/,
    );
    await run({ command: "read a --at 7; read a --at-least 3" });
    expect(client.calls).toEqual(["any read a linearizable", "any read a local"]);
  });

  test("the history of a key says what it was, and that it was deleted", async () => {
    const one = Buffer.from("one");
    client.versions.set("a", [
      new KeyVersion(9, null, 0, 0),
      new KeyVersion(7, Buffer.from("two"), 3, 2),
      new KeyVersion(3, one, 3, 1),
    ]);
    const { out, err } = await run({ command: "history a; history a --limit 1; history b" });
    expect(out).toBe("9 (deleted)\n7 two\n3 one\n9 (deleted)\n");
    expect(err).toMatch(
      /^3 versions \(all that is kept, .*\n1 version \(there are more: --limit, .*\n\(nothing is kept\) \([\d.]+ ms\)\n$/,
    );
    const { out: json } = await run({ command: "history a --limit 2", json: true });
    expect(JSON.parse(json)).toMatchObject({
      ...{ op: "history", key: "a", more: true },
      versions: [
        { revision: 9, deleted: true },
        { revision: 7, value: "two", createRevision: 3, version: 2 },
      ],
    });
  });

  test("commands of an argument ask the person at the terminal before they delete a prefix", async () => {
    await put("app/a", "1");
    const asked: string[] = [];
    const no = {
      confirm: (question: string) => {
        asked.push(question);
        return Promise.resolve(false);
      },
    };
    const command = "delete app/ --prefix";
    expect((await run({ ...no, command })).out).toContain("nothing was deleted");
    expect(asked).toEqual(["delete all that begins with app/, 1 key? (yes or no) "]);
    expect((await run({ ...no, command: `${command} --yes` })).out).toContain("deleted, 1 key");
    expect(asked).toHaveLength(1);
  });

  const lines = (...all: string[]): Readable =>
    Readable.from(all.map((line) => Buffer.from(`${line}\n`)));

  test("lines of a pipe delete a prefix without a question", async () => {
    await put("app/a", "1");
    const { out, err } = await run({ input: lines("delete app/ --prefix") });
    expect(out).toContain("deleted, 1 key");
    expect(err).toBe("");
  });

  test("lines that a person types are asked, on standard error, and the next line is the answer", async () => {
    for (const key of ["app/a", "app/b"]) await put(key, "1");
    const confirm = () => Promise.reject(new Error("nothing else reads what is typed"));
    const typed = (...all: string[]) => run({ confirm, input: lines(...all) });
    const command = "delete app/ --prefix";
    const question = "delete all that begins with app/, 2 keys? (yes or no) ";
    const no = await typed(command, "no", "read app/a", "nonsense");
    expect(no.out).toMatch(/^nothing was deleted .*\n1 \(/);
    expect(no.err).toContain(`${question}line 4: `);
    expect(await typed(command)).toMatchObject({ err: question, status: EXIT.ok });
    const yes = await typed(command, "yes", "keys");
    expect(yes.out).toMatch(/^deleted, 2 keys .*\n$/);
    await put("app/a", "1");
    expect((await typed(`${command} --yes`)).err).toBe("");
  });

  test("no answer that is no UTF-8 is a yes, and it is told", async () => {
    await put("app/a", "1");
    const input = Readable.from([Buffer.from("delete app/ --prefix\n"), Buffer.from([0xff, 0x0a])]);
    const { out, err, status } = await run({ confirm: () => Promise.resolve(true), input });
    expect(out).toContain("nothing was deleted");
    expect(err).toContain("line 2: this is no UTF-8");
    expect(status).toBe(EXIT.usage);
  });

  test("all keys of a prefix are deleted in steps, without a question", async () => {
    for (const key of ["app/a", "app/b", "b"]) await put(key, "1");
    const { out, status } = await run({ command: "delete app/ --prefix; delete app/ --prefix" });
    expect(out).toMatch(/^deleted, 2 keys \(.*\n\(no keys\) \(/);
    expect(status).toBe(EXIT.ok);
    expect((await run({ command: "keys" })).out).toBe("b\n");
    const { err } = await run({ command: "delete '' --prefix" });
    expect(err).toContain("at least one byte");
  });

  test("several keys are deleted as one transaction, each named once", async () => {
    const del = (count: number) => ({ op: "delete", count, previous: [] }) as const;
    client.answerTxn = { succeeded: true, revision: 7, results: [del(1), del(0)], node: 1 };
    const { out, status } = await run({ command: "2 del a b a; del a --prefix b" });
    expect(out).toMatch(/^deleted, 1 key of 2, revision 7 \(.*\n$/);
    expect(status).toBe(EXIT.usage);
    expect(client.calls).toEqual(["2 txn"]);
    const bytes = (text: string) => new Uint8Array(Buffer.from(text));
    expect(client.txns.map((txn) => JSON.stringify(txn))).toEqual([
      // oxlint-disable-next-line no-thenable -- a list, which nobody can call
      JSON.stringify({ then: ["a", "b"].map((key) => ({ op: "delete", key: bytes(key) })) }),
    ]);
    const { out: json } = await run({ command: "del a b", json: true });
    expect(JSON.parse(json)).toMatchObject({
      ...{ op: "delete", deleted: 1, revision: 7 },
      keys: [
        { key: "a", existed: true },
        { key: "b", existed: false },
      ],
    });
    client.answerTxn = { succeeded: true, revision: 7, results: [del(0), del(0)], node: 1 };
    expect((await run({ command: "del a b" })).out).toMatch(/^\(none of 2 found\) /);
    const many = Array.from({ length: 129 }, (_, i) => i).join(" ");
    expect((await run({ command: `del ${many}` })).err).toContain("too many arguments");
  });

  test("a write only if there is none is a cas", async () => {
    const { out } = await run({ command: "put a 1 --if-absent; put a 2 --if-absent" });
    expect(out).toMatch(/^swapped, revision 1 .*\nnot swapped: the value is 1 /);
  });

  test("orders and bounds are asked for, and refused when they mean nothing", async () => {
    const { err } = await run({ command: "range --order age; count --min-mod 0" });
    expect(err).toMatch(/--order is one of key, create, mod, version, value, got "age"/);
    expect(err).toMatch(/--min-mod takes a positive integer, got "0"/);
    const spy = vi.spyOn(client, "keys");
    await run({ command: "keys app/ --order mod --reverse --limit 3 --min-mod 4 --max-create 9" });
    expect(spy.mock.calls[0]?.[1]).toMatchObject({
      ...{ orderBy: "mod", reverse: true, limit: 4, minModRevision: 4, maxCreateRevision: 9 },
    });
  });

  test("a word of a megabyte is neither said again nor compared with every name", async () => {
    const long = "x".repeat(1_000_000);
    const { err } = await run({ command: `${long}; 1 ${long}; read --${long}` });
    expect(err.length).toBeLessThan(2000);
    expect(err).toContain(`unknown command "${"x".repeat(60)}…"`);
    expect(nearest("wri", ["write"])).toBe("write");
    expect(nearest(long, ["write"])).toBeNull();
  });
});

describe("at a terminal", () => {
  function terminal() {
    const input = new PassThrough();
    const output = Object.assign(new PassThrough(), { columns: 50 });
    let seen = "";
    output.on("data", (chunk: Buffer) => (seen += chunk.toString()));
    const status = run({ input, output, isTerminal: true });
    const until = (text: string | RegExp): Promise<void> =>
      vi.waitFor(() => expect(seen).toMatch(text), { interval: 5, timeout: 20_000 });
    return { input, until, status, seen: () => seen };
  }
  const CTRL_C = "\u0003";

  test("keys come in a table no wider than it", async () => {
    await put("app/a", "1");
    await put("app/b", "long ".repeat(30));
    const { input, until, status, seen } = terminal();
    input.write("range app/\n");
    await until("2 keys (all");
    const lines = seen().split(/\r?\n/);
    expect(lines.some((line) => /^key {4}revision {2}version {2}value$/.test(line))).toBe(true);
    const row = lines.find((line) => line.startsWith("app/b"));
    expect(row?.length).toBe(50);
    expect(row).toMatch(/^app\/b +2 +1 {2}"long .*…$/);
    input.write("exit\n");
    await status;
  });

  test("many keys are deleted when the question is answered with yes", async () => {
    await put("app/a", "1");
    const { input, until, status } = terminal();
    input.write("delete app/ --prefix\n");
    await until("all that begins with app/, 1 key?");
    input.write("no\n");
    await until("nothing was deleted");
    input.write("delete app/ --prefix\n");
    await until(/1 key\?[^]*1 key\?/);
    input.write(CTRL_C);
    await until(/nothing was deleted[^]*nothing was deleted/);
    expect(client.txns).toHaveLength(0);
    input.write("delete app/ --prefix\n");
    await until(/1 key\?[^]*1 key\?[^]*1 key\?/);
    input.write("yes\n");
    await until("deleted, 1 key");
    input.write("exit\n");
    expect((await status).status).toBe(EXIT.ok);
  });

  test("a transaction is typed over several lines; an empty one ends it, Ctrl-C gives it up", async () => {
    const { input, until, status } = terminal();
    input.write("1 txn\n");
    await until("an empty line ends it");
    input.write("if a=1 # a comment\n");
    await until(/\.\.\. /);
    input.write("then put a 2\n  put b 'two words'\n\n");
    await until("then, revision");
    expect(client.txns).toEqual([
      {
        compare: [{ key: Buffer.from("a"), value: Buffer.from("1"), is: "=" }].map(bytes),
        then: [
          { op: "put", key: Buffer.from("a"), value: Buffer.from("2") },
          { op: "put", key: Buffer.from("b"), value: Buffer.from("two words") },
        ].map(bytes),
        else: [],
      },
    ]);
    input.write("txn\n");
    await until(/ends it[^]*ends it/);
    input.write("if a=1\n");
    input.write(CTRL_C);
    input.write("read a\n");
    await until("(not found)");
    expect(client.txns).toHaveLength(1);
    input.write("exit\n");
    await status;
  });

  test("Tab completes keys from the store, and says nothing when that fails", async () => {
    await put("greeting/long", "1");
    const { input, until, status, seen } = terminal();
    input.write("read gre\t");
    await until("read greeting/long ");
    input.write("\n");
    await until("1 (revision 1");
    client.hangNext();
    input.write("read gre\t");
    await vi.waitFor(() => expect(client.calls.at(-1)).toBe("any keys"), { timeout: 20_000 });
    // The time for it is over, and the keyboard is there again.
    input.write("x\n");
    await until("(not found)");
    expect(seen()).not.toContain("stop");
    input.write("exit\n");
    await status;
  });
});

test("keys are completed where a key stands, and nowhere else", () => {
  const table = clientTable([1, 2]);
  const cases = [
    ["read ap", "ap"],
    ["1 read ap", "ap"],
    ["get a ap", "ap"],
    ["1 write ", ""],
    ["1 write a ap", null],
    ["rea", null],
    ["read --lo", null],
    ['read "ap', null],
    ["txn if a", null],
    ["help re", null],
  ] as const;
  for (const [line, word] of cases) expect([line, keyWord(table, line)]).toEqual([line, word]);
});

/** Whatever kind of bytes they are. */
function bytes<T extends object>(fields: T): T {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      Buffer.isBuffer(value) ? Uint8Array.from(value) : (value as unknown),
    ]),
  ) as T;
}
