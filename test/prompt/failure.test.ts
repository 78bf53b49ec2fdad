/** What a failure says to people where the whole cluster was asked. */
import { expect, test } from "vitest";
import { KvError } from "../../src/base/errors.ts";
import { withUnreached } from "../../src/base/unreached.ts";
import { failureOutcome } from "../../src/prompt/failure.ts";
import { plainStyle } from "../../src/prompt/terminal/style.ts";

const say = (error: KvError, changes = true): string =>
  failureOutcome(
    error,
    {
      ...{ op: "write", changes, lookFirst: "look first", node: null, address: "a,b,c" },
      ...{ timeoutMs: 5000, startCommand: (node) => `start ${node}`, style: plainStyle },
    },
    1,
  ).text;

test("of a disk that is full the node is named that has it", () => {
  const error = new KvError("DISK_FULL", "the disk of node 2 is full; nothing was changed");
  expect(say(error)).toMatch(/^the disk of node 2 is full, nothing was done/);
  const unnamed = new KvError("DISK_FULL", "the disk of this node is full");
  expect(say(unnamed, false)).toMatch(/^the disk of a node is full, and it is behind/);
});

test("a node of another cluster is not to be started, and not counted", () => {
  const missing = ["node 2 at there:4102"];
  const others = ["node 3 at there:4103"];
  const error = (...names: readonly (readonly string[])[]): KvError =>
    new KvError("NO_QUORUM", withUnreached("refused", names[0] ?? [], names[1]));
  expect(say(error(missing))).toMatch(/: start or reconnect node 2 at there:4102 \(/);
  const text = "of another cluster, or begun anew, so it does not count here";
  expect(say(error([], others))).toContain(
    `nothing was done: look at node 3 at there:4103: ${text}`,
  );
  expect(say(error(missing, others))).toContain(
    `start or reconnect node 2 at there:4102, and look at node 3 at there:4103: ${text}`,
  );
});
