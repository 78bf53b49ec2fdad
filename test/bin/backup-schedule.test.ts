/** With which status a schedule of backups ends when it is told to. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { KvError } from "../../src/base/errors.ts";
import { runSchedule } from "../../src/bin/backups/backup-schedule.ts";
import type { PromptSettings } from "../../src/bin/options/prompt-options.ts";

let path: string;
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), "omnikv-schedule-"));
});
afterEach(() => rmSync(path, { recursive: true }));

test("to be told to end within the first backup is no success: there is none", async () => {
  const told = new AbortController();
  let asked = 0;
  const settings = (): PromptSettings => {
    asked += 1;
    // All that is asked of them before the first backup begins.
    if (asked === 1) return { clusterId: null } as PromptSettings;
    told.abort();
    throw new KvError("CANCELLED", "told to end");
  };
  const source = { settings, asked: null, signal: told.signal };
  expect(await runSchedule({ path, keep: 2, everyMs: 3_600_000 }, source)).toBe(130);
  expect(asked).toBe(2);
});
