/** What is handed to clients of what they are owed, in one turn. */
import { expect, test } from "vitest";
import { VALUE_BYTES_MAX } from "../../src/base/limits.ts";
import {
  buildEntry,
  encodeNumbers,
  encodeTxn,
  GroupWriter,
  KvState,
  STATUS,
} from "../../src/store/index.ts";
import { Applier } from "../../src/replica/writes/applier.ts";
import type { Batch } from "../../src/replica/writes/proposals.ts";
import type { Route } from "../../src/replica/requests/route.ts";
import { RouteLoad } from "../../src/replica/requests/route-load.ts";
import { AnswerWriter, decodeAnswers } from "../../src/protocol/client/client.ts";
import { bytes, groupBytes, key, open, run, type Command } from "../store/helpers.ts";

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

/** By sequence number. */
function answersIn(answers: AnswerWriter): Map<number, { status: number; bytes: number | null }> {
  const told = new Map<number, { status: number; bytes: number | null }>();
  const ignore = (): void => {};
  answers.drain(1, (frame) =>
    decodeAnswers(frame, {
      ...{ appliedIdx: ignore, opened: ignore, value: ignore, missing: ignore, unread: ignore },
      refused: ignore,
      write: (_session, sequence, status, _revision, actual) =>
        told.set(sequence, { status, bytes: actual?.length ?? null }),
      txn: (_session, sequence, succeeded, _revision, results) =>
        told.set(sequence, {
          status: succeeded ? STATUS.txnThen : STATUS.txnElse,
          bytes: results?.length ?? null,
        }),
    }),
  );
  return told;
}

test("failed cas of one client take no results of transactions and no answers about leases from others", () => {
  const state = new KvState();
  const [greedy, other] = [open(state, 1), open(state, 2)] as const;
  const large = "v".repeat(VALUE_BYTES_MAX - 100);
  run(state, greedy, 1, { op: "write", key: "big", value: large });
  const { revision: lease } = run(state, other, 1, { op: "leaseGrant", ttl: 5000, lease: 0 });
  run(state, other, 2, { op: "write", key: "own", value: "w".repeat(1000) });
  const applier = new Applier(
    1,
    7,
    state,
    () => {},
    () => "",
  );
  const routes = [1, 2].map((id): Route => ({
    ...{ id, relayed: false, answers: new AnswerWriter(), load: new RouteLoad() },
    ...{ isOpen: () => true, deliver: () => {} },
  }));
  const [first, second] = routes as [Route, Route];
  let batch = 0;
  const apply = (route: Route, group: Uint8Array): void => {
    const entry = buildEntry({ node: 1, nonce: 7, batch: ++batch }, [group]);
    applier.apply(entry, { groups: [{ route }] } as unknown as Batch<Route>, false);
  };
  const remove = (sequence: number, name: string): Uint8Array => {
    const writer = new GroupWriter();
    const op = { op: "delete", where: { key: key(name) }, previous: true } as const;
    writer.add(sequence, {
      kind: "txn",
      txn: encodeTxn({ compare: [], success: [op], failure: [] }),
    });
    return writer.take(other, 3);
  };
  const renew: Command = {
    op: "leaseKeepAlive",
    numbers: Buffer.from(encodeNumbers([lease])).toString(),
  };
  applier.beginTurn();
  for (let sequence = 2; sequence < 10; sequence++) {
    const cas: Command = { op: "casAbsent", key: "big", value: "" };
    apply(first, groupBytes({ session: greedy, floor: sequence, commands: [[sequence, cas]] }));
  }
  apply(second, groupBytes({ session: other, floor: 3, commands: [[3, renew]] }));
  apply(second, remove(4, "own"));
  const told = answersIn(second.answers);
  expect(told.get(3)).toMatchObject({ status: STATUS.renewed, bytes: 2 });
  expect(told.get(4)?.status).toBe(STATUS.txnThen);
  expect(told.get(4)?.bytes).toBeGreaterThan(1000);
});

test("a client's own failed cas do not take its answers about leases, either", () => {
  const answers = new AnswerWriter();
  const large = new Uint8Array(VALUE_BYTES_MAX);
  for (const sequence of [1, 2, 3]) answers.write(5, sequence, STATUS.casFailed, 7, large);
  answers.write(5, 4, STATUS.renewed, 7, bytes("abc"));
  expect([...answersIn(answers)]).toEqual([
    [1, { status: STATUS.casFailed, bytes: large.length }],
    [2, { status: STATUS.casFailedLarge, bytes: null }],
    [3, { status: STATUS.casFailedLarge, bytes: null }],
    [4, { status: STATUS.renewed, bytes: 3 }],
  ]);
});

test("a client that repeats transactions with much in their results is told no more than others leave", () => {
  const answers = new AnswerWriter();
  const found = "v".repeat(VALUE_BYTES_MAX - 1000);
  const state = new KvState();
  const session = open(state, 1);
  run(state, session, 1, { op: "write", key: "big", value: found });
  const writer = new GroupWriter();
  const get = { op: "get", where: { key: key("big") }, limit: 1, keysOnly: false } as const;
  const txn = encodeTxn({ compare: [], success: [{ ...get, countOnly: false }], failure: [] });
  for (let sequence = 2; sequence < 12; sequence++) writer.add(sequence, { kind: "txn", txn });
  const entry = buildEntry({ node: 1, nonce: 7, batch: 1 }, [writer.take(session, 2)]);
  const route: Route = {
    ...{ id: 1, relayed: false, answers, load: new RouteLoad() },
    ...{ isOpen: () => true, deliver: () => {} },
  };
  const applier = new Applier(
    1,
    7,
    state,
    () => {},
    () => "",
  );
  applier.beginTurn();
  applier.apply(entry, { groups: [{ route }] } as unknown as Batch<Route>, false);
  const whole = [...answersIn(answers).values()].filter((told) => (told.bytes ?? 0) > 0);
  expect(whole).toHaveLength(5);
});
