/** `lease`, `locks` and writes with a lease at the client prompt. */
import { expect, test } from "vitest";
import { clientTable, type ClientAction } from "../../../src/prompt/commands/client-commands.ts";
import { parseCommand } from "../../../src/prompt/terminal/command-table.ts";
import { EXIT } from "../../../src/prompt/terminal/exit-status.ts";
import { leaseOutcome } from "../../../src/prompt/keys/lease-outcome.ts";
import type { Outcome } from "../../../src/prompt/terminal/outcome.ts";
import { createStyle } from "../../../src/prompt/terminal/style.ts";
import { tokenize } from "../../../src/prompt/terminal/tokenize.ts";
import { fakeClient } from "../fake-client.ts";
import { runWith } from "../run-client-prompt.ts";

function actionOf(line: string): ClientAction {
  const parsed = parseCommand(clientTable([1, 2, 3]), tokenize(line)[0] ?? []);
  if (parsed.kind !== "command") throw new Error(parsed.kind);
  return parsed.action;
}

async function outcomeOf(line: string, client = fakeClient()): Promise<Outcome> {
  const action = actionOf(line);
  if (action.family !== "lease") throw new Error(`no command of leases: ${line}`);
  return leaseOutcome(client, action, {}, createStyle(0), () => 1.25);
}

test("each says what came of it, for people and for programs", async () => {
  const [granted, kept, listed] = [
    await outcomeOf("lease grant 30s"),
    await outcomeOf("1 lease keep 7"),
    await outcomeOf("lease list"),
  ];
  expect(granted).toMatchObject({ text: "lease 7, for 30 s (1.3 ms)", status: EXIT.ok });
  expect(granted.json).toEqual({
    ok: true,
    op: "lease",
    verb: "grant",
    id: 7,
    ttl: 30_000,
    ms: 1.25,
  });
  expect(kept.text).toBe("ok, for 30 s more (1.3 ms)");
  expect(listed).toMatchObject({
    text: "lease 7: 12.35 s of 30 s left",
    footer: { text: "1 lease (1.3 ms)", isPart: false },
  });
  expect((await outcomeOf("lease revoke 7")).text).toBe("revoked (1.3 ms)");
  const told = await outcomeOf("lease ttl 7");
  expect(told.text).toBe('  a\n  "two words"\nlease 7: 12.35 s of 30 s left (1.3 ms)');
  expect(told.json).toMatchObject({
    remaining: 12_345,
    keys: [{ key: "a" }, { key: "two words" }],
  });
  const locks = await outcomeOf("locks");
  expect(locks.text.split("\n")).toEqual([
    "a: held by me, since revision 5",
    "a: waited for shared, since revision 6",
  ]);
  expect(locks.footer).toEqual({ text: "1 held, 1 waiting (1.3 ms)", isPart: false });
});

test("without a terminal only the lines of a list are on standard output", async () => {
  const { out, err } = await runWith(fakeClient(), { command: "lease list; locks" });
  expect(out.split("\n")).toEqual([
    "lease 7: 12.35 s of 30 s left",
    "a: held by me, since revision 5",
    "a: waited for shared, since revision 6",
    "",
  ]);
  expect(err).toMatch(/^1 lease .*\n1 held, 1 waiting .*\n$/);
});

test("locks tell who leads elections, too", async () => {
  const client = fakeClient();
  const stand = (place: string, owner: string): Promise<unknown> =>
    client.write(Buffer.from(`omnikv/elections/job/${place}`), Buffer.from(owner));
  await stand("held/x/1-1", "ann");
  await stand("wait/x/2-1", "bob");
  await stand("wait/x/3-1", "");
  const { text, json } = await outcomeOf("locks", client);
  expect(text).toContain("election job: ann leads since revision 1, 2 more would");
  expect(json).toMatchObject({
    elections: { leading: [{ name: "job", owner: "ann" }], standing: [{ owner: "bob" }, {}] },
  });
});

test("a lease that is not there is a failure, told as a result", async () => {
  for (const verb of ["keep", "revoke", "ttl"]) {
    const outcome = await outcomeOf(`lease ${verb} 8`);
    expect(outcome).toMatchObject({ text: "(no lease 8) (1.3 ms)", status: EXIT.failed });
    expect(outcome.json).toMatchObject({ ok: false, verb, id: 8, found: false });
  }
});

test("a write can be bound to a time or a lease, and is an ordinary one otherwise", async () => {
  const client = fakeClient();
  await outcomeOf("1 write a b --ttl 1.5s", client);
  await outcomeOf("put a b --lease 7", client);
  expect(client.calls).toEqual(["any write a 1500", "any write a 7"]);
  expect(actionOf("write a b")).not.toHaveProperty("bound");
  expect(actionOf("write a b")).not.toHaveProperty("family");
});

test.each([
  ["lease", "too few arguments"],
  ["lease gramt 5s", '"gramt" is none of grant TIME'],
  ["lease grant", "the time to live is a time like"],
  ["lease grant 0", "more than 0"],
  ["lease keep x", 'keep takes the number of a lease, got "x"'],
  ["lease list 5", "list takes nothing"],
  ["write a b --ttl 5s --lease 7", "--ttl or --lease, not both"],
  ["write a b --ttl soon", "--ttl is a time like"],
])("%s is refused", (line, text) => {
  expect(() => actionOf(line)).toThrow(text);
});
