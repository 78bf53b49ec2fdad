import { expect, test } from "vitest";
import { descriptorLimit, fitConnections } from "../../src/platform/descriptors.ts";

const WANTED = { clients: 5000, managers: 100, strangers: 1536 };

test("the limit of this process is known", () => {
  const limit = descriptorLimit();
  expect(limit === null || limit > 100).toBe(true);
});

test("with enough descriptors, or where nobody tells, everybody gets what was wanted", () => {
  for (const limit of [null, Infinity, 65_536, 10_000]) {
    expect(fitConnections(WANTED, limit)).toBe(WANTED);
  }
});

test.each([200, 256, 1024, 2048, 4096, 8000])(
  "with %i they all fit, and some are left",
  (limit) => {
    const { clients, managers, strangers } = fitConnections(WANTED, limit);
    expect(clients + managers + 2 * strangers).toBeLessThanOrEqual(limit - 96);
    expect(clients).toBeGreaterThan(limit / 4);
    expect(Math.min(managers, strangers)).toBeGreaterThan(1);
  },
);

test("with next to none there are some all the same", () => {
  expect(fitConnections(WANTED, 64)).toEqual({ clients: 4, managers: 2, strangers: 8 });
});
