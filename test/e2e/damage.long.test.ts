/** A few rows of scripts/damage.ts, those that once lost writes or nearly did; and that the script reports what is lost. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "./cluster.ts";

function damage(...only: string[]): { status: number | null; output: string } {
  const script = join(ROOT, "scripts/damage.ts");
  const flags = ["--nodes", "3", ...only.flatMap((text) => ["--only", text])];
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--import", "tsx", script, ...flags],
    { cwd: ROOT, encoding: "utf8", timeout: 170_000 },
  );
  return { status, output: stdout + stderr };
}

test("damaged, put back, lost and mixed-up disks: nothing acknowledged is gone without a sentence", () => {
  const { status, output } = damage(
    "Nothing damaged: kill -9 of all, with snapshots",
    "An older copy put back: of one, while all others run",
    "The log: last 4 KiB overwritten",
    "Mixed up: log/ of another node that knows all",
    "Disks lost: one, started empty without",
    "old disk comes back to all",
  );
  expect(output).toContain("6 rows in");
  expect(output).toContain(" 0 of them bad");
  expect(status).toBe(0);
}, 180_000);

test("a row in which a write is gone and nobody says so is SILENT", () => {
  const { status, output } = damage("a write that was never made");
  expect(output).toContain("SILENT: 1 acknowledged writes are gone");
  expect(status).toBe(1);
}, 180_000);
