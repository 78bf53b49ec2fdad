/**
 * What Prometheus makes of real servers, by its own tool: every name and number of a scrape, every rule, every expression of the
 * dashboard, and the alerts that a node which is cut off raises.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { eventually, ROOT, TestCluster } from "./cluster.ts";
import { parseMetrics, valueOf } from "../server/metrics/fixtures.ts";

const RULES = join(ROOT, "docs/prometheus-alerts.yml");
/** Debian has it in its package "prometheus". */
const HAS_PROMTOOL = spawnSync("promtool", ["--version"]).status === 0;

const scratch = mkdtempSync(join(tmpdir(), "omnikv-alerts-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function promtool(
  args: readonly string[],
  input = "",
): { readonly status: number | null; readonly said: string } {
  const { status, stdout, stderr } = spawnSync("promtool", args, { input, encoding: "utf8" });
  return { status, said: stdout + stderr };
}

let cluster: TestCluster | undefined;
afterEach(async () => {
  await cluster?.dispose();
  cluster = undefined;
});

async function scrape({ nodes }: TestCluster, id: number): Promise<string> {
  const { host, port } = nodes.find((node) => node.id === id)!;
  return (await fetch(`http://${host}:${port}/metrics`)).text();
}

/** A minute for each scrape of it: all that Prometheus would have of one server. */
function seriesOf(instance: string, scrapes: readonly string[]): readonly unknown[] {
  const values = new Map<string, (number | "_")[]>();
  scrapes.forEach((text, at) => {
    for (const [name, samples] of parseMetrics(text)) {
      for (const { labels, value } of samples) {
        const all = { job: "omnikv", instance, ...labels };
        const shown = Object.entries(all).map(([key, label]) => `${key}=${JSON.stringify(label)}`);
        const series = `${name}{${shown.join(",")}}`;
        const known = values.get(series) ?? scrapes.map(() => "_" as const);
        known[at] = value;
        values.set(series, known);
      }
    }
  });
  values.set(
    `up{job="omnikv",instance="${instance}"}`,
    scrapes.map((text) => (text === "" ? 0 : 1)),
  );
  return [...values].map(([series, found]) => ({
    series,
    values: found.map((value) => (Number.isNaN(value) ? "NaN" : String(value))).join(" "),
  }));
}

describe.skipIf(!HAS_PROMTOOL)(
  "promtool (skipped where Prometheus's tool is not installed)",
  () => {
    test("understands every rule, and every expression of the dashboard", () => {
      expect(promtool(["check", "rules", RULES])).toMatchObject({ status: 0 });
      const dashboard = JSON.parse(
        readFileSync(join(ROOT, "docs/deploy/grafana.json"), "utf8"),
      ) as { panels: { title: string; targets?: { expr: string }[] }[] };
      const rules = dashboard.panels.flatMap(({ targets = [] }) =>
        targets.map(({ expr }, i) => ({
          record: `panel:${i}`,
          // Grafana puts in what was chosen on the page.
          expr: expr.replaceAll("$job", "omnikv"),
        })),
      );
      expect(rules.length).toBeGreaterThan(15);
      const file = join(scratch, "dashboard.json");
      const check = (expressions: readonly { expr: string }[]): number | null => {
        const groups = expressions.map((rule, i) => ({ name: String(i), rules: [rule] }));
        writeFileSync(file, JSON.stringify({ groups }));
        return promtool(["check", "rules", file]).status;
      };
      expect(check(rules)).toBe(0);
      // It does look.
      expect(check([{ ...rules[0]!, expr: "sum(" }])).toBe(1);
    });

    test("when all nodes are down, and none tells anything, the leader is lost", () => {
      const instances = ["node1", "node2", "node3"];
      const series = (name: string, instance: string, values: string): unknown => ({
        series: `${name}{job="omnikv",instance="${instance}"}`,
        values,
      });
      // One of them leads for two minutes; a series that ends so is stale at once.
      const input_series = instances.flatMap((instance, i) => [
        series("up", instance, "1 1 0 0 0"),
        series("etcd_server_is_leader", instance, i === 0 ? "1 1 stale" : "0 0 stale"),
      ]);
      const summary = "No node leads: nothing is written, and linearizable reads wait";
      const description =
        "A majority is down or cannot reach each other. A lost leader is replaced within half a second where one can be.";
      const lost = {
        exp_labels: { job: "omnikv", severity: "critical" },
        exp_annotations: { summary, description },
      };
      const alertname = "OmnikvLeaderLost";
      const alert_rule_test = [
        { eval_time: "1m", alertname, exp_alerts: [] },
        { eval_time: "3m", alertname, exp_alerts: [lost] },
      ];
      const file = join(scratch, "all-down.json");
      const tests = [{ interval: "1m", input_series, alert_rule_test }];
      const options = { rule_files: [RULES], evaluation_interval: "15s" };
      writeFileSync(file, JSON.stringify({ ...options, tests }));
      expect(promtool(["test", "rules", file])).toMatchObject({ status: 0 });
    });

    test("a certificate is told of a week before it ends, and when it has ended", () => {
      const labels = { instance: "node1", port: "peers", certificate: "own" };
      // It ends ten days after the first scrape, at time 0.
      const input_series = [
        {
          series:
            'omnikv_certificate_end_timestamp_seconds{job="omnikv",instance="node1",port="peers",certificate="own"}',
          values: "864000x300",
        },
      ];
      const alert = (severity: string, summary: string, description: string): unknown => ({
        exp_labels: { job: "omnikv", ...labels, severity },
        exp_annotations: {
          summary: `node1: the own certificate for peers ${summary}`,
          description,
        },
      });
      const soon = alert(
        "warning",
        "ends in 6d 0h 0m 0s",
        "Put a new one in its place; no restart is needed (docs/tls.md, Servers).",
      );
      const ended = alert(
        "critical",
        "has ended",
        "Who is connected stays so; new connections are refused until a new one is in its place (docs/tls.md, Servers).",
      );
      const at = (eval_time: string, warned: readonly unknown[], raised: readonly unknown[]) => [
        { eval_time, alertname: "OmnikvCertificateEndsSoon", exp_alerts: warned },
        { eval_time, alertname: "OmnikvCertificateEnded", exp_alerts: raised },
      ];
      const alert_rule_test = [
        ...at("48h", [], []),
        ...at("96h", [soon], []),
        ...at("240h", [], [ended]),
        ...at("288h", [], [ended]),
      ];
      const file = join(scratch, "certificates.json");
      const tests = [{ interval: "1h", input_series, alert_rule_test }];
      const options = { rule_files: [RULES], evaluation_interval: "1h" };
      writeFileSync(file, JSON.stringify({ ...options, tests }));
      expect(promtool(["test", "rules", file])).toMatchObject({ status: 0 });
    });

    test("a scrape is as Prometheus wants it, and a node that is cut off raises its alert and no other", async () => {
      cluster = await TestCluster.create(3);
      const all = cluster;
      await all.startAll();
      const client = all.client();
      for (let i = 0; i < 20; i++) await client.write(`key ${i}`, "value");
      const admin = all.admin();
      const leader = await all.leader(admin);
      await all.converged(admin);
      const ids = all.nodes.map(({ id }) => id);
      /** What all say at a moment at which one node leads, and those cut off, and no others, hear no leader. */
      const scrapes = (cutOff: readonly number[]): Promise<ReadonlyMap<number, string>> =>
        eventually("one node leads", async () => {
          const told = ids.map(async (id) => [id, await scrape(all, id)] as const);
          const pages = new Map(await Promise.all(told));
          const withValue = (name: string, value: number): number[] =>
            ids.filter((id) => valueOf(parseMetrics(pages.get(id)!), name) === value);
          const alone = withValue("etcd_server_has_leader", 0);
          const isSettled = withValue("etcd_server_is_leader", 1).length === 1;
          return isSettled && alone.join() === cutOff.join() && pages;
        });
      const well = await scrapes([]);
      const checked = promtool(["check", "metrics"], well.get(leader));
      // Names that etcd and prom-client have given; ours have no fault.
      const ours = checked.said
        .split("\n")
        .filter((line) => !/^(?:etcd_|nodejs_|process_|$)/.test(line));
      expect(ours).toEqual([]);

      const cut = ids.find((id) => id !== leader)!;
      await all.keepOnly(admin, [ids.filter((id) => id !== cut) as [number, number]]);
      const broken = await scrapes([cut]);
      // One a minute: it was well in the first two.
      const input_series = ids.flatMap((id) => {
        const [before, after] = [well.get(id)!, broken.get(id)!];
        return seriesOf(`node${id}`, [before, before, after, after, after]);
      });
      const names = [...readFileSync(RULES, "utf8").matchAll(/- alert: (\w+)/g)].map(
        ([, name]) => name,
      );
      expect(names).toContain("OmnikvNodeCutOff");
      const alerts = (eval_time: string, firing: readonly unknown[]): unknown[] =>
        names.map((alertname) => ({
          ...{ eval_time, alertname },
          exp_alerts: alertname === "OmnikvNodeCutOff" ? firing : [],
        }));
      const raised = {
        exp_labels: { job: "omnikv", instance: `node${cut}`, severity: "warning" },
        exp_annotations: {
          summary: `node${cut} runs and reaches no leader`,
          description:
            "Its clients are served through a neighbour at best. omnikv_links and /readyz?verbose tell which peers it does not reach.",
        },
      };
      const file = join(scratch, "cut-off.json");
      const run = (firing: readonly unknown[]): ReturnType<typeof promtool> => {
        const tests = [
          {
            ...{ interval: "1m", input_series },
            alert_rule_test: [...alerts("1m", []), ...alerts("2m", []), ...alerts("4m", firing)],
          },
        ];
        const options = { rule_files: [RULES], evaluation_interval: "15s" };
        writeFileSync(file, JSON.stringify({ ...options, tests }));
        return promtool(["test", "rules", file]);
      };
      expect(run([raised])).toMatchObject({ status: 0 });
      expect(run([])).toMatchObject({
        status: 1,
        said: expect.stringContaining("OmnikvNodeCutOff"),
      });
    }, 240_000);
  },
);
