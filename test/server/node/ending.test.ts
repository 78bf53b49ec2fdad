/** How a node ends: once, and nothing of it goes on afterwards. */
import { crc32c } from "@node-rs/crc32";
import { describe, expect, test } from "vitest";
import type { SimDisk } from "../../../src/proof/simulator/sim-disk.ts";
import { Scenario } from "../../proof/simulator/scenario.ts";

/** Names and contents. */
const files = (disk: SimDisk): string[] =>
  [...disk.copy()].map(([path, bytes]) => `${path} ${bytes.length} ${crc32c(bytes)}`);

describe("a node that stops while it writes a snapshot", () => {
  test("leaves no part of it behind, and touches the disk no more", () => {
    const { world } = new Scenario(1, 1, { snapshotEntries: 10 });
    const { disk, node } = world.nodes[0]!;
    const client = world.newProbe(9, 1);
    for (let i = 0; i < 9; i++) {
      let isDone = false;
      const value = "v".repeat(100_000);
      client.submit({ kind: "write", key: `k${i}`, value }, () => (isDone = true));
      expect(world.runUntil(() => isDone, 5000)).toBe(true);
    }
    client.submit({ kind: "write", key: "last", value: "" }, () => {});
    const isWriting = (): boolean => disk.list("snapshots").some((name) => name.endsWith(".part"));
    expect(world.runUntil(isWriting, 5000)).toBe(true);
    // As in a program that goes on: the clock of the node's process does, too.
    let isStopped = false;
    node!.stop(() => (isStopped = true));
    expect(world.runUntil(() => isStopped, 5000)).toBe(true);
    const before = files(disk);
    expect(before.filter((text) => text.includes(".part"))).toEqual([]);
    world.run(3000);
    expect(files(disk)).toEqual(before);
  });
});
