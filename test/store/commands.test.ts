/** Groups and entries: what a client packs is what is checked and what the cursor finds; damage never throws in the check. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InvariantError } from "../../src/base/assert.ts";
import { KvError } from "../../src/base/errors.ts";
import { FRAME_COMMANDS_MAX, KEY_BYTES_MAX, VALUE_BYTES_MAX } from "../../src/base/limits.ts";
import {
  buildEntry,
  CommandCursor,
  GroupWriter,
  KvState,
  NO_SESSION,
  OwnEntries,
  SnapshotDecoder,
  validateEntry,
} from "../../src/store/index.ts";
import { validateGroup } from "../../src/store/entries/group-check.ts";
import { OP } from "../../src/store/operations/index.ts";
import { ByteWriter } from "../../src/base/byte-writer.ts";
import { ENTRY_VERSION_MAX } from "../../src/store/entries/command.ts";
import { bytes, entryOf, groupBytes, key, nonce, type Command, type TestGroup } from "./helpers.ts";

const text = fc.string({ minLength: 1, maxLength: 12, unit: "grapheme" });
const sessionCommand: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ op: fc.constant("write" as const), key: text, value: fc.string() }),
  fc.record({ op: fc.constant("delete" as const), key: text }),
  fc.record({
    op: fc.constant("casValue" as const),
    key: text,
    expected: fc.string(),
    value: fc.string(),
  }),
  fc.record({ op: fc.constant("casAbsent" as const), key: text, value: fc.string() }),
  fc.record({
    op: fc.constant("casRevision" as const),
    key: text,
    revision: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    value: fc.string(),
  }),
  fc.constant({ op: "closeSession" } as const),
  fc.constant({ op: "noop" } as const),
);
const freeCommand: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ op: fc.constant("openSession" as const), nonce: fc.nat() }),
  fc.constant({ op: "noop" } as const),
);
const numbered = (command: fc.Arbitrary<Command>) =>
  fc.array(fc.tuple(fc.maxSafeNat(), command), { minLength: 1, maxLength: 6 });
const group: fc.Arbitrary<TestGroup> = fc.oneof(
  fc.record({
    session: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    floor: fc.maxSafeNat(),
    commands: numbered(sessionCommand),
  }),
  fc.record({
    session: fc.constant(NO_SESSION),
    floor: fc.constant(0),
    commands: numbered(freeCommand),
  }),
);

/** The command at the cursor, as it was packed. */
function commandAt(cursor: CommandCursor): Command {
  const asText = (content: string): string => Buffer.from(content, "latin1").toString("utf8");
  const keyText = asText(cursor.key());
  switch (cursor.op) {
    case OP.write:
      return { op: "write", key: keyText, value: asText(cursor.value()) };
    case OP.delete:
      return { op: "delete", key: keyText };
    case OP.casValue: {
      expect(cursor.expectedLength).toBe(cursor.expectedValue().length);
      const expected = asText(cursor.expectedValue());
      return { op: "casValue", key: keyText, expected, value: asText(cursor.value()) };
    }
    case OP.casAbsent:
      return { op: "casAbsent", key: keyText, value: asText(cursor.value()) };
    case OP.casRevision: {
      const revision = cursor.expectedRevision;
      return { op: "casRevision", key: keyText, revision, value: asText(cursor.value()) };
    }
    case OP.openSession:
      return { op: "openSession", nonce: Buffer.from(cursor.nonce(), "latin1").readUInt32BE(12) };
    case OP.closeSession:
      return { op: "closeSession" };
    default:
      return { op: "noop" };
  }
}

describe("groups", () => {
  test("the cursor finds what was packed, group by group", () => {
    fc.assert(
      fc.property(fc.array(group, { maxLength: 4 }), (groups) => {
        const entry = entryOf(...groups);
        expect(validateEntry(entry)).toBeNull();
        const found: unknown[] = [];
        const cursor = new CommandCursor();
        cursor.reset(entry);
        while (cursor.next()) {
          const { groupIndex, session, floor, sequence } = cursor;
          found.push([groupIndex, session, floor, sequence, commandAt(cursor)]);
        }
        const packed = groups.flatMap(({ session, floor, commands }, i) =>
          commands.map(([sequence, command]) => [i, session, floor, sequence, command]),
        );
        expect(found).toEqual(packed);
      }),
    );
  });

  test("a command without a value has one of length 0, whatever came before it", () => {
    const entry = entryOf({
      session: 7,
      floor: 0,
      commands: [
        [1, { op: "write", key: "a", value: "long" }],
        [2, { op: "delete", key: "a" }],
        [3, { op: "noop" }],
      ],
    });
    const cursor = new CommandCursor();
    cursor.reset(entry);
    const lengths: number[] = [];
    while (cursor.next()) lengths.push(cursor.valueLength);
    expect(lengths).toEqual([4, 0, 0]);
  });

  test("the check tells where a group ends, also within more bytes", () => {
    fc.assert(
      fc.property(group, fc.uint8Array(), fc.uint8Array(), (group, before, after) => {
        const packed = groupBytes(group);
        const all = Uint8Array.from([...before, ...packed, ...after]);
        expect(validateGroup(all, before.length)).toBe(before.length + packed.length);
      }),
    );
  });

  test("a truncated group is a bad request", () => {
    fc.assert(
      fc.property(group, fc.nat(), (group, cut) => {
        const packed = groupBytes(group);
        const result = validateGroup(packed.subarray(0, cut % packed.length));
        expect(result).toBeInstanceOf(KvError);
        expect(result).toMatchObject({ code: "BAD_REQUEST", definite: true });
      }),
    );
  });

  test("whatever the bytes, the check neither throws nor passes what apply would choke on", () => {
    const mutated = fc
      .tuple(group, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }))
      .map(([group, changes]) => {
        const packed = groupBytes(group);
        for (const [at, byte] of changes) packed[at % packed.length] = byte;
        return packed;
      });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }), mutated), (content) => {
        const end = validateGroup(content);
        if (typeof end !== "number") return;
        expect(end).toBeGreaterThan(0);
        expect(end).toBeLessThanOrEqual(content.length);
        const origin = { node: 1, nonce: 1, batch: 1 };
        new KvState().apply(buildEntry(origin, [content.subarray(0, end)]), 0);
      }),
      { numRuns: 2000 },
    );
  });

  test("limits are refused with their own errors, by the writer and by the check", () => {
    const writer = new GroupWriter();
    const large = new Uint8Array(KEY_BYTES_MAX + 1);
    const huge = new Uint8Array(VALUE_BYTES_MAX + 1);
    const code = (code: string): unknown => expect.objectContaining({ code, definite: true });
    expect(() => writer.add(1, { kind: "write", key: large, value: bytes("v") })).toThrow(
      code("KEY_TOO_LARGE"),
    );
    expect(() => writer.add(1, { kind: "write", key: bytes("k"), value: huge })).toThrow(
      code("VALUE_TOO_LARGE"),
    );
    expect(() => writer.add(1, { kind: "delete", key: new Uint8Array(0) })).toThrow(
      code("BAD_REQUEST"),
    );
    expect(() =>
      writer.add(1, { kind: "casRevision", key: bytes("k"), revision: 0, value: bytes("v") }),
    ).toThrow(code("BAD_REQUEST"));
    expect(writer.count).toBe(0);

    const record = (op: number, ...fields: Uint8Array[]): Uint8Array => {
      const raw = new ByteWriter();
      for (const field of [5, 0, 1, 1]) raw.varint(field);
      raw.u8(op);
      for (const field of fields) raw.sized(field);
      return raw.copy();
    };
    expect(validateGroup(record(OP.write, large, bytes("v")))).toEqual(code("KEY_TOO_LARGE"));
    expect(validateGroup(record(OP.write, bytes("k"), huge))).toEqual(code("VALUE_TOO_LARGE"));
    expect(validateGroup(record(OP.delete, new Uint8Array(0)))).toEqual(code("BAD_REQUEST"));
    expect(validateGroup(record(99))).toEqual(code("BAD_REQUEST"));
    const fits = record(OP.write, large.subarray(1), huge.subarray(1));
    expect(validateGroup(fits)).toBe(fits.length);
  });

  test("commands that need a session are not passed without one, nor openSession with one", () => {
    const raw = (session: number, op: number, ...rest: number[]): Uint8Array =>
      Uint8Array.from([session, 0, 1, 1, op, ...rest]);
    expect(validateGroup(raw(0, OP.delete, 1, 65))).toBeInstanceOf(KvError);
    expect(validateGroup(raw(3, OP.delete, 1, 65))).toBe(7);
    expect(validateGroup(raw(0, OP.closeSession))).toBeInstanceOf(KvError);
    expect(validateGroup(raw(0, OP.openSession, ...nonce(1)))).toBe(21);
    expect(validateGroup(raw(3, OP.openSession, ...nonce(1)))).toBeInstanceOf(KvError);
    expect(validateGroup(raw(3, OP.casRevision, 1, 65, 0, 0))).toBeInstanceOf(KvError);
  });

  test("a group has 1 to FRAME_COMMANDS_MAX commands", () => {
    expect(validateGroup(Uint8Array.from([3, 0, 0]))).toBeInstanceOf(KvError);
    const writer = new GroupWriter();
    for (let i = 0; i < FRAME_COMMANDS_MAX; i++) {
      expect(writer.fits(0)).toBe(true);
      writer.add(i, { kind: "noop" });
    }
    expect(writer.fits(0)).toBe(false);
    const full = writer.take(1, 0);
    expect(validateGroup(full)).toBe(full.length);
    expect(() => writer.take(1, 0)).toThrow(InvariantError);
  });

  test("a full writer still makes a group that passes", () => {
    const writer = new GroupWriter();
    const value = new Uint8Array(VALUE_BYTES_MAX);
    let sequence = 2 ** 50;
    while (writer.fits(1 + value.length))
      writer.add(sequence++, { kind: "write", key: bytes("k"), value });
    while (writer.fits(1 + 100))
      writer.add(sequence++, { kind: "write", key: bytes("k"), value: value.subarray(0, 100) });
    const full = writer.take(Number.MAX_SAFE_INTEGER, 2 ** 50, 1);
    expect(validateGroup(full, 1)).toBe(full.length);
  });
});

describe("entries", () => {
  test("the origin is read back", () => {
    const origin = fc.record({
      node: fc.maxSafeNat(),
      nonce: fc.nat(0xffff_ffff),
      batch: fc.maxSafeNat(),
    });
    fc.assert(
      fc.property(origin, group, (origin, group) => {
        const own = new OwnEntries(origin);
        expect(own.batchOf(buildEntry(origin, [groupBytes(group)]))).toBe(origin.batch);
        expect(own.batchOf(buildEntry(origin, []))).toBe(origin.batch);
        expect(own.batchOf(buildEntry({ ...origin, nonce: origin.nonce ^ 1 }, []))).toBeNull();
        expect(own.batchOf(buildEntry({ ...origin, node: origin.node + 1 }, []))).toBeNull();
      }),
    );
  });

  const one = entryOf({
    session: 0,
    floor: 0,
    commands: [
      [1, { op: "openSession", nonce: 1 }],
      [2, { op: "noop" }],
    ],
  });
  const withByte = (at: number, byte: number): Uint8Array => {
    const changed = one.slice();
    changed[at] = byte;
    return changed;
  };

  test.each([
    ["nothing", new Uint8Array(0)],
    ["bytes of anything", Buffer.from("no entry at all")],
    ["no version", withByte(0, 0)],
    ["no version of ours nor of the future", withByte(0, 32)],
    ["the beginning of one", one.subarray(0, 3)],
    ["all but the last byte of one", one.subarray(0, -1)],
    ["one with something behind it", Uint8Array.from([...one, 0])],
    ["one with an unknown command", withByte(one.length - 1, 99)],
  ])("what is no entry changes nothing but is counted, equally on all nodes: %s", (_, entry) => {
    expect(validateEntry(entry)).toMatchObject({ code: "BAD_REQUEST" });
    expect(() => new OwnEntries({ node: 1, nonce: 7 }).batchOf(entry)).not.toThrow();
    const states = [new KvState(), new KvState()] as const;
    for (const state of states) {
      state.apply(one, 0);
      const before = [state.hash(), state.revision, state.sessionCount];
      state.apply(entry, 1);
      expect([state.revision, state.sessionCount]).toEqual(before.slice(1));
      expect(state.hash()).not.toBe(before[0]);
      expect(state.appliedIdx).toBe(2);
      expect(state.unreadable).toEqual({ count: 1, lastIdx: 1 });
      state.apply(one, 2);
      expect(state.sessionCount).toBe(2);
    }
    expect(states[0].hash()).toBe(states[1].hash());
    const decoder = new SnapshotDecoder();
    for (const piece of states[0].clone().encodeSnapshot(100)) decoder.push(piece);
    while (decoder.step(100));
    expect(decoder.finish().unreadable).toEqual({ count: 1, lastIdx: 1 });
  });

  test("an entry of a later version stops the node: to pass over it would lose what others carry out", () => {
    const state = new KvState();
    for (const version of [ENTRY_VERSION_MAX + 1, 31]) {
      const later = withByte(0, version);
      expect(() => state.apply(later, 0)).toThrow(
        expect.objectContaining({ code: "UNSUPPORTED_VERSION" }),
      );
      expect(validateEntry(later)).toMatchObject({ code: "BAD_REQUEST" });
    }
    expect(state.appliedIdx).toBe(0);
  });

  test("a key that no client may send is no more carried out when it stands in the log", () => {
    const raw = new ByteWriter();
    for (const field of [7, 0, 1, 1]) raw.varint(field);
    raw.u8(OP.delete);
    raw.sized(new Uint8Array(KEY_BYTES_MAX + 1));
    const state = new KvState();
    state.apply(buildEntry({ node: 1, nonce: 1, batch: 1 }, [raw.copy()]), 0);
    expect(state.unreadable.count).toBe(1);
  });

  test("an entry shares no bytes with the groups it was made of", () => {
    const group = groupBytes({
      session: 1,
      floor: 0,
      commands: [[1, { op: "write", key: "a", value: "b" }]],
    });
    const entry = buildEntry({ node: 1, nonce: 1, batch: 1 }, [group]);
    group.fill(0xff);
    expect(validateEntry(entry)).toBeNull();
    expect(key("a")).toBe("a");
  });
});
