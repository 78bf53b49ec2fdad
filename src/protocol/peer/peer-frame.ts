/**
 * Frames of one session between two nodes. Several messages share a frame; a message longer than a frame travels in
 * several. A message that the sender gives in slices is overtaken by those that it gives whole meanwhile, and urgent ones
 * overtake all that waits.
 *
 *     frame: kind 0x01 (1) · session (4) · counter (6) · parts
 *     part:  kind (1) · length (4) · bytes
 *
 * Invariants:
 *   PEERFRAME-1. Frames of a session count 1, 2, 3, …; one that is missing, repeated or of another session is an error.
 *   PEERFRAME-2. A message is delivered whole or not at all; if it is not urgent, after all whose end was added before its own.
 *   PEERFRAME-3. No frame is longer than asked for at construction, and no message than `messageBytesMax`.
 */
import { assert } from "../../base/index.ts";
import { DecodeError } from "../codec/index.ts";

// Written and read without ByteWriter and ByteReader: a frame is made once, at its right length, and whole messages of
// megabytes are put into it; with them each byte would be copied twice.
const FRAME_KIND = 1;
const HEADER_BYTES = 11;
const PART_HEADER_BYTES = 5;
const TOTAL_BYTES = 4;
/** Below this, headers would crowd out what they carry. */
export const PEER_FRAME_BYTES_MIN = 64;

const PART = {
  message: 0,
  firstFragment: 1,
  nextFragment: 2,
  renewed: 3,
  ping: 4,
  pong: 5,
  slice: 6,
  lastSlice: 7,
  urgent: 8,
} as const;
const CONTROL_BYTES_MAX = 16;

interface Part {
  readonly kind: number;
  readonly bytes: Uint8Array;
  /** Written in front of the bytes when this is the first fragment: the length of the whole message. */
  readonly total: number | null;
}

/** Collects the messages of one end of a session and cuts them into frames. */
export class PeerFrameWriter {
  readonly #session: number;
  readonly #frameBytesMax: number;
  #counter = 0;
  #parts: Part[] = [];
  /** Of the first part, bytes that have gone in fragments. */
  #offset = 0;
  #bytes = 0;
  /** Something was left by the last `take`. */
  #backlog = false;
  #urgent: Part[] = [];
  #urgentBytes = 0;

  constructor(session: number, frameBytesMax: number) {
    assert(frameBytesMax >= PEER_FRAME_BYTES_MIN, "a frame has room for its headers");
    this.#session = session;
    this.#frameBytesMax = frameBytesMax;
  }

  /** Bytes added and not yet taken. */
  get pendingBytes(): number {
    return this.#bytes + this.#urgentBytes;
  }

  addMessage(bytes: Uint8Array): void {
    this.#add(PART.message, bytes);
  }

  /** Overtakes what was not taken yet. It must be small. */
  addUrgent(bytes: Uint8Array): void {
    if (!this.#backlog) return this.#add(PART.message, bytes);
    const part = { kind: PART.urgent, bytes, total: null };
    this.#urgent.push(part);
    this.#urgentBytes += partBytes(part);
  }

  /** No slice may be longer. */
  get sliceBytesMax(): number {
    return this.#frameBytesMax - HEADER_BYTES - PART_HEADER_BYTES;
  }

  /** The next part of a message in slices. One such message is under way at any time, from its first slice to its last. */
  addSlice(bytes: Uint8Array, last: boolean): void {
    assert(bytes.length <= this.sliceBytesMax, "a slice fits a frame");
    this.#add(last ? PART.lastSlice : PART.slice, bytes);
  }

  /** "Our link was broken on purpose and is whole again: begin anew." */
  addRenewed(): void {
    this.#add(PART.renewed, new Uint8Array(0));
  }

  /** @param token at most 16 bytes, sent back in the pong */
  addPing(token: Uint8Array): void {
    this.#add(PART.ping, token);
  }

  addPong(token: Uint8Array): void {
    this.#add(PART.pong, token);
  }

  /**
   * The messages added so far, as frames in the order in which they must be sent: all of them, or until they have `bytesMax` bytes
   * together, the last one whole.
   */
  take(bytesMax = Number.POSITIVE_INFINITY): readonly Uint8Array[] {
    if (this.#parts.length === 0 && this.#urgent.length === 0) return [];
    const room = this.#frameBytesMax - HEADER_BYTES;
    if (!this.#backlog && this.#bytes <= Math.min(room, bytesMax)) {
      const parts = this.#parts;
      const bytes = this.#bytes;
      this.#parts = [];
      this.#bytes = 0;
      return [this.#frame(parts, bytes)];
    }
    const frames = this.#takeUrgent();
    let taken = 0;
    while (this.#parts.length > 0 && taken < bytesMax) {
      const frame = this.#nextFrame(room);
      taken += frame.length;
      frames.push(frame);
    }
    this.#backlog = this.#parts.length > 0;
    return frames;
  }

  #takeUrgent(): Uint8Array[] {
    if (this.#urgent.length === 0) return [];
    const frame = this.#frame(this.#urgent, this.#urgentBytes);
    this.#urgent = [];
    this.#urgentBytes = 0;
    return [frame];
  }

  /** As much of the parts as fits one. A part is cut only when no frame would hold it. */
  #nextFrame(room: number): Uint8Array {
    const parts: Part[] = [];
    let used = 0;
    let whole = 0;
    for (const part of this.#parts) {
      if (this.#offset === 0 && partBytes(part) <= room) {
        if (used + partBytes(part) > room) break;
        parts.push(part);
        used += partBytes(part);
        whole += 1;
        continue;
      }
      const overhead = PART_HEADER_BYTES + (this.#offset === 0 ? TOTAL_BYTES : 0);
      if (used + overhead >= room) break;
      const fragment = this.#cut(part, room - used - overhead);
      parts.push(fragment);
      used += partBytes(fragment);
      if (this.#offset > 0) break;
      whole += 1;
    }
    for (const part of this.#parts.splice(0, whole)) this.#bytes -= partBytes(part);
    return this.#frame(parts, used);
  }

  /** The next fragment. Afterwards `#offset` is 0 when it was the last. */
  #cut(part: Part, bytesMax: number): Part {
    const total = part.bytes.length;
    const start = this.#offset;
    const end = Math.min(total, start + bytesMax);
    this.#offset = end === total ? 0 : end;
    const bytes = part.bytes.subarray(start, end);
    return start === 0
      ? { kind: PART.firstFragment, bytes, total }
      : { kind: PART.nextFragment, bytes, total: null };
  }

  #add(kind: number, bytes: Uint8Array): void {
    this.#parts.push({ kind, bytes, total: null });
    this.#bytes += PART_HEADER_BYTES + bytes.length;
  }

  #frame(parts: readonly Part[], used: number): Uint8Array {
    this.#counter += 1;
    // Every byte of it is written below.
    const frame = Buffer.allocUnsafe(HEADER_BYTES + used);
    frame[0] = FRAME_KIND;
    frame.writeUInt32BE(this.#session, 1);
    frame.writeUInt16BE(Math.floor(this.#counter / 2 ** 32), 5);
    frame.writeUInt32BE(this.#counter % 2 ** 32, 7);
    let position = HEADER_BYTES;
    for (const { kind, bytes, total } of parts) {
      frame[position] = kind;
      frame.writeUInt32BE(bytes.length + (total === null ? 0 : TOTAL_BYTES), position + 1);
      position += PART_HEADER_BYTES;
      if (total !== null) {
        frame.writeUInt32BE(total, position);
        position += TOTAL_BYTES;
      }
      frame.set(bytes, position);
      position += bytes.length;
    }
    return frame;
  }
}

function partBytes(part: Part): number {
  return PART_HEADER_BYTES + (part.total === null ? 0 : TOTAL_BYTES) + part.bytes.length;
}

/** Called in the order in which the other end added. Byte strings are views of the frame where they came in one. */
export interface PeerFrameSink {
  message(bytes: Uint8Array): void;
  renewed(): void;
  ping(token: Uint8Array): void;
  pong(token: Uint8Array): void;
}

/** The other end: checks each frame and puts messages together again. */
export class PeerFrameReader {
  readonly #session: number;
  readonly #messageBytesMax: number;
  #counter = 0;
  #fragments: Uint8Array[] = [];
  /** Bytes of the message under way: all of it, and what is still to come. 0: none is under way. */
  #total = 0;
  #missing = 0;
  #slices: Uint8Array[] = [];
  #sliceBytes = 0;

  constructor(session: number, messageBytesMax: number) {
    this.#session = session;
    this.#messageBytesMax = messageBytesMax;
  }

  /** @throws DecodeError: the session is over; parts before the fault have been delivered */
  read(frame: Uint8Array, sink: PeerFrameSink): void {
    const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
    this.#readHeader(frame, view);
    let position = HEADER_BYTES;
    while (position < frame.length) {
      if (frame.length - position < PART_HEADER_BYTES) throw new DecodeError("truncated part");
      const kind = view.getUint8(position);
      const length = view.getUint32(position + 1);
      position += PART_HEADER_BYTES;
      if (length > frame.length - position) {
        throw new DecodeError(`part of ${length} bytes, ${frame.length - position} present`);
      }
      this.#part(kind, frame.subarray(position, position + length), sink);
      position += length;
    }
  }

  #readHeader(frame: Uint8Array, view: DataView): void {
    if (frame.length < HEADER_BYTES) throw new DecodeError(`frame of ${frame.length} bytes`);
    if (frame[0] !== FRAME_KIND) throw new DecodeError(`frame of unknown kind ${frame[0]}`);
    const session = view.getUint32(1);
    if (session !== this.#session) {
      throw new DecodeError(`frame of session ${session} in session ${this.#session}`);
    }
    const counter = view.getUint16(5) * 2 ** 32 + view.getUint32(7);
    if (counter !== this.#counter + 1) {
      throw new DecodeError(`frame ${counter} after frame ${this.#counter}`);
    }
    this.#counter = counter;
  }

  #part(kind: number, bytes: Uint8Array, sink: PeerFrameSink): void {
    switch (kind) {
      case PART.message:
        if (this.#missing > 0) throw new DecodeError("message inside a fragmented message");
        return sink.message(bytes);
      case PART.firstFragment:
        return this.#firstFragment(bytes);
      case PART.nextFragment:
        if (this.#missing === 0) throw new DecodeError("fragment without a beginning");
        return this.#fragment(bytes, sink);
      case PART.urgent:
        return sink.message(bytes);
      case PART.slice:
      case PART.lastSlice:
        return this.#slice(bytes, kind === PART.lastSlice, sink);
      case PART.renewed:
        if (bytes.length > 0) throw new DecodeError("renewal with content");
        return sink.renewed();
      case PART.ping:
      case PART.pong:
        if (bytes.length > CONTROL_BYTES_MAX) throw new DecodeError("control part too long");
        return kind === PART.ping ? sink.ping(bytes) : sink.pong(bytes);
      default:
        throw new DecodeError(`part of unknown kind ${kind}`);
    }
  }

  #firstFragment(bytes: Uint8Array): void {
    if (this.#missing > 0) throw new DecodeError("message inside a fragmented message");
    if (bytes.length <= TOTAL_BYTES) throw new DecodeError("empty fragment");
    const total = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
    if (total > this.#messageBytesMax) throw new DecodeError(`message of ${total} bytes`);
    if (total <= bytes.length - TOTAL_BYTES) throw new DecodeError("fragment of a whole message");
    this.#total = total;
    this.#fragments = [bytes.subarray(TOTAL_BYTES)];
    this.#missing = total - (bytes.length - TOTAL_BYTES);
  }

  #fragment(bytes: Uint8Array, sink: PeerFrameSink): void {
    if (bytes.length === 0) throw new DecodeError("empty fragment");
    if (bytes.length > this.#missing) throw new DecodeError("fragments exceed their message");
    this.#fragments.push(bytes);
    this.#missing -= bytes.length;
    if (this.#missing > 0) return;
    const fragments = this.#fragments;
    this.#fragments = [];
    sink.message(joined(fragments, this.#total));
  }

  #slice(bytes: Uint8Array, last: boolean, sink: PeerFrameSink): void {
    if (bytes.length === 0) throw new DecodeError("empty slice");
    this.#sliceBytes += bytes.length;
    if (this.#sliceBytes > this.#messageBytesMax) {
      throw new DecodeError(`slices of ${this.#sliceBytes} bytes`);
    }
    this.#slices.push(bytes);
    if (!last) return;
    const message = joined(this.#slices, this.#sliceBytes);
    this.#slices = [];
    this.#sliceBytes = 0;
    sink.message(message);
  }
}

function joined(parts: readonly Uint8Array[], total: number): Uint8Array {
  // Every byte of it is written below.
  const message = Buffer.allocUnsafe(total);
  let position = 0;
  for (const part of parts) {
    message.set(part, position);
    position += part.length;
  }
  return message;
}
