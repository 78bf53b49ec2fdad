/** What a node says must not send its last copy of a write away unconditionally, and must not send people after a version that never was. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { withWayOutFor } from "../../../src/base/index.ts";
import { NodeDisk } from "../../../src/machine/host/node-disk.ts";
import { scryptPasswords } from "../../../src/machine/host/scrypt-passwords.ts";
import { nodeClock } from "../../../src/machine/runtime/node-clock.ts";
import { createNodeRandom } from "../../../src/machine/runtime/node-random.ts";
import { openNode } from "../../../src/server/node/open-node.ts";
import type { Machine } from "../../../src/server/node/machine.ts";
import { NODE_DEFAULTS } from "../../../src/server/node/options.ts";
import { outvotedText } from "../../../src/server/node/agreement-log.ts";
import { contradictionText, refusalText } from "../../../src/server/node/refusals.ts";
import { REFUSAL_TEXT_MAX } from "../../../src/protocol/handshake/handshake.ts";
import type { DataDirectory } from "../../../src/storage/data-directory.ts";
import { unknownFormat } from "../../../src/storage/log-errors.ts";

test("who is outvoted may be the one that is right: the majority can have gone back in time", () => {
  const text = outvotedText(3, { kind: "outvoted", by: [1, 2], agreedIdx: 48, differsIdx: 51 });
  expect(text).toContain("the same at 48, different at 51");
  expect(text).toMatch(/put back from an older copy.*acknowledged writes may be on this one only/);
  expect(text).toMatch(/Keep its data directory\. If the others are right: .*--rejoin/);
});

test("a log of an unknown format may be a damaged one", () => {
  const { code, message } = unknownFormat("log/00000001.log", "log format 19");
  expect(code).toBe("UNKNOWN_FORMAT");
  expect(message).toMatch(/start that version.*the file is damaged\. .*--rejoin/);
});

test("a log that ends below what is decided: by this node, or by one that has promised", () => {
  const finding = { kind: "endsBelow", with: 3, from: 25, decidedIdx: 25 } as const;
  expect(contradictionText({ ...finding, to: 29 }, 3)).toMatch(
    /^node 3 has decided 29 entries, and the log that this node leads with has 25\. /,
  );
  expect(contradictionText({ ...finding, from: 20, to: 25 }, 3)).toMatch(
    /^the log that node 3 hands over has 20 entries, and this node has decided 25\. /,
  );
});

test("nobody is sent to --rejoin where it cannot help", () => {
  const wayOutOf = (members: number): string => refusalText.wentBack(2, "too little", members);
  expect(wayOutOf(3)).toMatch(/gone for good: move this node's data directory away .* --rejoin/);
  for (const members of [1, 2]) {
    expect(wayOutOf(members)).toMatch(/no lost disk can be replaced.*Only the data directory/);
    expect(wayOutOf(members)).not.toContain("start the node with --rejoin");
  }
});

test("whoever runs on a replaced disk is told which directory to start", () => {
  for (const members of [3, 5, 101]) {
    const text = refusalText.replaced(members, members);
    expect(text).toContain(`Start node ${members} with the directory that replaced it`);
    expect(Buffer.byteLength(text)).toBeLessThan(REFUSAL_TEXT_MAX);
  }
});

test("a --rejoin that is left among the options is warned of once the node has its place", () => {
  const directory = mkdtempSync(join(tmpdir(), "omnikv-rejoin-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const warned: string[] = [];
  const open = (rejoin: boolean): DataDirectory => {
    const host = "127.0.0.1";
    const options = {
      ...{ ...NODE_DEFAULTS, nodeId: 1, clusterId: "c", version: "0", rejoin },
      clientAddress: { host, port: 1 },
      peerAddresses: new Map([1, 2, 3].map((id) => [id, { host, port: id + 1 }])),
    };
    const machine = {
      ...{ clock: nodeClock, random: createNodeRandom(), passwords: scryptPasswords },
      logger: {
        ...{ debug: () => {}, info: () => {}, error: () => {} },
        warn: (text: string) => warned.push(text),
      },
      disk: NodeDisk.open(directory),
    };
    const hooks = { onDurable: () => {}, onFailure: () => {}, onRoom: () => {} };
    return openNode(options, machine as unknown as Machine, hooks).directory;
  };
  open(true);
  // It waits for its place, and has to be started with it or without.
  open(true).join();
  expect(warned).toEqual([]);
  open(true);
  expect(warned.join()).toContain("--rejoin stands among the options");
  open(false);
  expect(warned).toHaveLength(1);
});

test("nor is a node that finds its own data damaged: whoever writes the sentence need not know how many nodes there are", () => {
  const { message } = unknownFormat("log/00000001.log", "log format 19");
  expect(withWayOutFor(3, message)).toBe(message);
  for (const members of [1, 2]) {
    const text = withWayOutFor(members, message);
    expect(text).toMatch(/the file is damaged\. In a cluster of \d no lost disk can be replaced/);
    expect(text).toContain("omnikv restore");
    expect(text).not.toContain("start the node with --rejoin");
  }
});

test.each([
  ["log/end", "LOG_DAMAGED"],
  ["memory", "IDENTITY_DAMAGED"],
  ["identity.json", "IDENTITY_DAMAGED"],
])("a cluster of one that lacks %s says so at the start", (file, code) => {
  const directory = mkdtempSync(join(tmpdir(), "omnikv-alone-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const host = "127.0.0.1";
  const options = {
    ...NODE_DEFAULTS,
    ...{ nodeId: 1, clusterId: "alone", version: "0", clientAddress: { host, port: 1 } },
    peerAddresses: new Map([[1, { host, port: 2 }]]),
  };
  const open = (): void => {
    const machine = {
      ...{ clock: nodeClock, random: createNodeRandom(), passwords: scryptPasswords },
      logger: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
      disk: NodeDisk.open(directory),
    };
    openNode(options, machine as unknown as Machine, {
      onDurable: () => {},
      onFailure: () => {},
      onRoom: () => {},
    }).directory.beginLog();
  };
  open();
  rmSync(join(directory, file));
  let error: unknown = null;
  try {
    open();
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toMatchObject({ code });
  expect(String(error)).toMatch(/[Ii]n a cluster of 1 no lost disk can be replaced/);
});
