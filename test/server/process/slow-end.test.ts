/** A node that is told to stop, on a disk that does not answer any more. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { freePorts } from "../../../src/measure/subjects/places.ts";
import type { Disk, DiskFile, Logger } from "../../../src/machine/ports/index.ts";
import { FLAG_DEFAULTS, readServerOptions } from "../../../src/server/process/options.ts";
import { ServingNode } from "../../../src/server/process/serving-node.ts";
import { until } from "../../conformance/wait.ts";

let directory = "";
let left: (() => void) | null = null;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "omnikv-slow-end-"));
  left = null;
});
afterEach(() => {
  left?.();
  rmSync(directory, { recursive: true, force: true });
});

const SILENT: Logger = {
  enabled: () => false,
  ...{ debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
};

/** Closes no file before `answer` is called. */
function hangingAtTheEnd(disk: Disk): { readonly disk: Disk; readonly answer: () => void } {
  const waiting: (() => void)[] = [];
  const slow = new Proxy(disk, {
    get: (target, name) => {
      if (name !== "open") return bound(target, name);
      return (path: string): DiskFile => {
        const file = disk.open(path);
        const close: DiskFile["close"] = (done) => void waiting.push(() => file.close(done));
        return new Proxy(file, {
          get: (of, called) => (called === "close" ? close : bound(of, called)),
        });
      };
    },
  });
  const answer = (): void => {
    for (const each of waiting.splice(0)) each();
  };
  return { disk: slow, answer };
}

function bound(of: object, name: string | symbol): unknown {
  const value: unknown = Reflect.get(of, name);
  return typeof value === "function" ? (value.bind(of) as unknown) : value;
}

test("says so and ends; the directory stays locked as long as a file may be written", async () => {
  const [port, peerPort] = await freePorts(2);
  const flags = { ...FLAG_DEFAULTS, node: "1", dataDir: directory };
  const options = readServerOptions(
    { ...flags, peers: `1=127.0.0.1:${port}:${peerPort}`, clusterId: "slow-end" },
    "0.0.0",
  );
  const errors: Error[] = [];
  let isListening = false;
  const serving = await ServingNode.open(
    options,
    SILENT,
    {
      onListening: () => (isListening = true),
      onFatal: (error) => errors.push(error),
      onDirectoryGone: (error) => errors.push(error),
    },
    (machine) => {
      const { disk, answer } = hangingAtTheEnd(machine.disk);
      left = answer;
      return { ...machine, disk };
    },
  );
  await until(() => isListening);
  let hasEnded = false;
  serving.retire(() => (hasEnded = true), 300);
  await until(() => errors.length > 0);
  expect(errors).toEqual([
    expect.objectContaining({
      code: "DISK_FAILED",
      message: expect.stringMatching(/^the disk does not answer: .* within 0\.3 s/),
    }),
  ]);
  expect(hasEnded).toBe(false);
  await expect(ServingNode.open(options, SILENT, NOBODY)).rejects.toMatchObject({ code: "LOCKED" });
  // It may answer after all.
  await until(() => {
    left?.();
    return hasEnded;
  });
  expect(errors).toHaveLength(1);
});

const NOBODY = { onListening: () => {}, onFatal: () => {}, onDirectoryGone: () => {} };
