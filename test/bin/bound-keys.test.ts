/** What an export says of keys with leases: it is a remark, whatever comes of the question. */
import { expect, test } from "vitest";
import { KvError } from "../../src/base/index.ts";
import { boundKeysText } from "../../src/bin/files/bound-keys.ts";

type Leases = Parameters<typeof boundKeysText>[0]["leases"];

function textOf(answer: KvError | readonly string[], prefix = ""): Promise<string | null> {
  const leases = {
    list: () => (answer instanceof KvError ? Promise.reject(answer) : Promise.resolve([{ id: 1 }])),
    timeToLive: () =>
      Promise.resolve({ keys: (answer as string[]).map((key) => Buffer.from(key)) }),
  };
  return boundKeysText({ leases: leases as unknown as Leases }, prefix);
}

test("keys that end with a lease are counted, without those of locks and of other prefixes", async () => {
  const lock = "omnikv/locks/jobs/held/x/0000000000000001";
  expect(await textOf(["a/1", "a/2", "b", lock], "a/")).toMatch(/^2 of the keys end with a lease/);
  expect(await textOf(["a/1", lock])).toMatch(/^1 of the keys ends with a lease/);
  expect(await textOf([lock])).toBeNull();
});

test("a question without an answer makes no export fail", async () => {
  expect(await textOf(new KvError("FORBIDDEN", "no"))).toBeNull();
  expect(await textOf(new KvError("TIMEOUT", "nobody answers"))).toMatch(
    /could not be asked \(nobody answers\)/,
  );
});
