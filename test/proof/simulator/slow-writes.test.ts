/** Writes that took long are told of in the log of the node that took them. */
import { expect, test } from "vitest";
import { Scenario } from "./scenario.ts";

test("what a leader had in its log when it lost its followers for two seconds makes one line", () => {
  const scenario = new Scenario(3, 1);
  const { world } = scenario;
  const said = (): number => world.coverage.count('log "writes took long"');
  const [leader] = scenario.leaderFirst() as [number];
  scenario.write(leader);
  world.run(500);
  expect(said()).toBe(0);
  scenario.leave([]);
  world.run(2000);
  scenario.injector.heal();
  world.run(1000);
  expect(said()).toBe(1);
});
