/** A cut or damaged backup is always noticed, and what is whole comes out as it went in. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  BackupError,
  BackupWriter,
  type BackupHeader,
} from "../../../src/storage/backup/format.ts";
import { ADMIN_OPERATIONS } from "../../../src/protocol/admin/admin-schema.ts";
import { newBeginning } from "../../../src/storage/backup/new-beginning.ts";
import { readBackup, type ReadBackup } from "../../../src/storage/backup/read-backup.ts";
import { KvState, textOf, byteStringOfText } from "../../../src/store/index.ts";
import { backupOf, stateWith } from "./helpers.ts";

const state = stateWith(40, 30);
const backup = backupOf(state, 512);

function read(bytes: Uint8Array): Promise<ReadBackup> {
  return readBackup([bytes]);
}

describe("a backup", () => {
  test("comes out as it went in, however it is cut", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(backup.length), { maxLength: 20 }), async (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), backup.length];
        const chunks = at.slice(1).map((end, i) => backup.subarray(at[i], end));
        const found = await readBackup(chunks);
        expect(found.state.hash()).toBe(state.hash());
        expect(found.header.keys).toBe(40);
        expect(found.state.revision).toBe(state.revision);
      }),
      { numRuns: 50 },
    );
  });

  test("of an empty cluster is one too", async () => {
    const empty = new KvState();
    const found = await read(backupOf(empty, 512));
    expect(found.state.hash()).toBe(empty.hash());
    expect(found.state.appliedIdx).toBe(0);
  });

  test.each(["../../etc/cron.d/x", "", "a/b", "a b", "x".repeat(65)])(
    "of a cluster that calls itself %j is not made",
    (clusterId) => {
      expect(() => new BackupWriter().begin({ ...headerOf(state), clusterId })).toThrow(
        BackupError,
      );
      const about = { ...headerOf(state), backup: 1, clusterId };
      const { result } = ADMIN_OPERATIONS.beginBackup;
      expect(result.safeParse(about).success).toBe(false);
      expect(result.safeParse({ ...about, clusterId: "a.b_c-1" }).success).toBe(true);
    },
  );

  test("may say more in its header than this version knows", async () => {
    const header = { ...headerOf(state), acceptedRound: "4.0.3", later: [1] };
    const writer = new BackupWriter();
    const begun = writer.begin(header);
    const pieces = [...state.clone().encodeSnapshot(512)].map((piece) => writer.piece(piece));
    const chunks = [begun, ...pieces, writer.end()];
    const found = await readBackup(chunks);
    expect(found.header).toEqual({ ...headerOf(state), acceptedRound: "4.0.3" });
  });

  test("that is cut short anywhere is noticed", async () => {
    for (let length = 0; length < backup.length; length++) {
      await expect(read(backup.subarray(0, length)), `cut at ${length}`).rejects.toThrow(
        BackupError,
      );
    }
  });

  test("with any one byte changed is noticed", async () => {
    for (let at = 0; at < backup.length; at++) {
      const damaged = Buffer.from(backup);
      damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8));
      await expect(read(damaged), `byte ${at}`).rejects.toThrow(BackupError);
    }
  });

  test("with bytes changed, lost, repeated or added is noticed", async () => {
    const places = fc.nat(backup.length);
    await fc.assert(
      fc.asyncProperty(places, places, fc.uint8Array({ maxLength: 64 }), async (a, b, inserted) => {
        const [start, end] = [Math.min(a, b), Math.max(a, b)];
        const changed = Buffer.concat([backup.subarray(0, start), inserted, backup.subarray(end)]);
        fc.pre(!changed.equals(backup));
        await expect(read(changed)).rejects.toThrow(BackupError);
      }),
      { numRuns: 500 },
    );
  });

  test("says where the damage is", async () => {
    const damaged = Buffer.from(backup);
    damaged[backup.length - 100] = (damaged[backup.length - 100] ?? 0) ^ 1;
    await expect(read(damaged)).rejects.toThrow(/in the record at byte \d+/);
    await expect(read(Buffer.from("hello, world, hello"))).rejects.toThrow("no backup of omnikv");
    await expect(read(Buffer.alloc(0))).rejects.toThrow("it is empty");
  });

  test("whose pieces are in another order is noticed", async () => {
    const writer = new BackupWriter();
    const [first, second, third] = [
      writer.begin(headerOf(state)),
      writer.piece(Buffer.from("aa")),
      writer.piece(Buffer.from("aa")),
    ];
    const end = writer.end();
    await expect(readBackup([first, third, second, end])).rejects.toThrow("checksum");
  });

  test("whose header speaks of another state is noticed", async () => {
    const writer = new BackupWriter();
    const chunks = [writer.begin({ ...headerOf(state), revision: 1 })];
    for (const piece of state.clone().encodeSnapshot(512)) chunks.push(writer.piece(piece));
    chunks.push(writer.end());
    await expect(readBackup(chunks)).rejects.toThrow("its header says revision 1");
  });
});

describe("a restored state", () => {
  const cluster = { clusterId: "new", restoreId: "a", members: [1, 2, 3] };

  test("is the same wherever it is made, and another one for another cluster", async () => {
    const found = await read(backup);
    const hash = newBeginning(found, cluster).hash();
    const others = [
      newBeginning(found, { ...cluster, members: [3, 1, 2] }),
      newBeginning(found, { ...cluster, clusterId: "newer" }),
      newBeginning(found, { ...cluster, members: [1, 2] }),
      newBeginning(found, { ...cluster, revisionStep: 7 }),
      newBeginning(found, { ...cluster, restoreId: "b" }),
    ].map((other) => other.hash());
    expect(others[0]).toBe(hash);
    expect(new Set([state.hash(), ...others]).size).toBe(6);
  });

  test("has all keys, no sessions, and revisions of its own", async () => {
    const found = await read(backup);
    const beginning = newBeginning(found, cluster);
    expect(beginning.revision).toBe(found.state.revision + 1_000_000_000);
    expect(beginning.appliedIdx).toBe(found.state.appliedIdx + 1);
    const again = await read(backupOf(beginning, 512));
    expect(again.state.sessionCount).toBe(0);
    expect(again.state.size).toBe(40);
    expect(again.state.origin).not.toBe(found.state.origin);
    expect(textOf(again.state.read(byteStringOfText("key7"))?.value ?? byteStringOfText(""))).toBe(
      "7".repeat(30),
    );
  });

  test("always has many revisions left, however many restores it has behind it", async () => {
    const far = { ...cluster, revisionStep: 1e15 };
    let found = await read(backup);
    for (let i = 0; i < 4; i++) found = await read(backupOf(newBeginning(found, far), 512));
    expect(() => newBeginning(found, far)).toThrow(
      /^its revision, 40\d+, moved on by 10+, leaves too few revisions to the new cluster: choose a smaller --revision-step$/,
    );
    expect(newBeginning(found, cluster).revision).toBeGreaterThan(4e15);
  });
});

function headerOf(of: KvState): BackupHeader {
  const { appliedIdx, revision, size } = of;
  return {
    ...{ clusterId: "old", nodeId: 1, appliedIdx, revision, keys: size, stateHash: of.hash() },
    ...{ takenAt: "2026-01-01T00:00:00.000Z", version: "0" },
  };
}
