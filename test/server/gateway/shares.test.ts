/** What one connection may have of a turn and of the memory, without sockets. */
import { describe, expect, test } from "vitest";
import * as fc from "fast-check";
import { BufferBudget, type BufferHolder } from "../../../src/server/gateway/buffer-budget.ts";
import {
  ClientConnection,
  type ClientGate,
} from "../../../src/server/gateway/client-connection.ts";
import { CommandCursor, EMPTY_ACCESS, GroupWriter, piecesOf } from "../../../src/store/index.ts";
import { validateGroup } from "../../../src/store/entries/group-check.ts";
import type { Connection } from "../../../src/machine/ports/network.ts";
import { Identity } from "../../../src/server/gateway/identity.ts";
import { SignIn } from "../../../src/server/gateway/sign-in.ts";
import type { Replica } from "../../../src/replica/replica.ts";
import {
  decodeClientFrame,
  forEachRead,
  ReadsWriter,
  takeWritesFrame,
  watchesFrame,
  type WatchRequest,
} from "../../../src/protocol/client/client.ts";

const MIB = 1024 * 1024;

class Holder implements BufferHolder {
  bytes: number;
  reason: string | null = null;
  constructor(bytes: number) {
    this.bytes = bytes;
  }
  heldBytes(): number {
    return this.bytes;
  }
  giveUp(reason: string): void {
    this.bytes = 0;
    this.reason = reason;
  }
}

describe("the memory of all connections", () => {
  test("is bounded: those who hold most go first, and no more of them than it takes", () => {
    const budget = new BufferBudget(100);
    const holders = [30, 50, 10, 40].map((bytes) => new Holder(bytes));
    for (const holder of holders) budget.add(holder);
    budget.audit();
    expect(holders.map(({ bytes }) => bytes)).toEqual([30, 0, 10, 40]);
    expect(holders[1]!.reason).toBe("50 bytes are held for it, too many with those of all others");
  });

  test("is looked at when somebody says that it has grown, with what has left since then taken off", () => {
    const budget = new BufferBudget(100);
    const holders = Array.from({ length: 20 }, () => new Holder(0));
    for (const holder of holders) budget.add(holder);
    for (const holder of holders) {
      holder.bytes = 60;
      budget.changed(holder, 60);
      holder.bytes = 0;
    }
    expect(holders.every(({ reason }) => reason === null)).toBe(true);
    holders[3]!.bytes = 70;
    budget.changed(holders[3]!, 70);
    holders[4]!.bytes = 60;
    budget.changed(holders[4]!, 60);
    expect(holders.map(({ reason }) => reason !== null).indexOf(true)).toBe(3);
    expect(holders[4]!.bytes).toBe(60);
  });
});

class FakeConnection implements Connection {
  readonly remote = "there";
  paused = false;
  buffered = 0;
  ended: string | null = null;
  send(frame: Uint8Array): void {
    this.buffered += frame.length;
  }
  bufferedBytes(): number {
    return this.buffered;
  }
  security(): null {
    return null;
  }
  unfinishedBytes(): number {
    return 0;
  }
  admit(): void {}
  estrange(): void {}
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
  }
  close(reason: string): void {
    this.ended = reason;
  }
  destroy(): void {
    this.ended = "destroyed";
  }
}

interface FakeGate extends ClientGate {
  turn: number;
  clockMs: number;
  others: boolean;
}

function world() {
  const taken: number[] = [];
  const gate: FakeGate = {
    turn: 1,
    unreadBytesMax: 64 * MIB,
    ...{ nowMs: () => gate.clockMs, othersAtWork: () => gate.others, worked: () => {} },
    ...{ clockMs: 0, others: false },
    ...{ wake: () => {}, queued: () => {}, held: () => {}, ended: () => {}, misbehaved: () => {} },
    signIn: new SignIn({
      passwords: null,
      access: () => EMPTY_ACCESS,
      tokenKey: { make: () => {} },
      nowMs: () => 0,
    }),
    audit: null,
    replica: {
      ...{ answersFull: false, refusesWrites: false, newRouteId: () => 1, onRouteClosed: () => {} },
      onWrites: (route: ClientConnection, group: Uint8Array, count: number) => {
        taken.push(count);
        route.load.commands += count;
        route.load.bytes += group.length;
      },
      onReads: (_route: ClientConnection, _frame: Uint8Array, { count }: { count: number }) =>
        taken.push(count),
    } as unknown as Replica,
  };
  const connection = new FakeConnection();
  const client = new ClientConnection(gate, connection, new Identity(connection, "none"));
  const turn = (): number => {
    gate.turn += 1;
    const before = taken.length;
    client.serve();
    return taken.slice(before).reduce((sum, count) => sum + count, 0);
  };
  return { gate, connection, client, taken, turn };
}

function writes(count: number, valueBytes = 0): Uint8Array {
  const writer = new GroupWriter();
  const value = new Uint8Array(valueBytes);
  for (let i = 0; i < count; i++)
    writer.add(i + 1, { kind: "write", key: Buffer.from(`k${i}`), value });
  return takeWritesFrame(writer, 7, 1);
}

function reads(count: number): Uint8Array {
  const writer = new ReadsWriter();
  for (let i = 0; i < count; i++) writer.read(i + 1, Buffer.from("key"));
  return writer.take(true, 0);
}

describe("a connection's share of a turn", () => {
  test("is no less than what an honest client asks for at once", () => {
    const { client, taken, connection } = world();
    client.onFrame(reads(256));
    client.onFrame(writes(256));
    expect(taken).toEqual([256, 256]);
    expect(connection.paused).toBe(false);
  });

  test("is some thousand reads; what comes beyond it waits, unread, for the next turns", () => {
    const { client, taken, turn, connection } = world();
    for (let i = 0; i < 5; i++) client.onFrame(reads(500));
    expect(taken).toEqual([500, 500]);
    expect(connection.paused).toBe(true);
    expect([turn(), turn()]).toEqual([1000, 500]);
    expect(connection.paused).toBe(false);
  });

  test("a frame that is more than a turn's share is taken off the next ones", () => {
    const { client, turn } = world();
    client.onFrame(reads(4096));
    client.onFrame(reads(1));
    expect([turn(), turn(), turn(), turn(), turn()]).toEqual([0, 0, 0, 1, 0]);
  });

  test("large frames of writes are taken piece by piece, and wait while enough is under way", () => {
    const { client, taken, turn } = world();
    client.onFrame(writes(4096));
    expect(taken).toEqual([256]);
    expect([turn(), turn()]).toEqual([768, 0]);
    client.load.commands = 0;
    expect(turn()).toBe(1024);
  });

  test("large frames of reads are taken piece by piece, all of them with what stands before the first", () => {
    const { client, turn, connection, gate } = world();
    const frames: Uint8Array[] = [];
    Object.assign(gate.replica, {
      onReads: (...[, frame]: Parameters<Replica["onReads"]>) => void frames.push(frame),
    });
    const writer = new ReadsWriter();
    const keys = Array.from({ length: 1024 }, () => Buffer.from("k"));
    for (let i = 0; i < 1000; i++) writer.keys(i, keys);
    const whole = writer.take(true, 7, true, 300);
    client.onFrame(whole);
    expect(frames.length).toBe(1);
    expect(connection.paused).toBe(true);
    for (let i = 0; i < 10; i++) turn();
    const seen: number[] = [];
    for (const frame of frames) {
      expect(frame.length).toBeLessThan(256 * 1024 + 4096);
      expect(decodeClientFrame(frame)).toMatchObject({ local: true, minIdx: 7, atLeast: 300 });
      forEachRead(frame, (request) => void seen.push(request));
    }
    expect(seen).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    expect(connection.paused).toBe(false);
    // What is wrong with a piece ends the connection, and the rest is dropped.
    client.onFrame(Buffer.concat([whole, Buffer.from([1])]));
    for (let i = 0; i < 20; i++) turn();
    expect(connection.ended).toContain("the end of the frame");
  });

  describe("of requests for watches", () => {
    const EVERYTHING = { start: new Uint8Array(0), end: null, from: null };
    const wish = { ...EVERYTHING, previous: false, puts: true, deletes: true, notices: false };
    const create = (count: number): Uint8Array =>
      watchesFrame(
        Array.from({ length: count }, (_, i) => ({ kind: "create", watch: 1 + i, wish })),
      );

    function watching(wrongAt = Infinity) {
      const it = world();
      const asked: number[] = [];
      const onWatches = (_: ClientConnection, requests: readonly WatchRequest[]): string | null => {
        asked.push(...requests.map(({ watch }) => watch));
        return asked.length > wrongAt ? "wrong" : null;
      };
      Object.assign(it.gate.replica, { onWatches });
      const turns = (count: number): number[] =>
        Array.from({ length: count }, () => {
          const before = asked.length;
          it.turn();
          return asked.length - before;
        });
      return { ...it, asked, turns };
    }

    test("is some hundred; a large frame is taken piece by piece, in order, before what comes after it", () => {
      const { client, asked, taken, turns, connection } = watching();
      client.onFrame(create(4096));
      expect(asked.length).toBe(256);
      expect(connection.paused).toBe(true);
      client.onFrame(reads(1));
      const each = turns(20);
      expect(Math.max(...each)).toBeLessThanOrEqual(512);
      expect(asked).toEqual(Array.from({ length: 4096 }, (_, i) => 1 + i));
      expect([taken, connection.paused]).toEqual([[1], false]);
    });

    test("is paid for: who begins and ends them without end rests while others are at work", () => {
      const { client, asked, turns, gate } = watching();
      gate.others = true;
      for (let i = 0; i < 10; i++) client.onFrame(create(4096));
      turns(1000);
      expect(asked.length).toBeLessThan(3000);
      const before = asked.length;
      gate.clockMs += 10;
      turns(100);
      expect(asked.length - before).toBeLessThanOrEqual(2048);
    });

    test("a client that begins a thousand at once does not rest", () => {
      const { client, asked, turns, gate } = watching();
      gate.others = true;
      client.onFrame(create(1000));
      turns(3);
      expect([asked.length, client.isResting()]).toEqual([1000, false]);
    });

    test("the rest of a frame with something wrong in it is dropped", () => {
      const { client, asked, turns, connection } = watching(300);
      client.onFrame(create(4096));
      turns(20);
      expect([asked.length, connection.ended]).toEqual([512, "malformed frame: wrong"]);
    });
  });

  test("bytes count too", () => {
    const { client, taken } = world();
    for (let i = 0; i < 10; i++) client.onFrame(writes(1, 1024 * 1024));
    expect(taken.length).toBe(1);
  });

  test("bytes of reads under way count like those of writes, and as bytes that are held for it", () => {
    const { client, taken, turn, connection, gate } = world();
    client.load.readBytes = 512 * 1024 - 1;
    client.onFrame(reads(1));
    expect(taken).toEqual([1]);
    client.load.readBytes = 512 * 1024;
    expect(client.heldBytes()).toBe(512 * 1024);
    Object.assign(gate.replica, { refusesWrites: true });
    client.onFrame(reads(1));
    expect([turn(), connection.paused]).toEqual([0, true]);
    expect(client.heldBytes()).toBeGreaterThan(512 * 1024);
    client.load.readBytes = 0;
    expect(turn()).toBe(1);
  });

  test("what is under way holds up nothing while all writes are refused: a full disk may keep it for ever", () => {
    const { client, taken, turn, connection, gate } = world();
    client.onFrame(writes(1, 1024 * 1024));
    client.onFrame(writes(1));
    client.onFrame(reads(1));
    for (let i = 0; i < 10; i++) turn();
    expect(taken).toEqual([1]);
    expect(connection.paused).toBe(true);
    Object.assign(gate.replica, { refusesWrites: true });
    for (let i = 0; i < 10; i++) turn();
    expect(taken).toEqual([1, 1, 1]);
    expect(connection.paused).toBe(false);
  });

  test("has one piece of large values under way while others are at work, and rests for as long as it took", () => {
    const { client, taken, turn, gate } = world();
    gate.others = true;
    for (let i = 0; i < 3; i++) client.onFrame(writes(2, 100 * 1024));
    client.onFrame(reads(1));
    expect(taken).toEqual([2]);
    gate.clockMs = 40;
    expect(turn()).toBe(0);
    Object.assign(client.load, { commands: 0, bytes: 0 });
    expect(turn()).toBe(0);
    gate.clockMs = 79;
    expect(turn()).toBe(0);
    gate.clockMs = 80;
    expect(turn()).toBe(2);
    // The others go: nothing has to rest any more.
    gate.others = false;
    expect(turn()).toBe(3);
  });

  test("small commands beside its large values make a piece no smaller", () => {
    const { client, taken, gate, turn } = world();
    gate.others = true;
    const writer = new GroupWriter();
    writer.add(1, { kind: "write", key: Buffer.from("k"), value: new Uint8Array(200 * 1024) });
    for (let i = 2; i <= 250; i++) writer.add(i, { kind: "delete", key: Buffer.from("k") });
    const frame = takeWritesFrame(writer, 7, 1);
    for (let i = 0; i < 2; i++) client.onFrame(frame.slice());
    expect(taken).toEqual([250]);
    gate.clockMs = 40;
    Object.assign(client.load, { commands: 0, bytes: 0 });
    expect(turn()).toBe(0);
    gate.clockMs = 80;
    expect(turn()).toBe(250);
  });

  test("does not rest for the time in which it had nothing to write", () => {
    const { client, taken, gate } = world();
    gate.others = true;
    client.onFrame(writes(2, 100 * 1024));
    gate.clockMs = 40;
    Object.assign(client.load, { commands: 0, bytes: 0 });
    client.deliver(new Uint8Array(10));
    gate.clockMs = 20_000;
    client.onFrame(reads(1));
    expect(taken).toEqual([2, 1]);
  });

  test("rests for a second at most", () => {
    const { client, taken, gate, turn } = world();
    gate.others = true;
    client.onFrame(writes(2, 100 * 1024));
    gate.clockMs = 6000;
    Object.assign(client.load, { commands: 0, bytes: 0 });
    client.deliver(new Uint8Array(10));
    client.onFrame(reads(1));
    expect(taken).toEqual([2]);
    gate.clockMs = 6999;
    expect(turn()).toBe(0);
    gate.clockMs = 7000;
    expect(turn()).toBe(1);
  });

  test("small values in large frames do not rest: they gather in batches with those of others", () => {
    const { client, taken, gate, turn } = world();
    gate.others = true;
    for (let i = 0; i < 2; i++) client.onFrame(writes(200, 1000));
    turn();
    expect(taken).toEqual([200, 200]);
  });

  test("much was looked at: rests while others are at work until time has paid for it, the rests of its frames too", () => {
    const { client, taken, gate, turn } = world();
    client.load.workBytes = 64 * MIB;
    expect(client.isResting()).toBe(false);
    gate.others = true;
    expect(client.isResting()).toBe(true);
    client.onFrame(reads(1));
    for (let i = 0; i < 100; i++) turn();
    expect([taken, client.canGoOn]).toEqual([[], false]);
    // No more is owed than two megabytes, of which one is had at once.
    gate.clockMs = 15;
    expect([turn(), client.isResting()]).toEqual([0, true]);
    gate.clockMs = 16;
    expect([client.canGoOn, client.isResting()]).toEqual([true, false]);
    for (let i = 0; i < 300; i++) turn();
    expect(taken).toEqual([1]);
    // Each millisecond pays for 64 KiB.
    client.load.workBytes = 128 * 1024;
    expect(client.isResting()).toBe(true);
    gate.clockMs = 18;
    expect(client.isResting()).toBe(false);
  });

  test("what was looked at while others are at work is paid for whole, a quarter of a second at most", () => {
    const { client, gate } = world();
    gate.others = true;
    client.load.workBytes = 5 * MIB;
    gate.clockMs = 1;
    expect(client.isResting()).toBe(true);
    gate.clockMs = 1 + 4 * 16 - 1;
    expect(client.isResting()).toBe(true);
    gate.clockMs = 1 + 4 * 16;
    expect(client.isResting()).toBe(false);
    client.load.workBytes = 1000 * MIB;
    expect(client.isResting()).toBe(true);
    gate.clockMs += 240;
    expect(client.isResting()).toBe(false);
  });

  test("what it takes to note its requests is paid for", () => {
    const { client, gate } = world();
    gate.others = true;
    Object.assign(gate.replica, { state: { access: EMPTY_ACCESS, leases: null } });
    Object.assign(gate, { audit: { record: () => (gate.clockMs += 5) } });
    client.onFrame(reads(4));
    expect(client.isResting()).toBe(true);
  });

  test("some pages now and then are had without a rest", () => {
    const { client, gate } = world();
    gate.others = true;
    for (gate.clockMs = 0; gate.clockMs < 1000; gate.clockMs += 16) {
      client.load.workBytes += MIB;
      expect(client.isResting()).toBe(false);
    }
  });

  test("the rests of its frames of reads wait too while its answers are not read", () => {
    const { client, connection } = world();
    client.deliver(new Uint8Array(5 * MIB));
    expect(client.isResting()).toBe(true);
    connection.buffered = 3 * MIB;
    expect(client.isResting()).toBe(false);
  });

  test("ends where answers are not read", () => {
    const { client, taken, turn, connection } = world();
    client.deliver(new Uint8Array(5 * MIB));
    client.onFrame(reads(1));
    expect(taken).toEqual([]);
    connection.buffered = 0;
    for (let i = 0; i < 50; i++) turn();
    expect(taken).toEqual([1]);
    client.deliver(new Uint8Array(65 * MIB));
    expect(connection.ended).toBe("destroyed");
  });
});

describe("a group taken apart", () => {
  test("is the same commands in the same order", () => {
    const commands = (group: Uint8Array): unknown[] => {
      const cursor = new CommandCursor();
      cursor.resetToGroup(group);
      const list: unknown[] = [];
      while (cursor.next()) {
        const { session, floor, sequence, op } = cursor;
        list.push([session, floor, sequence, op, cursor.key(), op === 1 ? cursor.value() : ""]);
      }
      return list;
    };
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.boolean(), fc.nat(300)), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 10 }),
        fc.integer({ min: 1, max: 1000 }),
        (specs, commandsMax, bytesMax) => {
          const writer = new GroupWriter();
          for (const [i, [isWrite, length]] of specs.entries()) {
            if (isWrite)
              writer.add(i + 1, {
                kind: "write",
                key: Buffer.from(`k${i}`),
                value: new Uint8Array(length),
              });
            else writer.add(i + 1, { kind: "delete", key: Buffer.from(`k${i}`) });
          }
          const group = writer.take(5, 1);
          const pieces = piecesOf(group, commandsMax, bytesMax) ?? [];
          expect(pieces.flatMap((piece) => commands(piece.group))).toEqual(commands(group));
          for (const piece of pieces) {
            expect(validateGroup(piece.group)).toBe(piece.group.length);
            expect(piece.count).toBeLessThanOrEqual(commandsMax);
            expect(piece.count === 1 || piece.group.length <= bytesMax + 16).toBe(true);
          }
        },
      ),
    );
  });

  test("is none when it can be no group, and its pieces are as good or bad as the whole", () => {
    const writer = new GroupWriter();
    for (let i = 1; i <= 20; i++) {
      writer.add(i, { kind: "write", key: Buffer.from(`k${i}`), value: new Uint8Array(9) });
    }
    const group = writer.take(5, 1);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(group.length - 1), fc.nat(255)), { maxLength: 3 }),
        fc.nat(group.length),
        (changes, length) => {
          const bytes = group.slice(0, length);
          for (const [at, byte] of changes) if (at < length) bytes[at] = byte;
          const end = validateGroup(bytes);
          const isRight = typeof end === "number" && end === bytes.length;
          const pieces = piecesOf(bytes, 3, 1000);
          const areRight =
            pieces !== null &&
            pieces.every((each) => validateGroup(each.group) === each.group.length);
          expect(areRight).toBe(isRight);
        },
      ),
      { numRuns: 1000 },
    );
  });
});
