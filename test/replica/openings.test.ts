/** Sessions are opened at a bounded rate: by frame, by connection, by node. */
import { describe, expect, test } from "vitest";
import { GroupWriter, NO_SESSION } from "../../src/store/index.ts";
import { Openings, OPENINGS_PER_FRAME_MAX } from "../../src/replica/writes/openings.ts";

function opening(count: number): Uint8Array {
  const writer = new GroupWriter();
  for (let i = 0; i < count; i++) writer.add(i, { kind: "openSession", nonce: new Uint8Array(16) });
  return writer.take(NO_SESSION, 0);
}

/** How many of so many frames, each with one opening, are carried out. */
function taken(openings: Openings, route: number, frames: number, tick: number): number {
  let count = 0;
  for (let i = 0; i < frames; i++)
    if (openings.refuse(route, opening(1), tick) === null) count += 1;
  return count;
}

describe("openings", () => {
  test("a frame has a few at most", () => {
    const openings = new Openings();
    expect(openings.refuse(1, opening(OPENINGS_PER_FRAME_MAX), 0)).toBeNull();
    const more = openings.refuse(1, opening(OPENINGS_PER_FRAME_MAX + 1), 0);
    expect(more).toMatchObject({ code: "BAD_REQUEST" });
    expect(openings.refuse(1, opening(4096), 0)).toMatchObject({ code: "BAD_REQUEST" });
  });

  test("a connection has some at once, and then a few a second; others are not hit by that", () => {
    const openings = new Openings();
    expect(taken(openings, 1, 100, 0)).toBe(16);
    expect(openings.refuse(1, opening(1), 24)).toMatchObject({ code: "OVERLOADED" });
    expect(taken(openings, 1, 100, 100)).toBe(4);
    expect(taken(openings, 2, 100, 100)).toBe(16);
    expect(taken(openings, 1, 100, 1_000_000)).toBe(16);
  });

  test("a node has as many as clients that start together need, and then some each tick", () => {
    const openings = new Openings();
    let all = 0;
    for (let route = 0; route < 2000; route++) all += taken(openings, route, 1, 0);
    expect(all).toBe(1000);
    for (let route = 2000; route < 2100; route++) all += taken(openings, route, 1, 10);
    expect(all).toBe(1020);
  });

  test("what opens none is not counted", () => {
    const openings = new Openings();
    const writer = new GroupWriter();
    for (let i = 0; i < 5000; i++) {
      writer.add(i, { kind: "noop" });
      expect(openings.refuse(1, writer.take(NO_SESSION, 0), 0)).toBeNull();
    }
    for (let i = 0; i < 50; i++) {
      writer.add(i, { kind: "noop" });
      expect(openings.refuse(1, writer.take(5, 0), 0)).toBeNull();
    }
    expect(taken(openings, 1, 1, 0)).toBe(1);
  });
});
