/** Faults of a whole cluster: what each node is told, and what is said of those that did not hear it. */
import { expect, test } from "vitest";
import { KvError } from "../../src/base/errors.ts";
import type { AdminClient } from "../../src/client/admin-client.ts";
import {
  applyFaults,
  brokenLinks,
  failedText,
  faultsOfNode,
} from "../../src/client/cluster-faults.ts";

const BROKEN = { dropPermille: 1000, delayMs: 0 };

test("a broken link is broken at both ends, in both directions", () => {
  const faults = brokenLinks([[1, 3]]);
  expect(faultsOfNode(1, faults)).toEqual([
    { peer: 3, direction: "out", ...BROKEN },
    { peer: 3, direction: "in", ...BROKEN },
  ]);
  expect(faultsOfNode(3, faults)).toEqual([
    { peer: 1, direction: "in", ...BROKEN },
    { peer: 1, direction: "out", ...BROKEN },
  ]);
  expect(faultsOfNode(2, faults)).toEqual([]);
});

test("losses and delays are suffered once: the sender puts them in", () => {
  const faults = [{ from: 1, to: 2, dropPermille: 300, delayMs: 50 }];
  expect(faultsOfNode(1, faults)).toEqual([
    { peer: 2, direction: "out", dropPermille: 300, delayMs: 50 },
  ]);
  expect(faultsOfNode(2, faults)).toEqual([]);
});

test("every node is asked, and who could not be reached is named with the reason", async () => {
  const told = new Map<number, unknown>();
  const admin = {
    call: (node: number, op: string, params: unknown) => {
      told.set(node, [op, params]);
      if (node === 2) return Promise.reject(new KvError("CONNECTION_FAILED", "refused"));
      return Promise.resolve({ links: [] });
    },
    // The test stands in for the one method that is used; results are not looked at.
  } as unknown as Pick<AdminClient, "call">;
  const outcome = await applyFaults(admin, [1, 2, 3], brokenLinks([[1, 2]]));
  expect(outcome.reached).toEqual([1, 3]);
  expect(failedText(outcome)).toBe("node 2 could not be reached: refused");
  expect(told.get(3)).toEqual(["setFaults", { faults: [] }]);
  expect([...told.keys()]).toEqual([1, 2, 3]);
});
