/** What a node throws stays within the node. */
import { expect, test } from "vitest";
import { Guard } from "../../src/embed/guarded-machine.ts";
import type { Machine } from "../../src/server/node/machine.ts";
import type { DiskCallback } from "../../src/machine/ports/disk.ts";
import { silentLogger } from "../../src/machine/ports/logger.ts";
import type { ConnectionHandlers } from "../../src/machine/ports/network.ts";

function broken(): never {
  throw new Error("a bug");
}

function world(): {
  readonly machine: Machine;
  readonly calls: (() => void)[];
  readonly thrown: Error[];
  readonly closed: DiskCallback[];
} {
  const calls: (() => void)[] = [];
  const closed: DiskCallback[] = [];
  const thrown: Error[] = [];
  const handlersKept = (handlers: ConnectionHandlers): void =>
    void calls.push(() => handlers.onFrame(new Uint8Array(1)));
  const machine = {
    clock: {
      now: () => 0,
      after: (_: number, callback: () => void) => {
        calls.push(callback);
        return () => {};
      },
      endOfTurn: (callback: () => void) => void calls.push(callback),
    },
    network: {
      dial: (_: unknown, __: unknown, handlers: ConnectionHandlers) => handlersKept(handlers),
      listen: () => {},
    },
    passwords: {
      hash: (_: string, done: (hash: null) => void) => void calls.push(() => done(null)),
      verify: (_: string, __: string, done: (isRight: null) => void) =>
        void calls.push(() => done(null)),
    },
    disk: { open: () => ({ close: (done: DiskCallback) => void closed.push(done) }) },
    random: {},
    logger: silentLogger,
  } as unknown as Machine;
  const guard = new Guard((error) => void thrown.push(error));
  return { machine: guard.machine(machine), calls, thrown, closed };
}

test.each<[string, (machine: Machine) => void]>([
  ["timer", ({ clock }) => void clock.after(1, broken)],
  ["hash of a password", ({ passwords }) => passwords?.hash("p", broken)],
  ["look at a password", ({ passwords }) => passwords?.verify("p", "h", broken)],
  ["turn", ({ clock }) => clock.endOfTurn(broken)],
  [
    "frame",
    ({ network }) =>
      void network.dial({ host: "a", port: 1 }, "peer", {
        onOpen: () => {},
        onFrame: broken,
        onClose: () => {},
      }),
  ],
])("a %s that throws is told once, and nothing comes after it", (_, begin) => {
  const { machine, calls, thrown } = world();
  const after: string[] = [];
  begin(machine);
  machine.clock.endOfTurn(() => void after.push("went on"));
  begin(machine);
  for (const call of calls) expect(call).not.toThrow();
  expect(thrown.map(({ message }) => message)).toEqual(["a bug"]);
  expect(after).toEqual([]);
});

test("what closes files comes all the same", () => {
  const { machine, calls, closed } = world();
  const file = machine.disk.open("log");
  machine.clock.endOfTurn(broken);
  for (const call of calls) call();
  let isClosed = false;
  file.close(() => (isClosed = true));
  for (const done of closed) done(null);
  expect(isClosed).toBe(true);
});

test("what fails on the way to its end throws nothing either", () => {
  const calls: (() => void)[] = [];
  const { machine } = world();
  const guard = new Guard(broken);
  const clock = {
    ...machine.clock,
    endOfTurn: (callback: () => void) => void calls.push(callback),
  };
  guard.machine({ ...machine, clock }).clock.endOfTurn(broken);
  for (const call of calls) expect(call).not.toThrow();
});
