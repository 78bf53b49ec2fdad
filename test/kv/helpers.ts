import {
  buildEntry,
  bytesOf,
  GroupWriter,
  NO_SESSION,
  type AnswerSink,
  type ByteString,
  type FrozenState,
  SnapshotDecoder,
  type KvState,
} from "../../src/kv/index.ts";

export const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "utf8"));
export const key = (text: string): ByteString =>
  Buffer.from(text, "utf8").toString("latin1") as ByteString;
export const nonce = (n: number): Uint8Array => {
  const made = new Uint8Array(16);
  new DataView(made.buffer).setUint32(12, n);
  return made;
};

/** A command without its sequence number. */
export type Command =
  | { readonly op: "write"; readonly key: string; readonly value: string }
  | { readonly op: "delete"; readonly key: string }
  | {
      readonly op: "casValue";
      readonly key: string;
      readonly expected: string;
      readonly value: string;
    }
  | { readonly op: "casAbsent"; readonly key: string; readonly value: string }
  | {
      readonly op: "casRevision";
      readonly key: string;
      readonly revision: number;
      readonly value: string;
    }
  | { readonly op: "openSession"; readonly nonce: number }
  | { readonly op: "closeSession" }
  | { readonly op: "noop" };

export interface TestGroup {
  readonly session: number;
  readonly floor: number;
  readonly commands: readonly (readonly [sequence: number, command: Command])[];
}

export function append(writer: GroupWriter, sequence: number, command: Command): void {
  switch (command.op) {
    case "write":
      return writer.write(sequence, bytes(command.key), bytes(command.value));
    case "delete":
      return writer.delete(sequence, bytes(command.key));
    case "casValue":
      return writer.casValue(
        sequence,
        bytes(command.key),
        bytes(command.expected),
        bytes(command.value),
      );
    case "casAbsent":
      return writer.casAbsent(sequence, bytes(command.key), bytes(command.value));
    case "casRevision":
      return writer.casRevision(
        sequence,
        bytes(command.key),
        command.revision,
        bytes(command.value),
      );
    case "openSession":
      return writer.openSession(sequence, nonce(command.nonce));
    case "closeSession":
      return writer.closeSession(sequence);
    case "noop":
      return writer.noop(sequence);
  }
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
    actual: ByteString | undefined,
  ): void {
    const text = actual === undefined ? {} : { actual: Buffer.from(bytesOf(actual)).toString() };
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
export function applySetting(state: KvState, write: (writer: GroupWriter) => void): void {
  const writer = new GroupWriter();
  write(writer);
  const group = writer.take(NO_SESSION, 0);
  state.apply(buildEntry({ node: 1, nonce: 7, batch: 1 }, [group]), state.appliedIdx);
}

export function compact(state: KvState, revision: number): void {
  applySetting(state, (writer) => writer.compact(1, revision));
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
