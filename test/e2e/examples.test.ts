/** The examples of docs/examples, run as they stand there, by processes of their own. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually, OMNIKV, ROOT, TestCluster } from "./cluster.ts";

const EXAMPLES = join(ROOT, "docs/examples");

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await TestCluster.create(3);
  await cluster.startAll();
  await cluster.client().write("warm", "up");
});
afterAll(() => cluster.dispose());

/** "omnikv" is this package by its own name: Node.js resolves it so within the package. */
function example(name: string, ...args: string[]) {
  const nodes = cluster.nodes.map(({ id, host, port }) => `${id}=${host}:${port}`).join(",");
  const child: ChildProcess = spawn(process.execPath, [join(EXAMPLES, name), ...args], {
    cwd: ROOT,
    env: { ...process.env, NODES: nodes },
  });
  let said = "";
  const collect = (bytes: Buffer): void => void (said += bytes.toString());
  child.stdout?.on("data", collect);
  child.stderr?.on("data", collect);
  const says = (text: string): Promise<unknown> =>
    eventually(`${name} says ${text}: ${said}`, () => said.includes(text));
  const end = async (): Promise<void> => {
    child.kill("SIGINT");
    if (child.exitCode === null) await once(child, "exit");
    expect({ said, status: child.exitCode }).toEqual({ said, status: 0 });
  };
  return { says, end, said: () => said };
}

test("are short", () => {
  for (const name of readdirSync(EXAMPLES)) {
    const lines = readFileSync(join(EXAMPLES, name), "utf8").split("\n").length;
    expect({ name, isShort: lines < 60 }).toEqual({ name, isShort: true });
  }
});

/** As test/e2e/recording-tracer.mjs prints it. */
interface Span {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string;
  readonly startTime: number;
  readonly endTime: number;
  readonly attributes: Readonly<Record<string, number>>;
}

/** The interface of OpenTelemetry alone; which SDK stands behind it is the program's affair. */
const HAS_OTEL = existsSync(join(ROOT, "node_modules/@opentelemetry/api"));

test.skipIf(!HAS_OTEL)(
  "one write is one trace, of its client and of all nodes (skipped without @opentelemetry/api)",
  async () => {
    const traced = await TestCluster.create(3);
    try {
      const preload = [join(ROOT, "test/e2e/recording-tracer.mjs"), join(EXAMPLES, "tracing.mjs")];
      const imports = preload.flatMap((file) => ["--import", file]);
      await Promise.all(traced.nodes.map(({ id }) => traced.start(id, { nodeFlags: imports })));
      await traced.leader(traced.admin());
      const put = spawnSync(
        process.execPath,
        [...imports, OMNIKV, "put", "35", "hello", "--cluster", traced.clusterFile],
        { encoding: "utf8" },
      );
      const spansIn = (text: string): Span[] =>
        [...text.matchAll(/^span (.*)$/gm)].map(([, json = ""]) => JSON.parse(json) as Span);
      const [request] = spansIn(put.stdout);
      expect(request).toMatchObject({ name: "omnikv write", attributes: { "omnikv.revision": 1 } });
      const took = request!.attributes["omnikv.node"];
      for (const { id } of traced.nodes) {
        const names =
          id === took
            ? [`node ${id} writes`, "waits for the log", "is agreed on and applied"]
            : [`node ${id} applies`];
        const found = await eventually(`node ${id} tells of it`, () => {
          const spans = spansIn(traced.log(id)).filter(
            ({ traceId }) => traceId === request!.traceId,
          );
          return spans.length >= names.length ? spans : undefined;
        });
        expect(found.map(({ name }) => name)).toEqual(names);
        const [whole, waits, agreed] = found;
        expect(whole!.parentId).toBe(request!.parentId);
        if (waits === undefined || agreed === undefined) continue;
        expect([waits.parentId, agreed.parentId]).toEqual([whole!.spanId, whole!.spanId]);
        expect([waits.startTime, waits.endTime]).toEqual([whole!.startTime, agreed.startTime]);
        expect(agreed.endTime).toBe(whole!.endTime);
        // Within what its client waited, but for the clocks of two processes.
        expect(whole!.startTime).toBeGreaterThan(request!.startTime - 5);
        expect(whole!.endTime).toBeLessThan(request!.endTime + 5);
      }
    } finally {
      await traced.dispose();
    }
  },
  240_000,
);

test("a registry of services shows who comes and who goes", async () => {
  const first = example("service-registry.mjs", "web", "10.0.0.1:80");
  await first.says("web: 10.0.0.1:80\n");
  const second = example("service-registry.mjs", "web", "10.0.0.2:80");
  await first.says("web: 10.0.0.1:80, 10.0.0.2:80");
  await second.says("web: 10.0.0.1:80, 10.0.0.2:80");
  await first.end();
  await second.says("web: 10.0.0.2:80\n");
  await second.end();
});

test("configuration is taken up when it changes, all of one moment, and not when it is none", async () => {
  const client = cluster.client();
  const running = example("configuration.mjs");
  await running.says('{"limit":10,"mode":"quick"}');
  await client.write("config/limit", "20");
  await running.says('{"limit":20,"mode":"quick"}');
  await client.write("config/limit", "lots");
  await running.says("is not taken");
  await client.atomic().put("config/limit", "50").put("config/mode", '"careful"').commit();
  await running.says('{"limit":50,"mode":"careful"}');
  expect(running.said()).not.toContain('{"limit":50,"mode":"quick"}');
  await running.end();
});
