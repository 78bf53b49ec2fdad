import { describe, expect, test } from "vitest";
import { Departure, type LeaderCore } from "../../../src/server/node/departure.ts";
import type { Logger } from "../../../src/machine/ports/logger.ts";

type Core = { -readonly [K in keyof LeaderCore]: LeaderCore[K] };

function scene(
  heirs: readonly number[],
  mayHaveHeir = false,
): {
  heirs: readonly number[];
  readonly core: Core;
  readonly asked: number[];
  readonly said: string[];
  readonly departure: Departure;
  readonly over: () => number;
} {
  const asked: number[] = [];
  const said: string[] = [];
  let over = 0;
  const given = { heirs };
  const core: Core = {
    pid: 1,
    role: "leader",
    phase: "accept",
    leader: () => ({ pid: core.role === "leader" ? 1 : (asked.at(-1) ?? 0), phaseIsAccept: true }),
    heirs: () => given.heirs,
    handOver: (to) => {
      asked.push(to);
      return { ok: true };
    },
  };
  const info = (text: string): void => void said.push(text);
  const logger: Logger = { enabled: () => true, debug: info, info, warn: info, error: info };
  const departure = new Departure({
    core,
    logger,
    ticksMax: 10,
    mayHaveHeir: () => mayHaveHeir,
    onOver: () => (over += 1),
  });
  return Object.assign(given, { core, asked, said, departure, over: () => over });
}

describe("a node that is told to end", () => {
  test("goes at once when it does not lead", () => {
    const { core, departure, asked, over } = scene([3, 2]);
    core.role = "follower";
    departure.begin();
    expect(asked).toEqual([]);
    expect(over()).toBe(1);
  });

  test("goes at once when nobody could lead in its place, and says so", () => {
    const { departure, said, over } = scene([]);
    departure.begin();
    expect(over()).toBe(1);
    expect(said).toEqual([
      "leadership is not handed over: no follower could lead without this node",
    ]);
  });

  test("asks as soon as a heartbeat round knows of an heir, when one is to be expected", () => {
    const node = scene([], true);
    node.departure.begin();
    node.departure.tick();
    expect(node.over()).toBe(0);
    expect(node.asked).toEqual([]);
    node.heirs = [2];
    node.departure.tick();
    expect(node.asked).toEqual([2]);
    expect(node.said).toEqual([]);
  });

  test("goes in the end when no heir turns up", () => {
    const { departure, over } = scene([], true);
    departure.begin();
    for (let tick = 0; tick < 9; tick += 1) departure.tick();
    expect(over()).toBe(0);
    departure.tick();
    expect(over()).toBe(1);
  });

  test("leads on until it is in step with another leader", () => {
    const { core, departure, asked, said, over } = scene([3, 2]);
    departure.begin();
    departure.look();
    expect(asked).toEqual([3]);
    core.role = "follower";
    core.phase = "prepare";
    departure.look();
    expect(over()).toBe(0);
    core.phase = "accept";
    departure.look();
    departure.look();
    departure.tick();
    expect(over()).toBe(1);
    expect(said).toEqual(["leadership is handed over"]);
  });

  test("asks another heir when the first does not take it, and goes in the end", () => {
    const { departure, asked, said, over } = scene([3, 2]);
    departure.begin();
    for (let tick = 0; tick < 9; tick += 1) departure.tick();
    expect(asked).toEqual([3, 2, 3]);
    expect(over()).toBe(0);
    departure.tick();
    departure.tick();
    expect(over()).toBe(1);
    expect(said).toEqual(["leadership is not handed over: no follower took it in time"]);
  });
});
