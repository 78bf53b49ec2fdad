/** Writes of every kind to the log, among them the smallest and the largest numbers. */
import type { LogScalars, LogWrite } from "../../src/storage/log-scalars.ts";

const MAX = Number.MAX_SAFE_INTEGER;
const BALLOT = { configId: 1, n: 300, priority: 2, pid: 3 };
const LARGE = { configId: MAX, n: MAX, priority: 2 ** 31, pid: 2 ** 32 };
const REF = { idx: 128, bytes: 2 ** 40, crc: 2 ** 32 - 1 };
const STOP_SIGN = {
  nextConfig: { configurationId: 2, nodes: [1, 2, 300], flexibleQuorum: { read: 2, write: 2 } },
  metadata: bytes(40),
};
const PLAIN_STOP_SIGN = { nextConfig: { configurationId: 1, nodes: [7] }, metadata: null };

function bytes(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31) & 0xff);
}

export const WRITE_SAMPLES: readonly LogWrite[] = [
  { kind: "promise", promise: BALLOT },
  { kind: "promise", promise: LARGE },
  { kind: "acceptedRound", acceptedRound: BALLOT },
  { kind: "append", fromIdx: 0, entries: [] },
  { kind: "append", fromIdx: MAX, entries: [bytes(0), bytes(127), bytes(128), bytes(300)] },
  { kind: "decided", decidedIdx: 2 ** 31 },
  { kind: "stopSign", stopSign: null },
  { kind: "stopSign", stopSign: STOP_SIGN },
  { kind: "stopSign", stopSign: PLAIN_STOP_SIGN },
  { kind: "compact", idx: 127, snapshot: null },
  { kind: "compact", idx: 128, snapshot: { kind: "complete", idx: 128, value: REF } },
];

export const SCALAR_SAMPLES: readonly LogScalars[] = [
  {
    promise: BALLOT,
    acceptedRound: LARGE,
    decidedIdx: 2 ** 40,
    compactedIdx: 128,
    endIdx: MAX,
    snapshot: REF,
    stopSign: STOP_SIGN,
  },
  {
    promise: BALLOT,
    acceptedRound: BALLOT,
    decidedIdx: 0,
    compactedIdx: 0,
    endIdx: 0,
    snapshot: null,
    stopSign: null,
  },
];
