import type { SnapshotSink } from "../../src/replica/snapshots/catch-up.ts";

/** The store of a node that has no snapshots and receives none. */
export const NO_SNAPSHOTS: SnapshotSink = {
  has: () => false,
  receivedBytes: () => 0,
  hasRoom: () => true,
  append: () => false,
  receivesIntoFullDisk: false,
  readRaw: () => null,
  finish: () => {},
};
