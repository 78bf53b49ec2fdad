/** Any node is asked, as long as another one may do what the ones before certainly did not; then the error says what became of each. */
import { expect, test } from "vitest";
import { KvError } from "../../../src/base/index.ts";
import { askAny } from "../../../src/prompt/management/ask-any.ts";
import type { ClusterOptions } from "../../../src/prompt/management/cluster-options.ts";

async function ask(
  ...answers: (KvError | "does it")[]
): Promise<{ asked: number[]; end: unknown }> {
  const asked: number[] = [];
  const options = {
    client: {
      call: async (node: number) => {
        asked.push(node);
        const answer = answers[node - 1];
        if (answer instanceof KvError) throw answer;
        return {};
      },
    },
    nodes: answers.map((_, i) => ({ id: i + 1, host: "h", port: 4101 + i })),
    timeoutMs: 1000,
    startCommand: (node: number) => `start ${node}`,
    servers: null,
  } as unknown as ClusterOptions;
  const call = askAny(options, "compact", { revision: 1 }, new AbortController().signal);
  return { end: await call.then(() => "done").catch((error: unknown) => error), asked };
}

const away = new KvError("CONNECTION_FAILED", "refused", { definite: true });
const late = new KvError("TIMEOUT", "late", { definite: false });
const wrong = new KvError("BAD_REQUEST", "no such revision", { definite: true });

test("the next node is asked where one did nothing", async () => {
  expect(await ask(away, "does it")).toEqual({ asked: [1, 2], end: "done" });
});

test("when no node does it, what became of each question is said", async () => {
  const { end } = await ask(away, away);
  expect(end).toMatchObject({ code: "CONNECTION_FAILED", definite: true });
  expect((end as Error).message).toMatch(/^node 1 does not answer at h:4101.*; node 2 does not/);
});

test("what every node would refuse is refused in the words of the first", async () => {
  expect(await ask(away, wrong, "does it")).toEqual({ asked: [1, 2], end: wrong });
});

test("what may have been done is not asked again", async () => {
  const { asked, end } = await ask(late, "does it");
  expect(asked).toEqual([1]);
  expect(end).toMatchObject({ code: "TIMEOUT", definite: false });
});
