/** What stands before the reads of a frame, and holds for all of them. */
import { type ByteReader, ByteWriter, FRAME_COMMANDS_MAX } from "../../base/index.ts";
import { flags, type Layout } from "../codec/index.ts";
import { REVISION } from "./client-fields.ts";
import { FRAME } from "./client-layout.ts";

export interface ReadsHeader {
  /** May be answered from a state that others are ahead of. */
  readonly local: boolean;
  /** The answers must name the origin of their state. Only nodes that tell their origin know this flag. */
  readonly origin: boolean;
  /** The node must have applied [0, minIdx) before it answers. */
  readonly minIdx: number;
  /** A local read waits for this revision too; 0: for none. A client that asks so understands REVISION_AHEAD. */
  readonly atLeast: number;
  /** Of the reads that follow. */
  readonly count: number;
}

const BITS = { local: 1, origin: 2, atLeast: 4 };
const FLAGS = flags(BITS, "reads");

const HEADER: Layout<ReadsHeader> = {
  write: (out, { local, origin, minIdx, atLeast, count }) => {
    FLAGS.write(out, { local, origin, atLeast: atLeast !== 0 });
    out.varint(minIdx);
    if (atLeast !== 0) REVISION.write(out, atLeast);
    out.varint(count);
  },
  read: (from) => {
    const { local, origin, atLeast: waits } = FLAGS.read(from);
    const minIdx = from.varint();
    const atLeast = waits ? REVISION.read(from) : 0;
    if (waits && !local) from.fail("a local read for a least revision");
    const count = from.varint();
    if (count < 1 || count > FRAME_COMMANDS_MAX) from.fail(`1 to ${FRAME_COMMANDS_MAX} reads`);
    return { local, origin, minIdx, atLeast, count };
  },
};

const header = new ByteWriter(32);

export function readsFrame(of: ReadsHeader, reads: Uint8Array): Uint8Array {
  header.clear();
  header.u8(FRAME.reads);
  HEADER.write(header, of);
  const frame = new Uint8Array(header.length + reads.length);
  frame.set(header.peek());
  frame.set(reads, header.length);
  return frame;
}

/** From the beginning of a frame on. */
export function readReadsHeader(from: ByteReader): ReadsHeader {
  if (from.u8() !== FRAME.reads) from.fail("a frame of reads");
  return HEADER.read(from);
}

/** Whether a (checked) frame of reads may be answered from a state that others may be ahead of. */
export function asksLocally(frame: Uint8Array): boolean {
  return ((frame[1] ?? 0) & BITS.local) !== 0;
}

/** Whether a (checked) frame of reads asks for the origin of the state that answers. */
export function asksForOrigin(frame: Uint8Array): boolean {
  return ((frame[1] ?? 0) & BITS.origin) !== 0;
}
