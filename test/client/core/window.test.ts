/** More writes under way than a session has numbers for. */
import { expect, test } from "vitest";
import { SESSION_WINDOW } from "../../../src/base/limits.ts";
import { FakeCluster } from "../fake-cluster.ts";
import { ask, submit, write } from "../ask.ts";

test("a frozen node holds up none of them longer than an attempt, nor those that come later", () => {
  const cluster = new FakeCluster();
  const core = cluster.core({ firstNode: 1 });
  ask(cluster, core, write("first", "v"));
  cluster.node(1).behaviour = { kind: "ignore" };
  const underWay = Array.from({ length: 2 * SESSION_WINDOW }, (_, i) =>
    submit(cluster, core, write(`k${i % 50}`, "v")),
  );
  cluster.clock.run(1950);
  const later = Array.from({ length: 100 }, (_, i) => submit(cluster, core, write(`l${i}`, "v")));
  cluster.clock.run(10_000);
  const results = [...underWay, ...later].map(({ result }) => result);
  expect(results.filter((result) => result?.error !== null).length).toBe(0);
  expect(Math.max(...results.map((result) => result?.tookMs ?? 0))).toBeLessThan(2200);
  core.close();
});

test("one that is given up makes room for one that waits for another node", () => {
  const cluster = new FakeCluster();
  const core = cluster.core({ firstNode: 2 });
  ask(cluster, core, write("first", "v"));
  cluster.node(1).behaviour = { kind: "ignore" };
  const [oldest] = Array.from({ length: SESSION_WINDOW }, (_, i) =>
    submit(cluster, core, write(`k${i}`, "v"), 1),
  );
  cluster.clock.run(100);
  const waiting = submit(cluster, core, write("a", "v"), 2);
  cluster.clock.run(100);
  expect(waiting.result).toBeNull();
  oldest?.cancel();
  cluster.clock.run(100);
  expect(waiting.result).toMatchObject({ error: null, answer: { node: 2 } });
  core.close();
});
