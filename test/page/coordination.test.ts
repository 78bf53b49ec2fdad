import { describe, expect, test } from "vitest";
import { KeyValue } from "../../src/client/terms/range-entry.ts";
import { readCoordination, BOUND_SHOWN, LEASES_SHOWN } from "../../src/page/coordination.ts";

type Client = Parameters<typeof readCoordination>[0];

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** @param held key, value and revision of what lies in the store */
function clientOf(
  leases: readonly { id: number; ttl: number; remaining: number; keys?: readonly string[] }[],
  held: readonly (readonly [key: string, value: string, revision: number])[] = [],
): Client {
  return {
    leases: {
      list: async () => leases,
      timeToLive: async (id: number) => {
        const lease = leases.find((each) => each.id === id);
        return lease?.keys === undefined ? null : { ...lease, keys: lease.keys.map(bytes) };
      },
    },
    async *range({ prefix }: { prefix: string }) {
      for (const [key, value, revision] of held) {
        if (key.startsWith(prefix))
          yield new KeyValue(bytes(key), bytes(value), revision, revision, 1);
      }
    },
  } as unknown as Client;
}

const now = (): number => 1000;

describe("leases and locks on the page", () => {
  test("the leases that end soonest come first, with their ends on the page's clock and their keys", async () => {
    const client = clientOf([
      { id: 1, ttl: 10_000, remaining: 9000, keys: ["a"] },
      { id: 2, ttl: 5000, remaining: 100, keys: [] },
    ]);
    expect(await readCoordination(client, {}, now)).toEqual({
      leaseCount: 2,
      plainCount: 2,
      leases: [
        { id: 2, ttlMs: 5000, endsMs: 1100, keys: [], moreKeys: 0 },
        { id: 1, ttlMs: 10_000, endsMs: 10_000, keys: ["a"], moreKeys: 0 },
      ],
      locks: [],
      moreLocks: false,
    });
  });

  test("no more are shown than somebody can look at, and one that has ended meanwhile is left out", async () => {
    const keys = Array.from({ length: 40 }, (_, i) => `k${i}`);
    const many = Array.from({ length: 1000 }, (_, i) => ({
      id: i + 1,
      ttl: 5000,
      remaining: i,
      ...(i === 0 ? {} : { keys }),
    }));
    const { leaseCount, leases } = await readCoordination(clientOf(many), {}, now);
    expect(leaseCount).toBe(1000);
    expect(leases).toHaveLength(LEASES_SHOWN - 1);
    expect(leases[0]).toMatchObject({ id: 2, moreKeys: 40 - BOUND_SHOWN });
    expect(leases[0]?.keys).toHaveLength(BOUND_SHOWN);
  });

  test("a lock has its holders and its waiting line in the order in which they came, an election too", async () => {
    const client = clientOf(
      [{ id: 7, ttl: 5000, remaining: 4000, keys: [] }],
      [
        ["omnikv/locks/a%2Fb/held/s/7-1", "ann", 11],
        ["omnikv/locks/a%2Fb/wait/s/3", "third", 30],
        ["omnikv/locks/a%2Fb/wait/x/9-2", "second", 20],
        ["omnikv/locks/of somebody else", "", 2],
        ["omnikv/elections/boss/held/x/8", "10.0.0.1", 40],
      ],
    );
    const { locks, ...told } = await readCoordination(client, {}, now);
    // What is left of it stands with the lock.
    expect(told).toMatchObject({ leaseCount: 1, plainCount: 0, leases: [] });
    expect(locks).toEqual([
      {
        kind: "lock",
        name: "a/b",
        held: [{ owner: "ann", mode: "shared", revision: 11, endsMs: 5000 }],
        waiting: [
          { owner: "second", mode: "exclusive", revision: 20, endsMs: null },
          { owner: "third", mode: "shared", revision: 30, endsMs: null },
        ],
      },
      {
        kind: "election",
        name: "boss",
        held: [{ owner: "10.0.0.1", mode: "exclusive", revision: 40, endsMs: null }],
        waiting: [],
      },
    ]);
  });
});
