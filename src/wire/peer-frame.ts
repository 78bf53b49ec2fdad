/**
 * Frames of one session between two nodes. Several messages share a frame; a message longer than a frame travels in
 * several.
 *
 *     frame: kind 0x01 (1) · session (4) · counter (6) · parts
 *     part:  kind (1) · length (4) · bytes
 *
 * Invariants:
 *   F1. Frames of a session count 1, 2, 3, …; one that is missing, repeated or of another session is an error.
 *   F2. A message is delivered whole, after all that were added before it, or not at all.
 *   F3. No frame is longer than asked for at construction, and no message than `messageBytesMax`.
 */
import { assert } from "../base/assert.ts";
import { DecodeError } from "./decode-error.ts";

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
} as const;
const CONTROL_BYTES_MAX = 16;

interface Part {
  readonly kind: number;
  readonly bytes: Uint8Array;
  /** Written in front of the bytes when this is the first fragment: the length of the whole message. */
  readonly total: number | null;
}

/** Collects what one end of a session has to say and cuts it into frames. */
export class PeerFrameWriter {
  readonly #session: number;
  readonly #frameBytesMax: number;
  #counter = 0;
  #parts: Part[] = [];
  #bytes = 0;

  constructor(session: number, frameBytesMax: number) {
    assert(frameBytesMax >= PEER_FRAME_BYTES_MIN, "a frame has room for its headers");
    this.#session = session;
    this.#frameBytesMax = frameBytesMax;
  }

  /** Bytes added and not yet taken. */
  get pendingBytes(): number {
    return this.#bytes;
  }

  addMessage(bytes: Uint8Array): void {
    this.#add(PART.message, bytes);
  }

  /** "Our link was cut on purpose and is whole again: begin anew." */
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

  /** Everything added so far, as frames in the order in which they must be sent. */
  take(): readonly Uint8Array[] {
    if (this.#parts.length === 0) return [];
    const parts = this.#parts;
    const bytes = this.#bytes;
    this.#parts = [];
    this.#bytes = 0;
    const room = this.#frameBytesMax - HEADER_BYTES;
    return bytes <= room ? [this.#frame(parts, bytes)] : this.#cut(parts, room);
  }

  /** They do not fit one frame. */
  #cut(all: readonly Part[], room: number): readonly Uint8Array[] {
    const frames: Uint8Array[] = [];
    let parts: Part[] = [];
    let used = 0;
    const close = (): void => {
      if (parts.length > 0) frames.push(this.#frame(parts, used));
      parts = [];
      used = 0;
    };
    const put = (part: Part): void => {
      parts.push(part);
      used += partBytes(part);
    };
    for (const part of all) {
      if (partBytes(part) <= room) {
        if (used + partBytes(part) > room) close();
        put(part);
        continue;
      }
      const total = part.bytes.length;
      for (let start = 0; start < total;) {
        const overhead = PART_HEADER_BYTES + (start === 0 ? TOTAL_BYTES : 0);
        if (used + overhead >= room) close();
        const end = Math.min(total, start + room - used - overhead);
        const bytes = part.bytes.subarray(start, end);
        if (start === 0) put({ kind: PART.firstFragment, bytes, total });
        else put({ kind: PART.nextFragment, bytes, total: null });
        start = end;
      }
    }
    close();
    return frames;
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
    const message = new Uint8Array(this.#total);
    let position = 0;
    for (const fragment of this.#fragments) {
      message.set(fragment, position);
      position += fragment.length;
    }
    this.#fragments = [];
    sink.message(message);
  }
}
