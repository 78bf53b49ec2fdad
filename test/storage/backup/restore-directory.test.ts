/** A restored directory is one that a node starts from. */
import { expect, test } from "vitest";
import { newBeginning } from "../../../src/storage/backup/new-beginning.ts";
import { readBackup } from "../../../src/storage/backup/read-backup.ts";
import { restoreDirectory } from "../../../src/storage/backup/restore-directory.ts";
import { byteStringOfText, textOf } from "../../../src/store/index.ts";
import { backupOf, stateWith } from "./helpers.ts";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openNode } from "../../../src/server/node/open-node.ts";
import { NODE_DEFAULTS } from "../../../src/server/node/options.ts";
import { nodeClock } from "../../../src/machine/runtime/node-clock.ts";
import { NodeDisk } from "../../../src/machine/host/node-disk.ts";
import { createNodeRandom } from "../../../src/machine/runtime/node-random.ts";
import { WsNetwork } from "../../../src/machine/network/ws-network.ts";
import { silentLogger } from "../../../src/machine/ports/logger.ts";

test("a node opens what was restored, with everything in it and no memory of the old log", async () => {
  const root = mkdtempSync(join(tmpdir(), "omnikv-restore-"));
  try {
    const backup = await readBackup([backupOf(stateWith(2000, 100), 64 * 1024)]);
    const cluster = { clusterId: "new", restoreId: "a", members: [1, 2, 3] };
    const state = newBeginning(backup, cluster);
    const random = createNodeRandom();
    const owner = { ...cluster, nodeId: 2, random, clock: nodeClock };
    const progress: number[] = [];
    await restoreDirectory(NodeDisk.open(root), state, {
      ...owner,
      onProgress: (bytes) => progress.push(bytes),
    });
    expect(progress.at(-1)).toBeGreaterThan(2000 * 100);
    const address = { host: "127.0.0.1", port: 1 };
    const opened = openNode(
      {
        ...NODE_DEFAULTS,
        ...{ nodeId: 2, clusterId: "new", version: "0", clientAddress: address },
        peerAddresses: new Map([1, 2, 3].map((id) => [id, address])),
      },
      {
        ...{ clock: nodeClock, random, network: new WsNetwork(), logger: silentLogger },
        disk: NodeDisk.open(root),
      },
      {
        onDurable: () => {},
        onFailure: (error) => {
          throw error;
        },
        onRoom: () => {},
      },
    );
    const { replica, storage, directory } = opened;
    expect(replica.state.hash()).toBe(state.hash());
    expect(replica.state.size).toBe(2000);
    expect(replica.core.decidedIdx).toBe(state.appliedIdx);
    expect(replica.core.promise.n).toBe(0);
    expect(directory.logBegun).toBe(true);
    const value = replica.state.read(byteStringOfText("key42"))?.value;
    expect(value === undefined ? null : textOf(value)).toBe("42".repeat(100));
    await new Promise<void>((done) => storage.close(done));
    await new Promise<void>((done) => directory.close(() => done()));
  } finally {
    rmSync(root, { recursive: true });
  }
});
