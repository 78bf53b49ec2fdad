/** What is handed to clients of what they are owed, in one turn. */
import { expect, test } from "vitest";
import { VALUE_BYTES_MAX } from "../../src/base/limits.ts";
import { buildEntry, KvState } from "../../src/store/index.ts";
import { Applier } from "../../src/replica/writes/applier.ts";
import type { Batch } from "../../src/replica/writes/proposals.ts";
import type { Route } from "../../src/replica/requests/route.ts";
import { RouteLoad } from "../../src/replica/requests/route-load.ts";
import { AnswerWriter } from "../../src/protocol/client/client.ts";
import { groupBytes, open, run } from "../store/helpers.ts";

const CLIENTS = 20;

test("values of failed cas are bounded for all clients together; the next turn is another one", () => {
  const state = new KvState();
  const sessions = Array.from({ length: CLIENTS }, (_, n) => open(state, n + 1));
  const large = "v".repeat(VALUE_BYTES_MAX - 100);
  run(state, sessions[0]!, 1, { op: "write", key: "big", value: large });
  const routes = sessions.map((_, id): Route => ({
    ...{ id, relayed: false, answers: new AnswerWriter(), load: new RouteLoad() },
    ...{ isOpen: () => true, deliver: () => {} },
  }));
  const applier = new Applier(
    1,
    7,
    state,
    () => {},
    () => "",
  );
  const fail = (sequence: number): number => {
    const groups = sessions.map((session) =>
      groupBytes({
        ...{ session, floor: sequence },
        commands: [[sequence, { op: "casAbsent", key: "big", value: "" }]],
      }),
    );
    const entry = buildEntry({ node: 1, nonce: 7, batch: sequence }, groups);
    const before = routes.reduce((sum, { answers }) => sum + answers.bytes, 0);
    const batch = { groups: routes.map((route) => ({ route })) } as unknown as Batch<Route>;
    applier.apply(entry, batch, false);
    return routes.reduce((sum, { answers }) => sum + answers.bytes, 0) - before;
  };
  expect(fail(2)).toBeGreaterThan(4 * large.length - 1000);
  expect(fail(3)).toBeLessThan(CLIENTS * 100);
  for (const { answers } of routes) answers.drain(1, () => {});
  applier.beginTurn();
  const next = fail(4);
  expect(next).toBeGreaterThan(large.length);
  expect(next).toBeLessThan(6 * large.length);
});
