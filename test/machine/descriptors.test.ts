import { expect, test } from "vitest";
import {
  descriptorLimit,
  fitConnections,
  openDescriptors,
} from "../../src/machine/host/descriptors.ts";

const WANTED = { clients: 5000, managers: 100, strangers: 1536 };

test("the limit of this process is known", () => {
  const limit = descriptorLimit();
  expect(limit === null || limit > 100).toBe(true);
  const open = openDescriptors();
  expect(open === null || (open > 3 && open < (limit ?? Infinity))).toBe(true);
});

test("with enough descriptors, or where nobody tells, everybody gets what was wanted", () => {
  for (const limit of [null, Infinity, 65_536, 10_000]) {
    expect(fitConnections(WANTED, limit, 25)).toBe(WANTED);
  }
});

test.each([200, 256, 1024, 2048, 4096, 8000])(
  "with %i they all fit, and some are left",
  (limit) => {
    const { clients, managers, strangers } = fitConnections(WANTED, limit, null);
    expect(clients + managers + 2 * strangers).toBeLessThanOrEqual(limit - 96);
    expect(clients).toBeGreaterThan(limit / 4);
    expect(Math.min(managers, strangers)).toBeGreaterThan(1);
  },
);

test("what is open already is not there for connections", () => {
  const few = fitConnections(WANTED, 1024, 25);
  const fewer = fitConnections(WANTED, 1024, 525);
  expect(few.clients - fewer.clients).toBeGreaterThan(300);
});

test("the fewest there can be; with less a server does not start, and says what it needs", () => {
  expect(fitConnections(WANTED, 120, 30)).toEqual({ clients: 8, managers: 2, strangers: 8 });
  expect(() => fitConnections(WANTED, 64, 25)).toThrow(/only 64 files.* needs 111 .*ulimit -n/);
});
