/** docs/operations.md has every metric with its type and every check, and the alerts use what there is. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CHECK_NAMES } from "../../../src/server/probes/checks.ts";
import { NodeMetrics } from "../../../src/server/metrics/node-metrics.ts";
import { sightWith } from "./fixtures.ts";

const read = (file: string): string =>
  readFileSync(new URL(`../../../docs/${file}`, import.meta.url), "utf8");

async function actualTypes(): Promise<Record<string, string>> {
  const options = { sight: () => sightWith(), life: () => ({ kind: "running" }) as const };
  const text = await new NodeMetrics({ ...options, ofProcess: false }).text();
  return Object.fromEntries(
    [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = "", type]) => [name, type ?? ""]),
  );
}

test("the table of metrics is the metrics", async () => {
  const rows = read("operations.md").matchAll(/^\| `((?:etcd|omnikv)_\w+)` +\| (\w+) +\|/gm);
  const told = Object.fromEntries([...rows].map(([, name = "", type]) => [name, type]));
  expect(told).toEqual(await actualTypes());
});

test("the table of checks is the checks", () => {
  const [, section = ""] = read("operations.md").split("### Ready or not");
  const [table = ""] = section.split("\n\nA node");
  expect([...table.matchAll(/^\| `(\w+)` /gm)].map(([, name]) => name)).toEqual(CHECK_NAMES);
});

test("alerts look at metrics that there are", async () => {
  const types = await actualTypes();
  const expressions = [...read("prometheus-alerts.yml").matchAll(/^ +expr: (.*)$/gm)];
  expect(expressions.length).toBeGreaterThan(0);
  for (const [, expression = ""] of expressions) {
    const names = expression.match(/\b(?:etcd|omnikv)_\w+|\bup\b/g) ?? [];
    expect([expression, names.length > 0]).toEqual([expression, true]);
    for (const name of names) expect([name, name === "up" || name in types]).toEqual([name, true]);
  }
});
