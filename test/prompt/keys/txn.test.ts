/** `txn` at the client prompt: what a line of words means, and how the answer is told. */
import { expect, test } from "vitest";
import { KeyValue } from "../../../src/client/terms/range-entry.ts";
import { createStyle } from "../../../src/prompt/terminal/style.ts";
import { tokenize } from "../../../src/prompt/terminal/tokenize.ts";
import { TXN_COMMAND } from "../../../src/prompt/commands/txn-commands.ts";
import { txnOutcome } from "../../../src/prompt/keys/txn-outcome.ts";
import { fakeClient } from "../fake-client.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function actionOf(line: string): ReturnType<typeof TXN_COMMAND.build> {
  return TXN_COMMAND.build({ positionals: tokenize(line)[0] ?? [], flags: new Map() });
}

/** With texts for bytes. */
function requestOf(line: string): unknown {
  return JSON.parse(
    JSON.stringify(actionOf(line).request, (_name, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString() : value,
    ),
  );
}

test("conditions, then operations, and others", () => {
  const line =
    "if k=v n!=w k2@3 k3#4 k5 !k6 'two words=x y' then put a 1 del b else get k range p/";
  expect(requestOf(line)).toEqual({
    compare: [
      { key: "k", value: "v", is: "=" },
      { key: "n", value: "w", is: "!=" },
      { key: "k2", modRevision: 3 },
      { key: "k3", version: 4 },
      { key: "k5", version: 0, is: ">" },
      { key: "k6", version: 0 },
      { key: "two words", value: "x y", is: "=" },
    ],
    then: [
      { op: "put", key: "a", value: "1" },
      { op: "delete", key: "b" },
    ],
    else: [
      { op: "get", key: "k" },
      { op: "get", range: { prefix: "p/" } },
    ],
  });
});

test("without conditions, and with keys that are called as words of it", () => {
  expect(requestOf("then put then else delrange get count put")).toEqual({
    compare: [],
    then: [
      { op: "put", key: "then", value: "else" },
      { op: "delete", range: { prefix: "get" } },
      { op: "get", range: { prefix: "put" }, countOnly: true },
    ],
    else: [],
  });
  expect(requestOf("put a 1")).toMatchObject({ then: [{ op: "put", key: "a", value: "1" }] });
});

test.each([
  ["if a=1", 'behind the conditions comes "then"'],
  ["if then get a", 'behind "if" comes a condition'],
  ["if =1 then get a", "at least one byte"],
  ["then put a", "too few words"],
  ["then jump a", '"jump" is no operation'],
  ["then get a else get b else get c", '"else" is no operation'],
])("%s is refused", (line, message) => {
  expect(() => actionOf(line)).toThrow(message);
});

test("the answer in words and as JSON", async () => {
  const client = fakeClient();
  const found = new KeyValue(bytes("k"), bytes("two words"), 3, 2, 2);
  client.answerTxn = {
    ...{ succeeded: false, revision: 7, node: 1 },
    results: [
      { op: "get", count: 1, more: false, found: [found] },
      { op: "get", count: 0, more: false, found: [] },
      { op: "get", count: 1, more: false, found: [found] },
      { op: "delete", count: 2, previous: [] },
    ],
  };
  const action = actionOf("if !k then put k 1 else get k get x range k delrange y");
  const { text, json, status } = await txnOutcome(client, action, {}, createStyle(0), () => 2);
  expect(text.split("\n")).toEqual([
    'get k: "two words" (revision 3)',
    "get x: (not found)",
    "get k…: 1 key",
    '  k "two words" (revision 3)',
    "delete y…: 2 keys",
    expect.stringMatching(/^else, as a condition did not hold, revision 7 \(2/),
  ]);
  expect(status).toBe(0);
  expect(json).toMatchObject({
    ...{ ok: true, op: "txn", succeeded: false, revision: 7 },
    results: [{ keys: [{ key: "k", value: "two words", modRevision: 3 }] }, {}, {}, { count: 2 }],
  });
});
