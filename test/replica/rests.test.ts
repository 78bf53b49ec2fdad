/** What is left of frames of reads: in shares, in turn, and not for those who rest. */
import { beforeEach, expect, test } from "vitest";
import type { PendingRead } from "../../src/replica/turn/apply-wait-queue.ts";
import { REST_BYTES, Rests } from "../../src/replica/turn/rests.ts";
import type { Route } from "../../src/replica/requests/route.ts";
import { RouteLoad } from "../../src/replica/requests/route-load.ts";
import { AnswerWriter } from "../../src/protocol/client/client.ts";

interface Asker extends Route {
  resting: boolean;
  open: boolean;
}

let rests: Rests;
let served: string[];
beforeEach(() => {
  rests = new Rests();
  served = [];
});

function asker(id: number): Asker {
  const route: Asker = {
    ...{ id, relayed: false, answers: new AnswerWriter(), load: new RouteLoad() },
    ...{ resting: false, open: true },
    isResting: () => route.resting,
    isOpen: () => route.open,
    deliver: () => {},
  };
  return route;
}

const read = (route: Route, count: number): PendingRead => ({
  ...{ route, count, frame: new Uint8Array(0), local: true, arrivedTick: 0 },
});

/** A key is so much work. @param turnKeys as many as fit into the turn */
function turn(keyBytes: number, turnKeys = Infinity): string {
  let left = turnKeys;
  served = [];
  rests.serve(
    ({ route, count, ...rest }, workMax) => {
      const keys = Math.min(count, left, Math.max(1, Math.ceil(workMax / keyBytes)));
      left -= keys;
      served.push(`${route.id}x${keys}`);
      return {
        rest: keys === count ? null : { ...rest, route, count: count - keys },
        work: keys * keyBytes,
      };
    },
    () => left === 0,
  );
  return served.join(" ");
}

test("each asker gets one share of a turn, however many frames it has", () => {
  const [greedy, other] = [asker(1), asker(2)];
  for (let i = 0; i < 4; i++) rests.add(read(greedy, 3), 0);
  rests.add(read(other, 5), 0);
  expect(turn(REST_BYTES / 4)).toBe("1x3 1x1 2x4");
  expect(turn(REST_BYTES / 4)).toBe("1x2 1x2 2x1");
  expect(rests.hasWork).toBe(true);
  expect([turn(REST_BYTES / 4), rests.hasWork]).toEqual(["1x1 1x3", false]);
});

test("what one key, or the first go of a frame, was beyond the share is taken off the next turns", () => {
  rests.add(read(asker(1), 3), 2 * REST_BYTES);
  expect([turn(3 * REST_BYTES), rests.hasWork]).toEqual(["", true]);
  expect([1, 2, 3, 4, 5, 6, 7].map(() => turn(3 * REST_BYTES))).toEqual([
    "1x1",
    "",
    "",
    "1x1",
    "",
    "",
    "1x1",
  ]);
  expect(rests.hasWork).toBe(false);
});

test("who was not served before the turn was full comes first in the next one", () => {
  for (const id of [1, 2, 3]) rests.add(read(asker(id), 2), 0);
  expect(turn(REST_BYTES, 2)).toBe("1x1 2x1");
  expect(turn(REST_BYTES, 2)).toBe("3x1 1x1");
  expect(turn(REST_BYTES, 2)).toBe("2x1 3x1");
  expect(rests.hasWork).toBe(false);
});

test("who rests is passed over, and wants no turn; who is gone rests no more", () => {
  const [resting, other] = [asker(1), asker(2)];
  resting.resting = true;
  rests.add(read(resting, 2), 0);
  expect([turn(1), rests.hasWork]).toEqual(["", false]);
  rests.add(read(other, 1), 0);
  expect([rests.hasWork, turn(1), rests.hasWork]).toEqual([true, "2x1", false]);
  resting.open = false;
  expect([rests.hasWork, turn(1), rests.hasWork]).toEqual([true, "1x2", false]);
});
