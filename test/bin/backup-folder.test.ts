/** What a schedule of backups takes for its own in a directory, and what it removes. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { BackupFolder, backupName, parseBackupName } from "../../src/bin/backup-folder.ts";
import { StorageError } from "../../src/base/index.ts";
import { BackupWriter } from "../../src/storage/backup/index.ts";

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

/** Only its beginning. @param name default: as a schedule names it */
function put(
  clusterId: string,
  takenAt: string,
  name = backupName({ clusterId, takenAt }),
): string {
  const header = { clusterId, nodeId: 1, appliedIdx: 9, revision: 7, keys: 3, takenAt };
  const bytes = new BackupWriter().begin({ ...header, stateHash: "0".repeat(16), version: "1" });
  writeFileSync(join(path, name), bytes);
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
    put("shop", at(1), "monday.backup"),
    // A copy under a name of another time, or of another cluster.
    put("shop", at(1), backupName({ clusterId: "shop", takenAt: at(0) })),
    put("other", at(2), "shop-20200101T000000Z.backup"),
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
  expect(folder.prune("shop", 2)).toBe(3);
  expect(readdirSync(path).sort()).toEqual([".lock", names[2]!, names[4]!, ...others].sort());
  expect(folder.prune("shop", 2)).toBe(0);
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
