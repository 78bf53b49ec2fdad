/** A node that answers with commands for the terminal: none of them gets there. */
import { PassThrough, Readable } from "node:stream";
import { text as readAll } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { KvError, type ErrorCode } from "../../src/base/errors.ts";
import { printable, printableJson, terminalText } from "../../src/base/printable.ts";
import { createConsoleLogger } from "../../src/machine/logger/console-logger.ts";
import { createAdminPrompt } from "../../src/prompt/admin-prompt.ts";
import { createClientPrompt, type KvCalls } from "../../src/prompt/client-prompt.ts";
import type { AdminCalls } from "../../src/prompt/management/cluster-options.ts";
import type { Prompt } from "../../src/prompt/terminal/prompt.ts";
import { runPrompt } from "../../src/prompt/terminal/run-prompt.ts";
import { createStyle } from "../../src/prompt/terminal/style.ts";
import { linkTo, statusOf } from "./admin-fixtures.ts";

/** Clears the screen, in C0 and in C1; hides; a bell; a line of its own; writes from right to left. */
const EVIL = "\u001b[2J\u009b2J\u001b[8m\u0007\n\u007f\u202eevil\u2066\u200b\u{e0041}\u061c";
const HARMFUL = /[\p{Cc}\p{Cf}\u2028\u2029]/u;
const COLOURS = new RegExp(`${String.fromCharCode(27)}\\[(?:0|1|2|22|3[1-9]|39)m`, "g");

const style = createStyle(1);
const nodes = [1, 2].map((id) => ({ id, host: "127.0.0.1", port: 4100 + id }));
const common = {
  ...{ nodes, timeoutMs: 100, style, startCommand: (node: number) => `run ${node}` },
  now: () => 0,
};

async function shown<A>(prompt: Prompt<A>, command: string, json: boolean): Promise<string> {
  const [output, errors] = [new PassThrough(), new PassThrough()];
  await runPrompt(prompt, {
    ...{ input: Readable.from([]), output, errors, isTerminal: false, command, json },
    ...{ bail: false, promptText: "", greeting: "", historyPath: null },
    signal: new AbortController().signal,
  });
  output.end();
  errors.end();
  return `${await readAll(output)}${await readAll(errors)}`;
}

function expectHarmless(text: string): void {
  expect(text).toMatch(/evil/);
  expect(text.replaceAll(COLOURS, "").replaceAll("\n", "")).not.toMatch(HARMFUL);
  expect(text).not.toContain("\u001b[8m");
}

describe.each([false, true])("with --json: %s", (json) => {
  test.each(["status", "1 status", "1 get_links"])("management: %s", async (command) => {
    const link = linkTo(2, { address: EVIL, reason: EVIL, state: "down" });
    const client: AdminCalls = {
      call: (node, op) =>
        Promise.resolve(
          (op === "getLinks"
            ? { links: [link] }
            : statusOf(node, { version: EVIL, clusterId: EVIL, links: [link] })) as never,
        ),
    };
    const prompt = createAdminPrompt({ ...common, client, sleep: async () => {}, servers: null });
    const text = await shown(prompt, command, json);
    const harmless = text.replaceAll(COLOURS, "").replaceAll("\n", "");
    expect(harmless).not.toMatch(HARMFUL);
    expect(text).not.toBe("");
  });

  test.each<ErrorCode>(["FORBIDDEN", "INTERNAL", "UNAUTHORIZED", "BAD_REQUEST", "NO_QUORUM"])(
    "errors: %s",
    async (code) => {
      const fail = (): Promise<never> => Promise.reject(new KvError(code, EVIL));
      const failing = (): AsyncGenerator<never> => failsWith(new KvError(code, EVIL));
      const calls: KvCalls = {
        request: fail,
        range: failing,
        keys: failing,
        count: fail,
        history: failing,
        snapshot: fail,
        txn: fail,
        write: fail,
        leases: { issue: fail, renew: fail, revoke: fail, timeToLive: fail, list: fail },
        locks: { query: fail },
        watch: () => {
          throw new KvError(code, EVIL);
        },
      };
      const texts = [
        await shown(createClientPrompt({ ...common, client: calls }), "write a b", json),
        await shown(createClientPrompt({ ...common, client: calls }), "keys a", json),
        await shown(createClientPrompt({ ...common, client: calls }), "txn then get a", json),
        await shown(createClientPrompt({ ...common, client: calls }), "lease ttl 7; locks", json),
        await shown(createClientPrompt({ ...common, client: calls }), "watch a", json),
        await shown(createClientPrompt({ ...common, client: calls }), "history a", json),
        await shown(createClientPrompt({ ...common, client: calls }), "get a b", json),
        await shown(createClientPrompt({ ...common, client: calls }), "delete a --prefix", json),
        await shown(
          createAdminPrompt({
            ...{ ...common, sleep: async () => {}, servers: null },
            client: { call: fail },
          }),
          "1 heal; heal; status",
          json,
        ),
      ];
      for (const text of texts) {
        expect(text.replaceAll(COLOURS, "").replaceAll("\n", "")).not.toMatch(HARMFUL);
        expect(text).not.toContain("\u001b[8m");
      }
    },
  );
});

test("what is escaped in JSON is the same value", () => {
  const text = printableJson({ evil: EVIL });
  expect(text).not.toMatch(HARMFUL);
  expect(JSON.parse(text)).toEqual({ evil: EVIL });
});

test("texts are escaped, colours stay where the whole is shown", () => {
  expectHarmless(printable(EVIL));
  expect(printable("grüße 漢字 👍")).toBe("grüße 漢字 👍");
  expect(terminalText(`${style.good("ok")}\n\u001b[2J\u009b`)).toBe(
    `${style.good("ok")}\n\\u001b[2J\\u009b`,
  );
});

test("fillers, which are letters that nobody sees, are escaped, and letters are not", () => {
  for (const filler of "\u115f\u1160\u3164\uffa0") {
    const escaped = `a\\u${filler.charCodeAt(0).toString(16)}b`;
    expect(printable(`a${filler}b`)).toBe(escaped);
    expect(terminalText(`a${filler}b`)).toBe(escaped);
    expect(printableJson(`a${filler}b`)).toBe(`"${escaped}"`);
    expect(JSON.parse(printableJson(`a${filler}b`))).toBe(`a${filler}b`);
  }
  expect(printable("한글 ㅎㅏ ﾱ")).toBe("한글 ㅎㅏ ﾱ");
});

test("lines of the log, as JSON too", () => {
  for (const format of ["pretty", "json"] as const) {
    const lines: string[] = [];
    const logger = createConsoleLogger({
      ...{ name: "n1", level: "info", format, color: 0 },
      write: (line) => lines.push(line),
    });
    logger.warn("refused", { reason: EVIL });
    expect(lines).toHaveLength(1);
    expect(lines[0]!.slice(0, -1)).not.toMatch(HARMFUL);
  }
});

// oxlint-disable-next-line require-yield
async function* failsWith(error: KvError): AsyncGenerator<never> {
  throw error;
}
