/** Session guarantees, explanations, the page and the command: what people read. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCheck, type CheckFlags } from "../../../src/bin/check.ts";
import {
  checkLinearizable,
  checkSessionGuarantees,
  explain,
  kvModel,
  parseHistory,
  renderHtml,
} from "../../../src/proof/checker/index.ts";
import { plainStyle } from "../../../src/prompt/terminal/style.ts";
import { generateReports, linesOf } from "./etcd-reports.ts";
import { corrupted, generate } from "./generate.ts";

const text = (...list: unknown[]): string =>
  list.map((line) => `${JSON.stringify(line)}\n`).join("");
const write = (process: string, value: string, call: number, more = {}) => ({
  process,
  op: "write",
  key: "a",
  value,
  call,
  return: call + 5,
  ...more,
});
const read = (process: string, result: string | null, call: number, more = {}) => ({
  process,
  op: "read",
  key: "a",
  result,
  call,
  return: call + 5,
  ...more,
});

const STALE = text(
  write("1", "old", 0),
  write("2", "other", 3),
  write("1", "new", 20),
  read("3", "new", 30),
  read("2", "old", 40),
  write("2", "late", 50),
);

describe("session guarantees", () => {
  const kinds = (content: string): string[] =>
    checkSessionGuarantees(parseHistory(content)).map(({ guarantee }) => guarantee);
  const local = { consistency: "local" };

  test("a session sees its own writes", () => {
    expect(
      kinds(
        text(write("1", "x", 0, { revision: 4 }), read("1", "w", 10, { revision: 2, ...local })),
      ),
    ).toEqual(["read-your-writes"]);
    expect(kinds(text(write("2", "w", 0), write("1", "x", 10), read("1", "w", 20, local)))).toEqual(
      ["read-your-writes"],
    );
    expect(kinds(text(write("1", "x", 0), read("1", null, 10, local)))).toEqual([
      "read-your-writes",
    ]);
    expect(kinds(text(write("2", "w", 0), write("1", "x", 10), read("3", "w", 20, local)))).toEqual(
      [],
    );
  });

  test("a session never sees less than before", () => {
    const writes = [write("1", "x", 0, { revision: 1 }), write("1", "y", 10, { revision: 2 })];
    expect(
      kinds(
        text(
          ...writes,
          read("2", "y", 20, { revision: 2 }),
          read("2", "x", 30, { revision: 1, ...local }),
        ),
      ),
    ).toEqual(["monotonic-reads"]);
    expect(kinds(text(...writes, read("2", "x", 20, local), read("2", "y", 30, local)))).toEqual(
      [],
    );
    expect(
      kinds(text(read("2", null, 20, { index: 9 }), read("2", null, 30, { index: 8, ...local }))),
    ).toEqual(["monotonic-index"]);
  });

  test("what overlaps has no order, and what cannot be told is not claimed", () => {
    expect(kinds(text(write("1", "x", 0), read("1", null, 3, local)))).toEqual([]);
    expect(kinds(text(write("2", "w", 0), write("1", "x", 3), read("1", "w", 20, local)))).toEqual(
      [],
    );
    const gone = { process: "2", op: "delete", key: "a", call: 1, outcome: "unknown" };
    expect(kinds(text(write("1", "x", 0), gone, read("1", null, 10, local)))).toEqual([]);
  });

  test("a linearizable store keeps them all", () => {
    for (let seed = 1; seed < 60; seed++) {
      const history = generate({
        seed,
        clients: 4,
        operations: 80,
        keys: 2,
        mix: ["read", "read", "write", "cas", "delete"],
        withRevisions: seed % 2 === 0,
        unknownPerMille: 50,
      });
      expect(checkSessionGuarantees(history)).toEqual([]);
    }
  });
});

describe("explanations", () => {
  test("only what matters is named", () => {
    const { partitions } = checkLinearizable(kvModel, parseHistory(STALE));
    const { operations, isMinimal, text: words } = explain(kvModel, partitions[0]!, { unit: "ms" });
    expect(isMinimal).toBe(true);
    expect(operations.map(({ id }) => id)).toEqual([0, 2, 4]);
    expect(words).toContain('client 2: read, saw "old"   [40 ms to 45 ms, line 5]');
    expect(words).toContain("Real time demands 1 before 2, 2 before 3");
  });

  test("a value that nobody wrote stands alone", () => {
    const { partitions } = checkLinearizable(
      kvModel,
      parseHistory(text(write("1", "x", 0), read("1", "y", 10))),
    );
    const { operations, text: words } = explain(kvModel, partitions[0]!);
    expect(operations).toHaveLength(1);
    expect(words).toContain('No operations of this history together lead to "y".');
  });

  test("each operation of the smallest set is needed, in long histories too", () => {
    const history = corrupted(
      generate({
        seed: 4,
        clients: 8,
        operations: 600,
        keys: 2,
        mix: ["read", "read", "read", "read", "write", "cas"],
      }),
      0.5,
    );
    const partition = checkLinearizable(kvModel, history).partitions.find(
      ({ verdict }) => verdict === "violation",
    );
    const { operations, isMinimal } = explain(kvModel, partition!);
    expect(isMinimal).toBe(true);
    expect(operations.length).toBeLessThan(12);
    // Set free any one of them, and the rest can be ordered: asked of the checker itself, by way of a smaller history.
    for (const freed of operations) {
      const relaxed = partition!.operations.flatMap((operation) => {
        if (operations.includes(operation) && operation !== freed) return [operation];
        if (operation.request.kind === "read") return [];
        if (operation.answer?.kind === "cas" && !operation.answer.swapped) return [];
        const { request } = operation;
        const asWrite =
          request.kind === "cas" ? { kind: "write" as const, value: request.value } : request;
        return [
          {
            ...operation,
            request: asWrite,
            outcome: "unknown" as const,
            answer: null,
            end: Infinity,
          },
        ];
      });
      const again = checkLinearizable(kvModel, { operations: relaxed, unit: "us" });
      expect(again.verdict).toBe("ok");
    }
  });
});

describe("the page", () => {
  const evil = '</script><img src=x onerror=alert(1)><!-- & "';
  const history = parseHistory(text(write(evil, evil, 0), read("2", null, 10)));
  const result = checkLinearizable(kvModel, history);
  const page = renderHtml(result, {
    title: evil,
    explanations: [explain(kvModel, result.partitions[0]!)],
  });

  test("nothing from the history is markup", () => {
    expect(page).not.toContain("<img");
    expect(page.match(/<\/script>/g)).toHaveLength(2);
    expect(page).not.toContain("<!-- &");
  });

  test("its data are all there, and it asks nobody for anything", () => {
    const json =
      /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(page)?.[1] ?? "";
    const data = JSON.parse(json) as {
      partitions: { operations: { process: string }[]; blocked: number; core: number[] }[];
    };
    expect(data.partitions[0]?.operations[0]?.process).toBe(evil);
    expect(data.partitions[0]).toMatchObject({ blocked: 1, core: [0, 1] });
    expect(page).toContain("default-src 'none'");
    expect(
      renderHtml(result)
        .replace(/<script type="application.json".*?<.script>/s, "")
        .replaceAll("http://www.w3.org/2000/svg", ""),
    ).not.toMatch(/https?:|src=|@import|url\(/);
  });

  test("its script is JavaScript", () => {
    const script = page.split("<script>")[1]?.split("</script>")[0] ?? "";
    expect(() => new Function(script)).not.toThrow();
    expect(script).toContain("JSON.parse");
  });
});

describe("omnikv check", () => {
  let folder = "";
  beforeAll(() => (folder = mkdtempSync(join(tmpdir(), "omnikv-check-"))));
  afterAll(() => rmSync(folder, { recursive: true }));

  function run(
    content: string | null,
    flags: Partial<CheckFlags> = {},
  ): { status: number; out: string; errors: string } {
    const file = join(folder, "history.jsonl");
    if (content !== null) writeFileSync(file, content);
    let out = "";
    let errors = "";
    const status = runCheck(
      content === null ? join(folder, "missing") : file,
      { format: "auto", consistency: "linearizable", timeLimit: "20", ...flags },
      {
        out: { write: (chunk) => (out += chunk) },
        errors: { write: (chunk) => (errors += chunk) },
        style: plainStyle,
        now: () => performance.now(),
      },
    );
    return { status, out, errors };
  }

  test("0: fine", () => {
    const { status, out } = run(text(write("1", "x", 0), read("2", "x", 10)));
    expect(status).toBe(0);
    expect(out).toContain("history.jsonl: linearizable (2 operations on 1 key, model kv");
  });

  test("1: not linearizable, in words, as JSON, and drawn", () => {
    const html = join(folder, "out.html");
    const { status, out } = run(STALE, { html });
    expect(status).toBe(1);
    expect(out).toContain("not linearizable");
    expect(out).toContain('client 2: read, saw "old"');
    expect(readFileSync(html, "utf8")).toContain("<!doctype html>");
    const json = JSON.parse(run(STALE, { json: true }).out) as unknown;
    expect(json).toMatchObject({
      verdict: "violation",
      explanations: [{ operations: [0, 2, 4], isMinimal: true }],
    });
  });

  test("other guarantees", () => {
    const lag = text(
      write("1", "x", 0),
      write("1", "y", 10),
      read("2", "x", 30, { consistency: "local" }),
    );
    expect(run(lag, { consistency: "sequential" }).status).toBe(0);
    expect(run(lag, { consistency: "session" }).out).toContain("session guarantees hold");
    const back = text(
      write("1", "x", 0),
      write("1", "y", 10),
      read("1", "x", 30, { consistency: "local" }),
    );
    expect(run(back, { consistency: "session" })).toMatchObject({ status: 1 });
    expect(run(back, { consistency: "sequential" })).toMatchObject({ status: 1 });
  });

  test("2: usage, unreadable, no history, wrong model", () => {
    expect(run(null)).toMatchObject({ status: 2, errors: expect.stringContaining("cannot read") });
    expect(run("hello")).toMatchObject({
      status: 2,
      errors: expect.stringContaining("line 1: expected"),
    });
    expect(run(STALE, { model: "queue" })).toMatchObject({
      status: 2,
      errors: expect.stringContaining("--model: expected"),
    });
    expect(run(STALE, { timeLimit: "soon" })).toMatchObject({
      status: 2,
      errors: expect.stringContaining("--time-limit"),
    });
    const gone = text({ process: "1", op: "delete", key: "a", call: 0, return: 1 });
    expect(run(gone, { model: "register" })).toMatchObject({
      status: 2,
      errors: expect.stringContaining("line 1: the model"),
    });
    expect(run("hello", { json: true }).out).toContain('"code":"UNKNOWN_FORMAT"');
    expect(existsSync(join(folder, "missing"))).toBe(false);
  });

  test("5: not decided in time", () => {
    const operations = generate({
      seed: 1,
      clients: 40,
      operations: 2000,
      keys: 1,
      mix: ["read", "write", "append"],
    });
    const content = operations.operations.map(({ process, request, answer, call, end }) => ({
      process,
      op: request.kind,
      ...("value" in request ? { value: request.value } : {}),
      ...(answer?.kind === "value" ? { result: answer.value } : {}),
      call,
      return: end,
    }));
    const { status, out } = run(text(...content), { timeLimit: "0.001" });
    expect(status).toBe(5);
    expect(out).toContain("not decided (time)");
  });
});

describe("what is judged as a whole", () => {
  const run = (file: string, flags: object = {}): { status: number; text: string } => {
    let text = "";
    const out = { write: (part: string) => (text += part) };
    const io = { out, errors: out, style: plainStyle, now: () => performance.now() };
    const given = { format: "auto", consistency: "linearizable", timeLimit: "60", ...flags };
    return { status: runCheck(file, given, io), text };
  };
  const folder = mkdtempSync(join(tmpdir(), "omnikv-check-"));
  const reports = generateReports({
    seed: 4,
    operations: 300,
    clients: 6,
    keys: 9,
    lostPerMille: 20,
  });
  const files: Record<string, readonly Record<string, unknown>[]> = {
    "client-1/operations.json": reports.operations.filter((_, i) => i % 2 === 0),
    "client-2/operations.json": reports.operations.filter((_, i) => i % 2 === 1),
    "client-10/watch.json": [reports.watch],
  };
  for (const [name, records] of Object.entries(files)) {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), linesOf(records));
  }
  afterAll(() => rmSync(folder, { recursive: true }));

  test("a folder of etcd's reports; one of them is a part", () => {
    const whole = run(folder);
    expect(whole.text).toContain("strictly serializable, watches complete (");
    expect(whole.status).toBe(0);
    const part = run(join(folder, "client-1/operations.json"));
    expect(part.text).toContain("revisions of others: give the folder with all clients");
    expect(part.status).toBe(0);
    rmSync(join(folder, "client-2"), { recursive: true });
    const missing = run(folder);
    expect(missing.text).toContain("revision: nobody took revision");
    expect(missing.status).toBe(1);
  });

  test("transactions in EDN", () => {
    const file = join(folder, "history.edn");
    const events = [":invoke", ":ok"].map(
      (type) => `{:process 0 :type ${type} :f :txn :value [[:r x nil] [:w x 1] [:r x 2]]}`,
    );
    writeFileSync(file, events.join("\n"));
    const { status, text } = run(file);
    expect(status).toBe(1);
    expect(text).toContain("not strictly serializable (1 transactions on registers");
    expect(text).toContain('internal: it read "x" as 2, against its own operations');
    expect(JSON.parse(run(file, { json: true }).text)).toMatchObject({ verdict: "violation" });
    expect(run(file, { model: "kv" })).toEqual({
      status: 2,
      text: "omnikv check: --model: transactions and reports are judged for strict serializability\n",
    });
  });
});
