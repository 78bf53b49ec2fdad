/** Snapshots as the programs wrote them that have the history in records of its own: without users, and with them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { EMPTY_ACCESS, SnapshotError } from "../../src/store/index.ts";
import { expectHistories, type Histories } from "./expect-histories.ts";
import { fromSnapshot, key, open, run, snapshotBytes } from "./helpers.ts";

interface Recorded {
  readonly fourth: Written;
  readonly fifth: Written;
  readonly revision: number;
  readonly oldest: number;
  readonly historyBytes: number;
  readonly historyHash: number;
  readonly histories: Histories;
}

interface Written {
  /** Base64. */
  readonly snapshot: string;
  readonly hash: string;
}

const recorded = JSON.parse(
  readFileSync(join(import.meta.dirname, "fourth-snapshot.json"), "utf8"),
) as Recorded;
const bytesOf = ({ snapshot }: Written): Uint8Array =>
  new Uint8Array(Buffer.from(snapshot, "base64"));

describe.each([
  [4, recorded.fourth],
  [5, recorded.fifth],
] as const)("version %i", (version, written) => {
  const snapshot = bytesOf(written);

  test("holds the state with all that it was before, and is written alike", () => {
    expect(snapshot[4]).toBe(version);
    const state = fromSnapshot(snapshot);
    const { cells, revision } = state;
    const { oldest, bytes, hash } = cells.history;
    expect({ revision, oldest, hash: state.hash(), bytes, historyHash: hash }).toEqual({
      ...{ revision: recorded.revision, oldest: recorded.oldest, hash: written.hash },
      ...{ bytes: recorded.historyBytes, historyHash: recorded.historyHash },
    });
    expectHistories(state, recorded.histories);
    expect(Buffer.from(snapshotBytes(state.clone())).equals(snapshot)).toBe(true);
  });

  test("is refused when it is not whole", () => {
    for (let length = 5; length < snapshot.length; length++) {
      expect(() => fromSnapshot(snapshot.subarray(0, length))).toThrow(SnapshotError);
    }
    expect(() => fromSnapshot(Buffer.concat([snapshot, Uint8Array.of(0)]))).toThrow(SnapshotError);
  });
});

test("of users the first says nothing and goes on, the second says everything", () => {
  const fourth = fromSnapshot(bytesOf(recorded.fourth));
  expect(fourth.access).toBe(EMPTY_ACCESS);
  run(fourth, open(fourth, 2), 1, { op: "write", key: "a", value: "later" }, 0);
  const { access } = fromSnapshot(bytesOf(recorded.fifth));
  expect(access).toMatchObject({ isOn: true, epoch: 8, tokenKey: "a key of tokens" });
  expect([...access.users.values()]).toEqual([
    { name: "ann", passwordHash: "", generation: 3, roles: ["shop"] },
    { name: "root", passwordHash: "scrypt of root", generation: 1, roles: ["root"] },
  ]);
  expect([...access.roles.values()]).toEqual([
    {
      name: "shop",
      permissions: [
        { kind: "read", start: key("prices"), end: null },
        { kind: "both", start: key("shop/"), end: key("shop0") },
      ],
    },
  ]);
});

test("what is damaged in users and rights is found", () => {
  const whole = bytesOf(recorded.fifth);
  const sections = bytesOf(recorded.fourth).length;
  for (let at = sections; at < whole.length; at++) {
    const damaged = Buffer.from(whole);
    damaged[at] = (damaged[at] ?? 0) ^ 1;
    expect(() => fromSnapshot(damaged)).toThrow(SnapshotError);
  }
});
