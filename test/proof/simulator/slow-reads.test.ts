/** Reads that took long are told of in the log of the node that was asked, with where the time went. */
import { expect, test } from "vitest";
import { Scenario } from "./scenario.ts";

test("reads that waited for a majority for two seconds make one line, which says that they waited for their index", () => {
  const lines: string[] = [];
  const scenario = new Scenario(3, 1, { requestWaitMs: 10_000 }, (line) => {
    if (line.includes("reads took long")) lines.push(line);
  });
  const { world } = scenario;
  const [leader] = scenario.leaderFirst() as [number];
  const client = world.newProbe(leader, leader + 1);
  let answers = 0;
  const read = (): void =>
    client.submit({ kind: "read", key: "k", local: false }, () => {
      answers += 1;
      world.clock.after(5, read);
    });
  read();
  world.run(500);
  expect(answers).toBeGreaterThan(10);
  expect(lines).toEqual([]);
  scenario.leave([]);
  world.run(2000);
  scenario.injector.heal();
  world.run(1000);
  expect(lines).toHaveLength(1);
  const [, said = "{}"] = /reads took long (\{.*\})/.exec(lines[0] ?? "") ?? [];
  const { slowestMs, indexMs, applyMs, readMs } = JSON.parse(said) as Record<string, number>;
  expect(slowestMs).toBeGreaterThanOrEqual(1500);
  expect(indexMs).toBeGreaterThanOrEqual(1500);
  expect(applyMs).toBeLessThan(100);
  expect(readMs).toBeLessThan(100);
});
