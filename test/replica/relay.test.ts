/** Which neighbour serves the clients of a node that no leader feeds. */
import { describe, expect, test } from "vitest";
import { Relay } from "../../src/replica/relay.ts";
import { AnswerWriter } from "../../src/wire/client.ts";

const relay = (): Relay =>
  new Relay(
    77,
    () => {},
    () => new AnswerWriter(),
    () => 1,
  );

describe("the neighbour that is asked", () => {
  test("is one of those that are heard, each in its turn", () => {
    const picks = relay();
    expect(picks.pick([])).toBeUndefined();
    expect(new Set([picks.pick([2, 5]), picks.pick([2, 5])])).toEqual(new Set([2, 5]));
  });

  test("is not the one that gave the last frame back, whenever that comes back", () => {
    for (let pause = 0; pause < 5; pause++) {
      const picks = relay();
      for (let i = 0; i < 10; i++) {
        for (let idle = 0; idle < pause; idle++) picks.pick([2, 5]);
        const peer = picks.pick([2, 5]);
        if (peer === 5) break;
        picks.returned(2, 1);
        expect(picks.pick([2, 5])).toBe(5);
      }
    }
  });

  test("is one that gave a frame back when all others did too", () => {
    const picks = relay();
    picks.returned(2, 1);
    picks.returned(5, 1);
    expect([2, 5]).toContain(picks.pick([2, 5]));
    picks.returned(2, 1);
    expect(picks.pick([2])).toBe(2);
  });
});
