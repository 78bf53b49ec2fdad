/** When a schedule makes its next backup, and what clocks that are set cannot put off. */
import { expect, test } from "vitest";
import { Due, firstRound } from "../../src/bin/backups/backup-due.ts";
import type { KeptBackup } from "../../src/bin/backups/backup-folder.ts";

const EVERY_MS = 60_000;
const NOW_MS = Date.parse("2026-03-04T05:06:00Z");

function kept(takenMs: number, origin: number | null = 7): KeptBackup {
  const what = { clusterId: "shop", appliedIdx: 1, revision: 1 };
  return { name: `taken ${takenMs - NOW_MS}`, takenMs, origin, ...what };
}

test("a wall clock that is set back puts nothing off; one that goes on while the steady one stood is followed", () => {
  const clocks = { wallMs: NOW_MS, steadyMs: 5 };
  const due = new Due({ wall: () => clocks.wallMs, steady: () => clocks.steadyMs });
  expect(due.leftMs).toBe(0);
  due.after(due.now(), EVERY_MS);
  clocks.wallMs -= 86_400_000;
  clocks.steadyMs += 20_000;
  expect(due.leftMs).toBe(40_000);
  clocks.steadyMs += 40_000;
  expect(due.leftMs).toBe(0);
  due.after(due.now(), EVERY_MS);
  clocks.wallMs += EVERY_MS;
  expect(due.leftMs).toBe(0);
});

test("the first is due one time after the newest; not after one of the future, or of another log", () => {
  const first = (backups: readonly KeptBackup[], origin: number | null = 7) =>
    firstRound(backups, EVERY_MS, NOW_MS, origin);
  expect(first([])).toEqual({ waitMs: 0, notes: [] });
  expect(first([kept(NOW_MS - 20_000), kept(NOW_MS - 80_000)])).toEqual({
    ...{ waitMs: 40_000, notes: [] },
  });
  expect(first([kept(NOW_MS - 90_000)])).toEqual({ waitMs: 0, notes: [] });
  expect(first([kept(NOW_MS + 5000)])).toEqual({
    waitMs: 0,
    notes: ["taken 5000 lies in the future by this machine's clock: it is not waited for"],
  });
  expect(first([kept(NOW_MS + 5000), kept(NOW_MS - 20_000)]).waitMs).toBe(40_000);
  const other = first([kept(NOW_MS - 10_000, 8), kept(NOW_MS - 50_000)]);
  expect(other).toEqual({
    waitMs: 10_000,
    notes: [expect.stringMatching(/^taken -10000 is of another cluster of this id, /)],
  });
  // Which log the cluster has is not known while no node answers.
  expect(first([kept(NOW_MS - 10_000, 8)], null)).toEqual({ waitMs: 50_000, notes: [] });
});
