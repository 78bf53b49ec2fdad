/** Whole clusters under drawn faults: a fixed set of seeds. */
import { expect, test } from "vitest";
import { FAULT_KINDS } from "../../../src/proof/simulator/index.ts";
import { firstSeeds } from "./expect-sound.ts";

const FIXED = 120;
/** Names that even a small campaign must come across. */
const ALWAYS_HIT = [
  ...FAULT_KINDS.map((kind) => `fault ${kind}`),
  "crash power",
  "recovery from a snapshot",
  "snapshot installed from a peer",
  "write unknown",
  "error DISK_FULL",
  "hostile: session opened",
  "hostile: another command refused",
  "hostile: refused with BAD_REQUEST",
  "received relayAnswer",
  "received quorumReadAck",
  "client a newcomer",
  "asker of a leader restarted",
  "asker of a neighbour restarted",
  "requests endedReads",
  "requests endedGuests",
  "keys: keys answered",
  "keys: history of a revision answered",
  "every kind of request served",
  "checked linearizable: ok",
  "checked sequential: ok",
];

test(`the first ${FIXED} seeds`, { timeout: 600_000 }, () => {
  const coverage = firstSeeds(FIXED);
  expect(ALWAYS_HIT.filter((name) => coverage.count(name) === 0)).toEqual([]);
});
