/** A node's side of a backup: consistent while writes go on, one at a time, and nothing is kept for who does not read. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { KvError } from "../../../src/base/errors.ts";
import { takeBackup } from "../../../src/client/api/index.ts";
import { Backups } from "../../../src/server/gateway/backups.ts";
import {
  byteStringOfText,
  EMPTY_ACCESS,
  SnapshotDecoder,
  type KvState,
} from "../../../src/store/index.ts";
import { SignIn } from "../../../src/server/gateway/sign-in.ts";
import { nodeClock } from "../../../src/machine/runtime/node-clock.ts";
import { createNodeRandom } from "../../../src/machine/runtime/node-random.ts";
import { silentLogger } from "../../../src/machine/ports/logger.ts";
import { StrangerLog } from "../../../src/machine/ports/stranger-log.ts";
import {
  decodeAdminAnswer,
  encodeAdminRequest,
  type AdminResult,
} from "../../../src/protocol/admin/admin.ts";
import { until } from "../../conformance/wait.ts";
import { startGateWorld, type GateWorld } from "./world.ts";

let world: GateWorld;
beforeEach(async () => {
  world = await startGateWorld();
});
afterEach(() => world.close());

async function decoded(pieces: AsyncIterable<Uint8Array>): Promise<KvState> {
  const decoder = new SnapshotDecoder();
  for await (const piece of pieces) {
    decoder.push(piece);
    while (decoder.step(Infinity));
  }
  return decoder.finish();
}

async function fill(megabytes: number): Promise<void> {
  const value = Buffer.alloc(256 * 1024, "v");
  await Promise.all(
    Array.from({ length: 4 * megabytes }, (_, i) => world.client.write(`large ${i}`, value)),
  );
}

describe("a backup", () => {
  test("is what the node held at one index, whatever is written while it is read", async () => {
    await fill(2);
    const { about, pieces } = await takeBackup(world.admin, 1);
    for (let i = 0; i < 8; i++) await world.client.write(`large ${i}`, "new");
    await world.client.write("later", "value");
    const state = await decoded(pieces);
    expect(state.hash()).toBe(about.stateHash);
    expect(state.size).toBe(9);
    expect(about).toMatchObject({ keys: 9, nodeId: 1, clusterId: "gates" });
    expect(state.appliedIdx).toBe(about.appliedIdx);
    expect(state.revision).toBe(about.revision);
    expect(state.read(byteStringOfText("later"))).toBeUndefined();
    expect(state.read(byteStringOfText("large 0"))?.value.length).toBe(256 * 1024);
  });

  test("is one at a time, and its place is free when its connection ends", async () => {
    const attacker = await world.attack("admin");
    attacker.connection.send(encodeAdminRequest(1, "beginBackup", {}));
    await until(() => attacker.frames.length === 1);
    await expect(takeBackup(world.admin, 1)).rejects.toMatchObject({ code: "OVERLOADED" });
    attacker.connection.destroy();
    await until(() => world.lines.some((line) => line.includes("its connection ended")));
    const { pieces } = await takeBackup(world.admin, 1);
    expect((await decoded(pieces)).size).toBe(1);
    // And when it was read to its end.
    expect((await decoded((await takeBackup(world.admin, 1)).pieces)).size).toBe(1);
  });

  test("is nobody else's, and its pieces come once and in order", async () => {
    await fill(1);
    const { about } = await takeBackup(world.admin, 1);
    const { backup } = about;
    const other = await world.attack("admin");
    other.connection.send(encodeAdminRequest(1, "readBackup", { backup, piece: 0 }));
    await until(() => other.frames.length === 1);
    const answer = decodeAdminAnswer(other.frames[0] ?? new Uint8Array());
    expect(answer).toMatchObject({ ok: false, error: { code: "BAD_REQUEST" } });
    const ask = (piece: number): Promise<AdminResult<"readBackup">> =>
      world.admin.call(1, "readBackup", { backup, piece });
    await expect(ask(1)).rejects.toMatchObject({ code: "BAD_REQUEST" });
    await ask(0);
    await expect(ask(0)).rejects.toMatchObject({ code: "BAD_REQUEST" });
    expect((await ask(1)).last).toBe(false);
  });

  test("waits for a reader that does not read, in a few hundred kilobytes", async () => {
    await fill(32);
    const reader = await world.attack("admin");
    const served = world.accepted.at(-1);
    reader.connection.send(encodeAdminRequest(1, "beginBackup", {}));
    await until(() => reader.frames.length === 1);
    const begun = decodeAdminAnswer(reader.frames[0] ?? new Uint8Array());
    const { backup } = (begun.ok ? begun.result : {}) as { backup: number };
    reader.connection.pause();
    for (let piece = 0; piece < 200; piece++) {
      reader.connection.send(encodeAdminRequest(2 + piece, "readBackup", { backup, piece }));
    }
    let most = 0;
    for (let i = 0; i < 100; i++) {
      await new Promise((done) => setTimeout(done, 10));
      most = Math.max(most, served?.bufferedBytes() ?? 0);
    }
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThan(512 * 1024);
    // Others are served meanwhile, and it gets the rest when it reads.
    expect((await world.admin.call(1, "status", {})).keys).toBe(129);
    reader.connection.resume();
    await until(() => reader.frames.length === 201);
  });

  test("that nobody asks for any more, or hardly anybody, is given up", async () => {
    await fill(1);
    let nowMs = 0;
    const backups = new Backups<object>({
      options: {
        ...{ nodeId: 1, clusterId: "c", version: "0", secret: null, allowFaults: false },
        ...{ clientConnectionsMax: 1, adminConnectionsMax: 1 },
        ...{ clientBufferBytesMax: 1, bufferBytesMax: 1 },
      },
      machine: {
        clock: { ...nodeClock, now: () => nowMs },
        random: createNodeRandom(),
        logger: silentLogger,
      },
      strangers: new StrangerLog(silentLogger, nodeClock),
      replica: world.node.replica,
      signIn: new SignIn({
        passwords: null,
        access: () => EMPTY_ACCESS,
        tokenKey: { make: () => {} },
        nowMs: () => 0,
      }),
      wake: () => {},
    });
    const owner = {};
    const begin = (): Promise<AdminResult<"beginBackup">> =>
      new Promise((resolve, reject) =>
        backups.begin(owner, (result) =>
          result instanceof KvError ? reject(result) : resolve(result),
        ),
      );
    const about = await begin();
    nowMs = 20_000;
    backups.tick();
    expect(backups.read(owner, about.backup, 0).last).toBe(false);
    nowMs += 15_000;
    backups.tick();
    expect(() => backups.begin({}, () => {})).toThrow(/is being made already/);
    nowMs += 16_000;
    backups.tick();
    expect(() => backups.read(owner, about.backup, 1)).toThrow(
      /given up: nobody asked for its next piece/,
    );
    const slow = await begin();
    for (const piece of [0, 1]) {
      nowMs += 20_000;
      backups.read(owner, slow.backup, piece);
      backups.tick();
    }
    nowMs += 10_000;
    backups.tick();
    expect(() => backups.read(owner, slow.backup, 2)).toThrow(/less than 16 kB a second/);
    backups.begin({}, () => {});
  });
});
