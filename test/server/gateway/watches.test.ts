/** Watches over real sockets on a real node: who does not read costs it nothing, and misses nothing. */
import { afterEach, expect, test } from "vitest";
import { nextOf, WatchNotes } from "../../../src/proof/simulator/watch-notes.ts";
import { isFeedFrame, watchesFrame } from "../../../src/protocol/client/client.ts";
import { until } from "../../conformance/wait.ts";
import { startGateWorld, type Attacker, type GateWorld } from "./world.ts";

const MIB = 1024 * 1024;
const VALUE = "v".repeat(64 * 1024);

let world: GateWorld | null = null;
afterEach(async () => {
  await world?.close();
  world = null;
});

const everything = { start: "", end: null, from: 1, previous: true, puts: true, deletes: true };
const create = (watch: number): Uint8Array =>
  watchesFrame([
    {
      kind: "create",
      watch,
      wish: { ...everything, start: new Uint8Array(0), notices: false },
    },
  ]);

/** Of what has come since it was last called. */
function take(attacker: Attacker, notes: WatchNotes): void {
  for (const frame of attacker.frames.splice(0)) if (isFeedFrame(frame)) notes.frame(frame);
}

test("one that does not read holds a few megabytes, and is told everything once it reads", async () => {
  // It answers no pings meanwhile, which on a busy machine is longer than a node waits for them.
  world = await startGateWorld({}, {}, { pingMissesMax: Infinity });
  const { client, accepted, node } = world;
  const attacker = await world.attack("client");
  const held = accepted.at(-1)!;
  attacker.connection.pause();
  attacker.connection.send(create(1));
  await until(() => node.replica.watches.watches === 1);
  let most = 0;
  // Less than the history keeps, and more than the sockets in between.
  for (let i = 0; i < 200; i++) {
    await client.write(`k${i % 3}`, `${i} ${VALUE}`);
    most = Math.max(most, held.bufferedBytes());
  }
  expect(most).toBeLessThan(3 * MIB);
  await until(() => node.replica.watches.behind === 1);
  const notes = new WatchNotes();
  const record = notes.asked(1, "the one", everything);
  attacker.connection.resume();
  await until(() => {
    take(attacker, notes);
    return (nextOf(record) ?? 0) > 201;
  });
  expect(record.items.map(({ revision }) => revision)).toEqual(
    Array.from({ length: 201 }, (_, i) => i + 1),
  );
  expect(attacker.closed()).toBeNull();
}, 120_000);

test("one that uses a number twice is ended, and its watches are let go of", async () => {
  world = await startGateWorld();
  const attacker = await world.attack("client");
  attacker.connection.send(create(1));
  attacker.connection.send(create(1));
  await until(() => attacker.closed() !== null);
  expect(attacker.closed()).toContain("watch 1 is open already");
  expect(world.node.replica.watches.watches).toBe(0);
});
