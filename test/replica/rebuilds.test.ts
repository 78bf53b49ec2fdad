/** Clients may put a few bytes behind long values only as fast as nodes can make such values. */
import { describe, expect, test } from "vitest";
import { KvState, STATUS } from "../../src/store/index.ts";
import { RouteLoad } from "../../src/replica/requests/route-load.ts";
import { Rebuilds } from "../../src/replica/writes/rebuilds.ts";
import { groupBytes, key, open, run, type Command } from "../store/helpers.ts";

const LONG = 1024 * 1024 - 100_000;
/** So many values of that length are taken at once of one client. */
const AT_ONCE = 1;
const client = { id: 1, load: new RouteLoad() };

function withLongValue(): { readonly state: KvState; readonly session: number } {
  const state = new KvState();
  const session = open(state, 1);
  const value = "v".repeat(LONG);
  expect(run(state, session, 1, { op: "write", key: "long", value }).status).toBe(STATUS.ok);
  return { state, session };
}

function groupOf(session: number, count: number, command: Command): Uint8Array {
  const commands = Array.from({ length: count }, (_, i) => [i + 10, command] as const);
  return groupBytes({ session, floor: 2, commands });
}

const append = (key: string): Command => ({ op: "append", key, value: "x" });

describe("rebuilds", () => {
  test("some are taken at once, and more as time goes on; the rest is taken out of the group", () => {
    const { state, session } = withLongValue();
    const rebuilds = new Rebuilds(() => state);
    const split = rebuilds.split(client, groupOf(session, 1000, append("long")), 0);
    expect(split).toMatchObject({ session, commands: AT_ONCE });
    expect(split?.taken).toEqual([{ first: 10 + AT_ONCE, count: 1000 - AT_ONCE }]);
    expect(rebuilds.split(client, groupOf(session, 1, append("long")), 0)).toMatchObject({
      group: null,
    });
    expect(rebuilds.split(client, groupOf(session, 1, append("long")), 15)).toBeNull();
    expect(rebuilds.split(client, groupOf(session, 100, append("long")), 10_000)).toMatchObject({
      commands: AT_ONCE,
    });
  });

  test("who puts much behind long values leaves room for others", () => {
    const { state, session } = withLongValue();
    const rebuilds = new Rebuilds(() => state);
    rebuilds.split(client, groupOf(session, 1000, append("long")), 0);
    const other = { id: 2, load: new RouteLoad() };
    expect(rebuilds.split(other, groupOf(session, 1, append("long")), 0)).toBeNull();
  });

  test("a cas whose answer would be a long value counts, unless it brings as many bytes itself", () => {
    const { state, session } = withLongValue();
    const conditions: readonly Command[] = [
      { op: "casAbsent", key: "long", value: "x" },
      { op: "casRevision", key: "long", revision: 7, value: "x" },
      { op: "casValue", key: "long", expected: "y", value: "x" },
    ];
    for (const cas of conditions) {
      const rebuilds = new Rebuilds(() => state);
      // Groups of one command each are no way around it.
      const taken = Array.from({ length: 500 }, () =>
        rebuilds.split(client, groupOf(session, 1, cas), 0),
      ).filter((split) => split === null);
      expect(taken).toHaveLength(AT_ONCE);
      expect(rebuilds.split(client, groupOf(session, 100, cas), 10_000)).toMatchObject({
        commands: AT_ONCE,
      });
      const short = { ...cas, key: "short" };
      expect(rebuilds.split(client, groupOf(session, 1000, short), 10_000)).toBeNull();
    }
    const rebuilds = new Rebuilds(() => state);
    const value = "v".repeat(LONG - 1000);
    const equal: Command = { op: "casRevision", key: "long", revision: 1, value };
    for (let i = 0; i < 20; i++) {
      expect(rebuilds.split(client, groupOf(session, 1, equal), 0)).toBeNull();
    }
  });

  test("short values and other operations cost nothing", () => {
    const { state, session } = withLongValue();
    const rebuilds = new Rebuilds(() => state);
    rebuilds.split(client, groupOf(session, 1000, append("long")), 0);
    expect(rebuilds.split(client, groupOf(session, 1000, append("short")), 0)).toBeNull();
    const write: Command = { op: "write", key: "long", value: "x" };
    expect(rebuilds.split(client, groupOf(session, 1000, write), 0)).toBeNull();
  });

  test("a value counts as long as it will be, when its write is in the same group or on its way", () => {
    const { state, session } = withLongValue();
    const write: Command = { op: "write", key: "new", value: "v".repeat(LONG) };
    const appends = Array.from({ length: 100 }, (_, i) => [i + 11, append("new")] as const);
    const remove = [200, { op: "delete", key: "new" } as const] as const;
    const group = groupBytes({ session, floor: 2, commands: [[10, write], ...appends, remove] });
    const together = new Rebuilds(() => state).split(client, group, 0);
    expect(together?.taken).toEqual([{ first: 11 + AT_ONCE, count: 100 - AT_ONCE }]);

    const apart = new Rebuilds(() => state);
    expect(
      apart.split(client, groupBytes({ session, floor: 2, commands: [[10, write]] }), 0),
    ).toBeNull();
    expect(apart.split(client, groupOf(session, 100, append("new")), 1)).toMatchObject({
      commands: AT_ONCE,
    });
    // Appends make it as long, too.
    const grown = new Rebuilds(() => state);
    const part: Command = { op: "append", key: "other", value: "v".repeat(100_000) };
    expect(grown.split(client, groupOf(session, 2, part), 0)).toBeNull();
    const behind = grown.split(client, groupOf(session, 100, append("other")), 1);
    expect(behind?.commands).toBeLessThan(6);
    // Long after it the state would know, if it had come.
    expect(grown.split(client, groupOf(session, 100, append("other")), 5000)).toBeNull();
  });

  test("leases are renewed, and revoked with their keys, only as fast as nodes can", () => {
    const { state, session } = withLongValue();
    const rebuilds = new Rebuilds(() => state);
    const renew: Command = { op: "leaseKeepAlive", numbers: "\u0001".repeat(1024) };
    const split = rebuilds.split(client, groupOf(session, 100, renew), 0);
    expect(split).toMatchObject({ session, commands: 16 });
    expect(rebuilds.split(client, groupOf(session, 2, renew), 9)).toBeNull();
    const { revision: lease } = run(state, session, 2, { op: "leaseGrant", ttl: 1000, lease: 0 });
    const revoke: Command = { op: "leaseRevoke", lease };
    expect(rebuilds.split(client, groupOf(session, 100, revoke), 1000)).toBeNull();
    for (let i = 0; i < 1000; i++) state.leases.bind(lease, key(`k${i}`), 0);
    expect(rebuilds.split(client, groupOf(session, 100, revoke), 10_000)).toMatchObject({
      commands: 4,
    });
  });
});
