/** The name of a log: fixed by its first session, the same for whoever has applied it, another for every other log. */
import { expect, test } from "vitest";
import { KvState, NO_ORIGIN, NO_SESSION, SnapshotDecoder } from "../../src/store/index.ts";
import {
  applyTo,
  firstVersionEntryOf,
  open,
  run,
  snapshotBytes,
  type TestGroup,
} from "./helpers.ts";

const opening = (nonce: number): TestGroup => ({
  ...{ session: NO_SESSION, floor: 0 },
  commands: [[0, { op: "openSession", nonce }]],
});
const nothing: TestGroup = { session: NO_SESSION, floor: 0, commands: [[0, { op: "noop" }]] };

function restored(state: KvState): KvState {
  const decoder = new SnapshotDecoder();
  decoder.push(snapshotBytes(state.clone()));
  while (decoder.step(Infinity));
  return decoder.finish();
}

test("a log has no origin until a session is opened, and the same one ever after", () => {
  const state = new KvState();
  applyTo(state, nothing);
  expect(state.origin).toBe(NO_ORIGIN);
  const session = open(state, 1);
  const { origin } = state;
  expect(Number.isSafeInteger(origin) && origin > 0).toBe(true);
  open(state, 2);
  run(state, session, 1, { op: "write", key: "a", value: "1" });
  run(state, session, 2, { op: "closeSession" });
  expect(state.origin).toBe(origin);
});

test("two logs have two origins: other nonces, or another place in the log", () => {
  const origins = [1, 2, 3].map((nonce) => {
    const state = new KvState();
    open(state, nonce);
    return state.origin;
  });
  const later = new KvState();
  applyTo(later, nothing);
  open(later, 1);
  expect(new Set([...origins, later.origin]).size).toBe(4);
});

test("the origin is in the snapshot, and in the hash", () => {
  const state = new KvState();
  expect(restored(state).origin).toBe(NO_ORIGIN);
  open(state, 1);
  const copy = restored(state);
  expect(copy.origin).toBe(state.origin);
  expect(copy.hash()).toBe(state.hash());
  open(copy, 2);
  open(state, 2);
  expect([copy.origin, copy.hash()]).toEqual([state.origin, state.hash()]);
});

test("an old log gets its origin from the first session opened after the upgrade, on whatever the node has it", () => {
  const states = [new KvState(), new KvState()];
  for (const state of states) {
    state.apply(firstVersionEntryOf(opening(1)), 0);
    expect(state.origin).toBe(NO_ORIGIN);
  }
  const [log, other] = states as [KvState, KvState];
  const snapshot = restored(other);
  open(log, 5);
  open(snapshot, 5);
  expect(log.origin).not.toBe(NO_ORIGIN);
  expect([snapshot.origin, snapshot.hash()]).toEqual([log.origin, log.hash()]);
});
