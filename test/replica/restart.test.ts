/** What a node does with the log that it finds on its disk. */
import { expect, test } from "vitest";
import { KvState } from "../../src/store/index.ts";
import { DEFAULT_COMPACTION } from "../../src/replica/snapshots/compaction.ts";
import type { ReplicaOptions } from "../../src/replica/turn/replica-options.ts";
import { Replica } from "../../src/replica/replica.ts";
import { entryOf } from "../store/helpers.ts";
import { deliver } from "./deliver.ts";
import { replicaOptions } from "./options.ts";

const OPTIONS: ReplicaOptions = {
  ...replicaOptions([1], { pid: 1, incarnation: 1 }),
  compaction: { ...DEFAULT_COMPACTION, logBytesMin: 1000 },
};
const BALLOT = { configId: 1, n: 1, priority: 0, pid: 1 };

/** Two of them make a turn. */
function largeEntry(sequence: number): Uint8Array {
  const value = "v".repeat(400 * 1024);
  return entryOf({
    session: 1,
    floor: 0,
    commands: [[sequence, { op: "write", key: "key", value }]],
  });
}

test("no snapshot is begun before all that was found is applied", () => {
  const entries = [1, 2, 3, 4, 5].map(largeEntry);
  const replica = new Replica(
    OPTIONS,
    {
      ...{ promise: BALLOT, acceptedRound: BALLOT, entries, decidedIdx: 5, compactedIdx: 0 },
      ...{ snapshot: null, stopSign: null },
    },
    new KvState(),
  );
  let turns = 1;
  let effects = deliver(replica.endTurn(0));
  for (; effects.again; turns++) {
    expect(effects.snapshot).toBeNull();
    effects = deliver(replica.endTurn(0));
  }
  expect(turns).toBeGreaterThan(1);
  expect(effects.snapshot?.idx).toBe(5);
  expect(deliver(replica.endTurn(0)).snapshot).toBeNull();
});
