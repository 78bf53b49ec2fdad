import type { AnyBytes } from "../../src/base/index.ts";
import {
  buildEntry,
  bytesOf,
  byteStringOf,
  GroupWriter,
  NO_SESSION,
  type AnswerSink,
  type ByteString,
  type FrozenState,
  SnapshotDecoder,
  type KvState,
} from "../../src/store/index.ts";
import type {
  Command as RealCommand,
  FieldContent,
  OPERATIONS,
  OpName,
} from "../../src/store/operations/index.ts";

export const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "utf8"));
/** Of an answer: a copy, as they may be valid until the next one only. */
export const byteString = (told: AnyBytes | undefined): ByteString | undefined =>
  told === undefined || typeof told === "string" ? told : byteStringOf(told);
export const key = (text: string): ByteString =>
  Buffer.from(text, "utf8").toString("latin1") as ByteString;
export const nonce = (n: number): Uint8Array => {
  const made = new Uint8Array(16);
  new DataView(made.buffer).setUint32(12, n);
  return made;
};

/** A command without its sequence number, of texts, and with a number for a nonce. */
export type Command = {
  [N in OpName]: { readonly op: N } & {
    readonly [F in (typeof OPERATIONS)[N]["fields"][number]]: F extends "nonce"
      ? number
      : FieldContent<F> extends number
        ? number
        : string;
  };
}[OpName];

export interface TestGroup {
  readonly session: number;
  readonly floor: number;
  readonly commands: readonly (readonly [sequence: number, command: Command])[];
}

export function append(writer: GroupWriter, sequence: number, { op, ...rest }: Command): void {
  const fields = Object.entries(rest).map(([name, content]) => [
    name,
    typeof content === "string" ? bytes(content) : name === "nonce" ? nonce(content) : content,
  ]);
  writer.add(sequence, { kind: op, ...Object.fromEntries(fields) } as RealCommand);
}

export function groupBytes({ session, floor, commands }: TestGroup): Uint8Array {
  const writer = new GroupWriter();
  for (const [sequence, command] of commands) append(writer, sequence, command);
  return writer.take(session, floor);
}

export function entryOf(...groups: TestGroup[]): Uint8Array {
  return buildEntry({ node: 1, nonce: 7, batch: 1 }, groups.map(groupBytes));
}

/** As old logs have it. */
export function firstVersionEntryOf(...groups: TestGroup[]): Uint8Array {
  return buildEntry({ node: 1, nonce: 7, batch: 1 }, groups.map(groupBytes), 1);
}

export interface TestAnswer {
  readonly session: number;
  readonly sequence: number;
  readonly status: number;
  readonly revision: number;
  readonly actual?: string;
}

/** Remembers what it is told. */
export class RecordingSink implements AnswerSink {
  readonly answers: TestAnswer[] = [];
  readonly openings: { sequence: number; nonce: number; session: number }[] = [];
  readonly groups: [index: number, session: number][] = [];

  beginGroup(index: number, session: number): void {
    this.groups.push([index, session]);
  }

  answer(
    session: number,
    sequence: number,
    status: number,
    revision: number,
    actual: AnyBytes | undefined,
  ): void {
    const told = byteString(actual);
    const text = told === undefined ? {} : { actual: Buffer.from(bytesOf(told)).toString() };
    this.answers.push({ session, sequence, status, revision, ...text });
  }

  opened(sequence: number, nonce: Uint8Array, session: number): void {
    this.openings.push({ sequence, nonce: new DataView(nonce.buffer).getUint32(12), session });
  }
}

export function applyTo(state: KvState, ...groups: TestGroup[]): RecordingSink {
  const sink = new RecordingSink();
  state.apply(entryOf(...groups), state.appliedIdx, sink);
  return sink;
}

/** @returns the session's id */
export function open(state: KvState, n: number): number {
  const sink = applyTo(state, {
    session: NO_SESSION,
    floor: 0,
    commands: [[1, { op: "openSession", nonce: n }]],
  });
  return sink.openings[0]!.session;
}

/** Applies one command of a session in an entry of its own. */
export function run(
  state: KvState,
  session: number,
  sequence: number,
  command: Command,
  floor = 0,
): TestAnswer {
  return applyTo(state, { session, floor, commands: [[sequence, command]] }).answers[0]!;
}

/** An entry with one setting, as nodes make them. */
export function applySetting(state: KvState, command: RealCommand): void {
  const writer = new GroupWriter();
  writer.add(1, command);
  const group = writer.take(NO_SESSION, 0);
  state.apply(buildEntry({ node: 1, nonce: 7, batch: 1 }, [group]), state.appliedIdx);
}

export function compact(state: KvState, revision: number): void {
  applySetting(state, { kind: "compact", compactRevision: revision });
}

export function fromSnapshot(bytes: Uint8Array): KvState {
  const decoder = new SnapshotDecoder();
  decoder.push(bytes);
  while (decoder.step(Infinity));
  return decoder.finish();
}

export function snapshotBytes(frozen: FrozenState, chunkBytes = 64): Buffer {
  return Buffer.concat([...frozen.encodeSnapshot(chunkBytes)]);
}

/** A session of the state's, to write with: one entry for each change. */
export function writerTo(state: KvState) {
  let session: number = NO_SESSION;
  let sequence = 0;
  const apply = (command: Command): void => {
    state.apply(
      entryOf({ session, floor: sequence, commands: [[sequence, command]] }),
      state.appliedIdx,
      {
        beginGroup: () => {},
        answer: () => {},
        opened: (_, __, opened) => (session = opened),
      },
    );
    sequence += 1;
  };
  apply({ op: "openSession", nonce: 7 });
  return {
    put: (name: string, value: string): void => apply({ op: "write", key: name, value }),
    del: (name: string): void => apply({ op: "delete", key: name }),
  };
}
