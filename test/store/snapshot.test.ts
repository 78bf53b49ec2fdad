/** Snapshots: any cut of the pieces gives the same state; damage and other versions are told, not swallowed. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ERRORS } from "../../src/base/errors.ts";
import { ByteReader } from "../../src/base/index.ts";
import { QUOTA_BYTES_MIN, SESSION_WINDOW, VALUE_BYTES_MAX } from "../../src/base/limits.ts";
import {
  buildEntry,
  type FrozenState,
  GroupWriter,
  KvState,
  NO_SESSION,
  readSnapshotHeader,
  SnapshotDecoder,
  SnapshotError,
  STATUS,
} from "../../src/store/index.ts";
import {
  type ClusterSettings,
  DEFAULT_SETTINGS,
} from "../../src/store/snapshots/cluster-settings.ts";
import { key, open, run, snapshotBytes } from "./helpers.ts";

function decode(snapshot: Uint8Array, ...cuts: number[]): KvState {
  const decoder = new SnapshotDecoder();
  const ends = [...cuts.map((cut) => cut % (snapshot.length + 1)), snapshot.length];
  let start = 0;
  for (const end of ends.sort((a, b) => a - b)) {
    decoder.push(snapshot.subarray(start, end));
    decoder.step(Infinity);
    start = end;
  }
  return decoder.finish();
}

function populated(): { state: KvState; sessions: readonly [number, number, number] } {
  const state = new KvState();
  const sessions = [open(state, 1), open(state, 2), open(state, 3)] as const;
  for (let i = 0; i < 200; i++) {
    const session = sessions[i % 2]!;
    run(
      state,
      session,
      i,
      { op: "write", key: `key ${i % 70}`, value: "v".repeat(i) },
      Math.max(0, i - 20),
    );
  }
  run(state, sessions[2], 0, { op: "casAbsent", key: "key 1", value: "" });
  run(state, sessions[2], 5, { op: "delete", key: "nothing" });
  run(state, sessions[2], SESSION_WINDOW - 1, { op: "delete", key: "key 3" });
  return { state, sessions };
}

describe("snapshot", () => {
  const { state, sessions } = populated();
  const snapshot = snapshotBytes(state.clone());

  test("the empty state has one too", () => {
    const empty = decode(snapshotBytes(new KvState().clone()));
    expect([empty.size, empty.revision, empty.appliedIdx]).toEqual([0, 0, 0]);
    expect(empty.hash()).toBe(new KvState().hash());
  });

  test("however it is cut into pieces, the state is the same", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 6 }), (cuts) => {
        const decoded = decode(snapshot, ...cuts);
        expect(decoded.hash()).toBe(state.hash());
        expect(snapshotBytes(decoded.clone()).equals(snapshot)).toBe(true);
      }),
    );
    const byByte = new SnapshotDecoder();
    for (const byte of snapshot) {
      byByte.push(Uint8Array.of(byte));
      byByte.step(1);
    }
    while (byByte.step(1));
    expect(byByte.finish().hash()).toBe(state.hash());
  });

  test("however little is decoded at a time, and however much has come in by then, the state is the same", () => {
    const step = fc.oneof(
      fc.record({ push: fc.integer({ min: 0, max: 5000 }) }),
      fc.record({ decode: fc.integer({ min: 1, max: 2000 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const decoder = new SnapshotDecoder();
        let pushed = 0;
        const push = (bytes: number): void => {
          decoder.push(snapshot.subarray(pushed, pushed + bytes));
          pushed = Math.min(snapshot.length, pushed + bytes);
        };
        for (const each of steps) {
          if ("push" in each) push(each.push);
          else decoder.step(each.decode);
        }
        push(snapshot.length);
        while (decoder.step(100));
        expect(snapshotBytes(decoder.finish().clone()).equals(snapshot)).toBe(true);
      }),
    );
  });

  test("a step decodes as many bytes as it may, a record at least, and at most one beyond", () => {
    const recordBytesMax = 400;
    const bytes = 1000;
    const decoder = new SnapshotDecoder();
    decoder.push(snapshot);
    let steps = 0;
    while (decoder.step(bytes)) steps += 1;
    expect(steps).toBeGreaterThanOrEqual(Math.floor(snapshot.length / (bytes + recordBytesMax)));
    const stepsToBuildIt = 3;
    expect(steps).toBeLessThanOrEqual(snapshot.length / bytes + stepsToBuildIt);
    expect(decoder.finish().hash()).toBe(state.hash());
    const unlooked = new SnapshotDecoder();
    unlooked.push(Buffer.from("not a snapshot"));
    unlooked.push(snapshot);
    expect(() => unlooked.step(1)).toThrow(/not a snapshot/);
  });

  test("the size of the pieces changes nothing but where they are cut", () => {
    for (const chunkBytes of [1, 7, 1024, snapshot.length, 1 << 20]) {
      const pieces = [...state.clone().encodeSnapshot(chunkBytes)];
      expect(Buffer.concat(pieces).equals(snapshot)).toBe(true);
      expect(pieces.slice(0, -1).every((piece) => piece.length === chunkBytes)).toBe(true);
      expect(pieces.at(-1)!.length).toBeLessThanOrEqual(chunkBytes);
    }
  });

  test("sessions and their answers survive, in their order", () => {
    const decoded = decode(snapshot);
    const repeat = run(decoded, sessions[2], 0, { op: "casAbsent", key: "key 1", value: "" });
    expect(repeat).toMatchObject({ status: STATUS.casFailed, actual: "v".repeat(141) });
    expect(run(decoded, sessions[2], 5, { op: "delete", key: "nothing" })).toMatchObject({
      status: STATUS.notFound,
      revision: 200,
    });
    const write = { op: "write", key: "key 58", value: "v".repeat(198) } as const;
    expect(run(decoded, sessions[0], 198, write)).toMatchObject({
      status: STATUS.ok,
      revision: 199,
    });
    // So does what they were asked: something else under the same number is refused.
    const other = run(decoded, sessions[0], 198, { ...write, value: "x" });
    expect(other.status).toBe(ERRORS.BAD_REQUEST.wire);
    expect(decoded.revision).toBe(state.revision);
  });

  test("values of any size pass through small pieces", () => {
    const large = new KvState();
    const session = open(large, 1);
    run(large, session, 1, { op: "write", key: "a", value: "x".repeat(VALUE_BYTES_MAX) });
    run(large, session, 2, { op: "casAbsent", key: "a", value: "y" });
    const decoder = new SnapshotDecoder();
    for (const piece of large.clone().encodeSnapshot(100_000)) {
      decoder.push(piece);
      decoder.step(Infinity);
    }
    const decoded = decoder.finish();
    expect(decoded.read(key("a"))?.value.length).toBe(VALUE_BYTES_MAX);
    expect(decoded.hash()).toBe(large.hash());
  });

  test("an unknown version is told as such", () => {
    const newer = Buffer.from(snapshot);
    newer[4] = 7;
    expect(() => decode(newer)).toThrow(/version 7; this program reads versions 1 to 6/);
    expect(() => decode(Buffer.from("not a snapshot"))).toThrow(/not a snapshot/);
  });

  test("a snapshot that is not whole is refused, and so is one with something behind it", () => {
    fc.assert(
      fc.property(fc.nat(snapshot.length - 1), (length) => {
        expect(() => decode(snapshot.subarray(0, length))).toThrow(SnapshotError);
      }),
    );
    expect(() => decode(Buffer.concat([snapshot, Buffer.of(0)]))).toThrow(/behind the end/);
  });

  test("a changed byte is noticed, or changes nothing but what the header and sessions say", () => {
    let unnoticed = 0;
    const headerAndSessions = snapshot.indexOf("key 0") - 1;
    fc.assert(
      fc.property(fc.nat(snapshot.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const damaged = Buffer.from(snapshot);
        damaged[at]! ^= change;
        try {
          decode(damaged);
          unnoticed += 1;
          expect(at).toBeLessThan(headerAndSessions);
        } catch (error) {
          expect(error).toBeInstanceOf(SnapshotError);
        }
      }),
      { numRuns: 1000 },
    );
    expect(unnoticed).toBeLessThan(500);
  });

  test("random bytes are refused", () => {
    const header = snapshot.subarray(0, 5);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (content, withHeader) => {
        const damaged = withHeader ? Buffer.concat([header, content]) : content;
        try {
          decode(damaged);
        } catch (error) {
          expect(error).toBeInstanceOf(SnapshotError);
          return;
        }
        // Only a proper one gets here: an empty state, by luck.
        expect(withHeader).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  test("a damaged length does not make the decoder collect for ever", () => {
    const endless = Buffer.concat([snapshot.subarray(0, 20), Buffer.alloc(10 << 20, 0xff)]);
    expect(() => decode(endless)).toThrow(SnapshotError);
  });
});

describe("state hash", () => {
  const write = (
    state: KvState,
    session: number,
    sequence: number,
    name: string,
    value: string,
  ): void => {
    run(state, session, sequence, { op: "write", key: name, value });
  };

  test("equal logs give equal hashes; another value, key or order gives another", () => {
    const hashes = [
      [["a", "1"] as const, ["b", "2"] as const],
      [["b", "2"] as const, ["a", "1"] as const],
      [["a", "1"] as const, ["b", "3"] as const],
      [["a", "1"] as const, ["c", "2"] as const],
      [["a", "1"] as const],
    ].map((writes) => {
      const twins = [new KvState(), new KvState()] as const;
      for (const state of twins) {
        const session = open(state, 1);
        writes.forEach(([name, value], i) => write(state, session, i, name, value));
      }
      expect(twins[0].hash()).toBe(twins[1].hash());
      return twins[0].hash();
    });
    expect(new Set(hashes).size).toBe(hashes.length);
    expect(hashes.every((hash) => /^[0-9a-f]{16}$/.test(hash))).toBe(true);
  });

  test("the content's half is back where it was when the content is", () => {
    const state = new KvState();
    const session = open(state, 1);
    write(state, session, 1, "a", "1");
    const before = state.hash();
    write(state, session, 2, "b", "1");
    run(state, session, 3, { op: "delete", key: "b" });
    expect(state.hash().slice(0, 8)).toBe(before.slice(0, 8));
    expect(state.hash()).not.toBe(before);
  });
});

/** As its snapshot has them. */
function settingsOf(frozen: FrozenState): ClusterSettings | undefined {
  return readSnapshotHeader(new ByteReader().reset(snapshotBytes(frozen)))?.state.settings;
}

test("every setting of the cluster is in snapshots, backups and restored clusters", () => {
  const state = new KvState();
  const writer = new GroupWriter();
  writer.add(1, { kind: "setQuota", quotaBytes: QUOTA_BYTES_MIN });
  writer.add(2, { kind: "setHistory", historyRevisions: 17, historyBytes: 18 });
  state.apply(buildEntry({ node: 1, nonce: 1, batch: 1 }, [writer.take(NO_SESSION, 0)]), 0);
  const frozen = state.clone();
  const settings = settingsOf(frozen);
  expect(settings).toEqual({
    quotaBytes: QUOTA_BYTES_MIN,
    historyBound: { revisions: 17, bytes: 18 },
  });
  // A setting that is added later has to be set above, or this test would say nothing of it.
  for (const [name, byDefault] of Object.entries(DEFAULT_SETTINGS)) {
    expect(settings).not.toHaveProperty(name, byDefault);
  }
  expect(settingsOf(frozen.asBackup())).toEqual(settings);
  expect(settingsOf(frozen.asBeginning({ origin: 5, historyHash: 6, revision: 7 }))).toEqual(
    settings,
  );
});
