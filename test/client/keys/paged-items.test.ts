import fc from "fast-check";
import { expect, test } from "vitest";
import { PagedItems } from "../../../src/client/keys/index.ts";
import type { PageAnswer } from "../../../src/protocol/client/index.ts";

type Page = readonly number[] | "failure";
type Call = "next" | "return" | "throw";

function page(items: readonly number[]): PageAnswer {
  return {
    revision: 1,
    count: items.length,
    resume: null,
    items: items.map((version) => ({
      key: new Uint8Array(0),
      value: null,
      createRevision: 1,
      modRevision: 1,
      version,
    })),
  };
}

async function* pagesOf(pages: readonly Page[], told: string[]): AsyncGenerator<PageAnswer> {
  try {
    for (const each of pages) {
      await Promise.resolve();
      if (each === "failure") throw new Error("a page failed");
      yield page(each);
    }
  } finally {
    told.push("closed");
  }
}

async function* asGenerator(pages: readonly Page[], told: string[]): AsyncGenerator<number> {
  for await (const { items } of pagesOf(pages, told))
    yield* Array.from(items, ({ version }) => version);
}

const inPages = (pages: readonly Page[], told: string[]): PagedItems<number> =>
  new PagedItems(
    () => pagesOf(pages, told),
    ({ version }) => version,
  );

/** What comes of calls; some of them wait for those before, and some do not. */
async function play(
  items: AsyncGenerator<number>,
  calls: readonly (readonly [Call, boolean])[],
): Promise<unknown> {
  const answers: Promise<unknown>[] = [];
  for (const [call, waits] of calls) {
    const answer =
      call === "next"
        ? items.next()
        : call === "return"
          ? items.return(undefined)
          : items.throw(new Error("thrown in"));
    const settled = answer.catch((error: unknown) => (error as Error).message);
    answers.push(settled);
    if (waits) await settled;
  }
  return Promise.all(answers);
}

test("items of pages come as from an async generator, whoever calls what and waits for it or not", async () => {
  const pages = fc.array(
    fc.oneof(
      { weight: 6, arbitrary: fc.array(fc.nat(9), { maxLength: 3 }) },
      { weight: 1, arbitrary: fc.constant("failure" as const) },
    ),
    { maxLength: 5 },
  );
  const call = fc.oneof(
    { weight: 8, arbitrary: fc.constant("next" as const) },
    { weight: 1, arbitrary: fc.constantFrom("return" as const, "throw" as const) },
  );
  const calls = fc.array(fc.tuple(call, fc.boolean()), { maxLength: 14 });
  await fc.assert(
    fc.asyncProperty(pages, calls, async (pages, calls) => {
      const [told, toldByGenerator]: [string[], string[]] = [[], []];
      const answers = await play(inPages(pages, told), calls);
      expect(answers).toEqual(await play(asGenerator(pages, toldByGenerator), calls));
      expect(told).toEqual(toldByGenerator);
    }),
    { numRuns: 400 },
  );
});

test("nothing is asked for before the first item is wanted, and what begins with a failure rejects", async () => {
  let begun = 0;
  const items = new PagedItems(
    () => {
      begun += 1;
      throw new Error("a wrong range");
    },
    () => 0,
  );
  expect(begun).toBe(0);
  await expect(items.next()).rejects.toThrow("a wrong range");
  expect(await items.next()).toEqual({ done: true, value: undefined });
  expect(begun).toBe(1);
});
