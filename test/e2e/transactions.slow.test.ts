/** Transactions over real servers: transfers by several clients while servers are killed, and the prompt's one line. */
import { spawnSync } from "node:child_process";
import { afterEach, expect, test } from "vitest";
import { KvError } from "../../src/base/errors.ts";
import type { KvClient } from "../../src/client/kv-client.ts";
import { eventually, OMNIKV, TestCluster } from "./cluster.ts";

let cluster: TestCluster;
afterEach(() => cluster.dispose());

const ACCOUNTS = 5;
const BALANCE = 100;

interface Transfers {
  readonly done: { committed: number; unknown: number };
  stop(): Promise<void>;
}

/** One after the other, with a little time for others between, each between two accounts; what is not known is counted, never tried again. */
function startTransfers(client: KvClient, own: string): Transfers {
  const done = { committed: 0, unknown: 0 };
  let stopping = false;
  const loop = (async (): Promise<void> => {
    for (let i = 0; !stopping; i++) {
      const from = `account/${i % ACCOUNTS}`;
      const to = `account/${(i + 1 + (i % 3)) % ACCOUNTS}`;
      if (from === to) continue;
      try {
        await client.transact(async (tx) => {
          const source = Number((await tx.get(from)).text());
          const target = Number((await tx.get(to)).text());
          tx.put(from, String(source - 1)).put(to, String(target + 1));
          tx.put(`log/${own}/${i}`, "");
        });
        done.committed += 1;
        await new Promise((wake) => setTimeout(wake, 5));
      } catch (error) {
        if (!(error instanceof KvError)) throw error;
        if (!error.definite) done.unknown += 1;
      }
    }
  })();
  return {
    done,
    stop: () => {
      stopping = true;
      return loop;
    },
  };
}

test("transfers go on while servers are killed, and the sum holds at every moment and afterwards", async () => {
  cluster = await TestCluster.create(3);
  await cluster.startAll();
  const client = cluster.client({ timeoutMs: 5000 });
  await client.txn({
    then: Array.from({ length: ACCOUNTS }, (_, i) => ({
      ...({ op: "put", key: `account/${i}`, value: String(BALANCE) } as const),
    })),
  });
  const transfers = [1, 2, 3].map((i) =>
    startTransfers(cluster.client({ timeoutMs: 3000 }), String(i)),
  );
  const committed = (): number => transfers.reduce((sum, { done }) => sum + done.committed, 0);
  const admin = cluster.admin();
  const sum = async (): Promise<number> => {
    let total = 0;
    for await (const entry of client.range({ prefix: "account/" })) total += Number(entry.text());
    return total;
  };
  for (let round = 0; round < 4; round++) {
    const before = committed();
    await eventually("transfers go on", () => committed() > before + 20);
    expect(await sum()).toBe(ACCOUNTS * BALANCE);
    const leader = await cluster.leader(admin);
    const victim = round % 2 === 0 ? leader : (leader % 3) + 1;
    await cluster.kill(victim);
    const during = committed();
    await eventually("transfers go on without the victim", () => committed() > during + 20);
    await cluster.start(victim);
  }
  await Promise.all(transfers.map((each) => each.stop()));
  await cluster.converged(admin);
  expect(await sum()).toBe(ACCOUNTS * BALANCE);
  // One line in the log for each that took effect, no matter how often it was sent.
  const lines = await client.count({ prefix: "log/" });
  const unknown = transfers.reduce((all, { done }) => all + done.unknown, 0);
  expect(lines.count).toBeGreaterThanOrEqual(committed());
  expect(lines.count).toBeLessThanOrEqual(committed() + unknown);
}, 240_000);

test("the shell's txn carries out a line of words", async () => {
  cluster = await TestCluster.create(1);
  await cluster.startAll();
  await cluster.client().write("k", "v");
  const [node] = cluster.nodes;
  const txn = (...words: string[]): { status: number | null; stdout: string; stderr: string } => {
    const nodes = `${node?.id}=${node?.host}:${node?.port}`;
    const args = [OMNIKV, "txn", ...words, "--nodes", nodes];
    return spawnSync(process.execPath, args, { encoding: "utf8" });
  };
  const first = txn("if", "k=v", "!n", "then", "put", "n", "1", "get", "k");
  expect([first.status, first.stderr]).toEqual([0, ""]);
  expect(first.stdout).toMatch(/^put n\nget k: v \(revision 1\)\nthen, revision 2 \(/);
  const second = txn("if", "!n", "then", "del", "k", "else", "get", "n", "--json");
  expect(JSON.parse(second.stdout)).toMatchObject({
    ...{ ok: true, op: "txn", succeeded: false, revision: 2 },
    results: [{ op: "get", count: 1, keys: [{ key: "n", value: "1" }] }],
  });
  expect(txn("then", "jump").status).not.toBe(0);
}, 240_000);
