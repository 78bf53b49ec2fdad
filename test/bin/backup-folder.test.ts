/** What a schedule of backups takes for its own in a directory, and what it removes. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { BackupFolder, backupName, parseBackupName } from "../../src/bin/backups/backup-folder.ts";
import { StorageError } from "../../src/base/index.ts";
import { BackupWriter } from "../../src/storage/backup/index.ts";
import { KvState } from "../../src/store/index.ts";
import { open as openSession, run } from "../store/helpers.ts";

let path = "";
const folders: BackupFolder[] = [];
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), "omnikv-folder-"));
});
afterEach(() => {
  for (const folder of folders.splice(0)) folder.close();
  rmSync(path, { recursive: true, force: true });
});

async function open(): Promise<BackupFolder> {
  const folder = await BackupFolder.open(path);
  folders.push(folder);
  return folder;
}

interface Put {
  /** Default: as a schedule names it. */
  readonly name?: string;
  /** Which log it is of; null: of one in which nothing has happened. */
  readonly log?: number | null;
  readonly writes?: number;
}

/** Its beginning: as much of it as is looked at. */
function put(clusterId: string, takenAt: string, { log = 1, writes = 0, ...more }: Put = {}) {
  const { name = backupName({ clusterId, takenAt }) } = more;
  const state = new KvState();
  if (log !== null) {
    const session = openSession(state, log);
    for (let i = 1; i <= writes; i++) run(state, session, i, { op: "write", key: "k", value: "v" });
  }
  const { appliedIdx, revision, size: keys } = state;
  const header = { clusterId, nodeId: 1, appliedIdx, revision, keys, takenAt, version: "1" };
  const writer = new BackupWriter();
  const begun = writer.begin({ ...header, stateHash: state.hash() });
  const pieces = [...state.clone().encodeSnapshot(1024)].map((piece) => writer.piece(piece));
  writeFileSync(join(path, name), Buffer.concat([begun, ...pieces]));
  return name;
}

const at = (hour: number): string => `2026-03-04T${String(hour).padStart(2, "0")}:05:06.789Z`;

test("a name tells the cluster and the second", () => {
  const name = backupName({ clusterId: "shop-1.a", takenAt: at(5) });
  expect(name).toBe("shop-1.a-20260304T050506Z.backup");
  const takenMs = Date.parse("2026-03-04T05:05:06Z");
  expect(parseBackupName(name)).toEqual({ name, clusterId: "shop-1.a", takenMs });
  for (const other of ["monday.backup", "a-20269904T050506Z.backup", `${name}.tmp`, `x/${name}`]) {
    expect(parseBackupName(other)).toBeNull();
  }
});

test("the oldest of this cluster are removed, and nothing that somebody else has put there", async () => {
  const folder = await open();
  const names = [3, 1, 5, 2, 4].map((hour) => put("shop", at(hour)));
  const others = [
    put("other", at(1)),
    put("shop", at(1), { name: "monday.backup" }),
    // A copy under a name of another time, or of another cluster.
    put("shop", at(1), { name: backupName({ clusterId: "shop", takenAt: at(0) }) }),
    put("other", at(2), { name: "shop-20200101T000000Z.backup" }),
    "shop-20200102T000000Z.backup",
    "shop-20200103T000000Z.backup",
    "shop-20200104T000000Z.backup",
    "notes.txt",
  ];
  writeFileSync(join(path, others[4]!), "no backup at all");
  mkdirSync(join(path, others[5]!));
  symlinkSync(join(path, names[1]!), join(path, others[6]!));
  writeFileSync(join(path, others[7]!), "");
  expect(folder.kept("shop").map(({ name }) => name)).toEqual(
    [5, 4, 3, 2, 1].map((hour) => backupName({ clusterId: "shop", takenAt: at(hour) })),
  );
  expect(folder.prune(names[2]!, 2)).toMatchObject({ removed: 3, others: [] });
  expect(readdirSync(path).sort()).toEqual([".lock", names[2]!, names[4]!, ...others].sort());
  expect(folder.prune(names[2]!, 2)).toMatchObject({ removed: 0 });
});

test("the one just made stays, and what holds least is removed, whatever the clocks said", async () => {
  const folder = await open();
  // Made while a clock was ahead by years.
  const ahead = [1, 2].map((writes) => put("shop", `2031-01-01T00:00:0${writes}Z`, { writes }));
  const made = put("shop", at(9), { writes: 9 });
  expect(folder.prune(made, 1)).toMatchObject({ removed: 2, others: [] });
  expect(ahead.map((name) => existsSync(join(path, name)))).toEqual([false, false]);
  expect(existsSync(join(path, made))).toBe(true);
  // And where the one just made holds less than what is there: disks of before were put back.
  const less = put("shop", at(10), { writes: 3 });
  const more = put("shop", at(8), { writes: 20 });
  expect(folder.prune(less, 2)).toMatchObject({ removed: 1 });
  expect([less, more, made].map((name) => existsSync(join(path, name)))).toEqual([
    ...[true, true, false],
  ]);
});

test("backups of another log with the same cluster's id stay, and an empty cluster removes none", async () => {
  const folder = await open();
  const good = [1, 2, 3].map((hour) => put("shop", at(hour), { writes: 50 + hour }));
  const anew = [4, 5, 6].map((hour) => put("shop", at(hour), { log: 2, writes: hour }));
  const names = (): string[] => readdirSync(path).filter((name) => name.endsWith(".backup"));
  const pruned = folder.prune(anew[2]!, 1);
  expect(pruned.removed).toBe(2);
  expect(pruned.others.map(({ name }) => name)).toEqual(good.toReversed());
  expect(names().sort()).toEqual([...good, anew[2]!].sort());
  const empty = [7, 8, 9].map((hour) => put("shop", at(hour), { log: null }));
  const left = folder.prune(empty[2]!, 1);
  expect([left.removed, left.origin, left.others.length]).toEqual([0, null, 4]);
  expect(names().sort()).toEqual([...good, anew[2]!, ...empty].sort());
  // Nor are those of the empty one in the way of the good ones.
  expect(folder.prune(good[2]!, 2)).toMatchObject({ removed: 1 });
});

test("a directory that is missing is not made, and a file is none", async () => {
  const missing = join(path, "no-such");
  await expect(BackupFolder.open(missing)).rejects.toThrow(
    `there is no directory ${missing}: correct the name, mount what is to be there, or create it first`,
  );
  expect(existsSync(missing)).toBe(false);
  const file = join(path, "file");
  writeFileSync(file, "");
  await expect(BackupFolder.open(file)).rejects.toThrow(`${file} is no directory`);
});

test("one process at a time; what an interrupted one has left is removed, and nothing else that ends so", async () => {
  const left = join(path, `${backupName({ clusterId: "shop", takenAt: at(1) })}.tmp`);
  const foreign = join(path, "monday.backup.tmp");
  for (const file of [left, foreign]) writeFileSync(file, "half of");
  const before = statSync(path).mode;
  const folder = await open();
  expect([existsSync(left), existsSync(foreign)]).toEqual([false, true]);
  writeFileSync(left, "of the one that holds the lock");
  await expect(BackupFolder.open(path)).rejects.toThrow(StorageError);
  await expect(BackupFolder.open(path)).rejects.toThrow(/another omnikv backup makes files in/);
  expect(existsSync(left)).toBe(true);
  folder.close();
  folders.pop();
  await open();
  // Whoever fetches the backups from here may go on to do so.
  expect(statSync(path).mode).toBe(before);
});

test("a directory that was put in the place of the one at the beginning gets no backup", async () => {
  const folder = await open();
  folder.mustBeThere();
  const moved = `${path}-moved`;
  renameSync(path, moved);
  expect(() => folder.mustBeThere()).toThrow(`${path} is gone: its disk may have been unmounted`);
  mkdirSync(path);
  expect(() => folder.mustBeThere()).toThrow(
    `${path} is not the directory that this began with: its disk may have been unmounted`,
  );
  rmSync(path, { recursive: true });
  renameSync(moved, path);
  folder.mustBeThere();
});
