/**
 * gRPC to etcd by hand: HTTP/2 frames put together and taken apart here, two kinds of request, nothing else. Libraries
 * cost more processor time than etcd itself leaves them on a shared machine; this leaves etcd as much as can be left.
 *
 * All requests of one turn of the event loop go out in one write. Header fields are sent once per connection and referred
 * to by number after that, so that the server has little to decode.
 */
import { createConnection, type Socket } from "node:net";
import type { Finished } from "../workloads/target.ts";

const FRAME_HEADER_BYTES = 9;
const GRPC_HEADER_BYTES = 5;
const FRAME = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  window: 8,
} as const;
const END_STREAM = 0x1;
const ACK = 0x1;
const END_HEADERS = 0x4;
const SETTING_HEADER_TABLE_SIZE = 1;
const SETTING_ENABLE_PUSH = 2;
const SETTING_INITIAL_WINDOW = 4;
const WINDOW_MAX = 2 ** 31 - 1;
const WINDOW_DEFAULT = 65_535;
/** What the server may still send; topped up long before it runs out. */
const WINDOW_REFILL = 2 ** 30;

interface Stream {
  readonly done: Finished;
  answered: boolean;
}

interface Waiting {
  readonly block: Buffer;
  readonly message: Buffer;
  readonly done: Finished;
}

/** Header blocks that refer to what `firstBlocks` has put into the table; see the order there. */
const PUT_BLOCK = Buffer.from([0x83, 0x86, 0x80 | 62, 0x80 | 65, 0x80 | 64, 0x80 | 63]);
const RANGE_BLOCK = Buffer.from([0x83, 0x86, 0x80 | 66, 0x80 | 65, 0x80 | 64, 0x80 | 63]);

function literal(nameIndex: number, value: string): Buffer {
  return Buffer.concat([Buffer.from([0x40 | nameIndex, value.length]), Buffer.from(value)]);
}

/** The table grows by one at its head (62) with each literal: after both blocks the put path is 62, te 63, and so on. */
function firstBlocks(authority: string): { readonly range: Buffer; readonly put: Buffer } {
  const te = Buffer.concat([
    Buffer.from([0x40, 2]),
    Buffer.from("te"),
    Buffer.from([8]),
    Buffer.from("trailers"),
  ]);
  const range = Buffer.concat([
    Buffer.from([0x83, 0x86]),
    literal(4, "/etcdserverpb.KV/Range"),
    literal(1, authority),
    literal(31, "application/grpc"),
    te,
  ]);
  const put = Buffer.concat([
    Buffer.from([0x83, 0x86]),
    literal(4, "/etcdserverpb.KV/Put"),
    Buffer.from([0x80 | 65, 0x80 | 64, 0x80 | 63]),
  ]);
  return { range, put };
}

export class EtcdConnection {
  readonly #socket: Socket;
  readonly #streams = new Map<number, Stream>();
  #nextStream = 1;
  #out: Buffer[] = [];
  #rest: Buffer = Buffer.alloc(0);
  #sendWindow = WINDOW_DEFAULT;
  #received = 0;
  #waiting: Waiting[] = [];
  #failure: string | null = null;

  constructor(host: string, port: number) {
    this.#socket = createConnection({ host, port, noDelay: true });
    this.#socket.on("data", (data) => this.#onData(data));
    this.#socket.on("error", (error) => this.#fail(error.message));
    this.#socket.on("close", () => this.#fail("connection closed"));
    this.#push(Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    const settings = Buffer.alloc(18);
    settings.writeUInt16BE(SETTING_HEADER_TABLE_SIZE, 0);
    settings.writeUInt32BE(0, 2);
    settings.writeUInt16BE(SETTING_ENABLE_PUSH, 6);
    settings.writeUInt32BE(0, 8);
    settings.writeUInt16BE(SETTING_INITIAL_WINDOW, 12);
    settings.writeUInt32BE(WINDOW_MAX, 14);
    this.#push(frame(FRAME.settings, 0, 0, settings));
    this.#refill(WINDOW_MAX - WINDOW_DEFAULT);
    // One request of each kind fills the server's table of header fields.
    const { range, put } = firstBlocks(`${host}:${port}`);
    const key = Buffer.from("bench/warm");
    this.#request(range, rangeMessage(key, false), () => {});
    this.#request(put, putMessage(key, key), () => {});
  }

  /** It broke: every request fails at once from now on. */
  get failed(): boolean {
    return this.#failure !== null;
  }

  put(key: Uint8Array, value: Uint8Array, done: Finished): void {
    this.#request(PUT_BLOCK, putMessage(key, value), done);
  }

  range(key: Uint8Array, serializable: boolean, done: Finished): void {
    this.#request(RANGE_BLOCK, rangeMessage(key, serializable), done);
  }

  /** A request of another kind: its path goes along each time. @param fields of the message, encoded */
  call(path: string, fields: readonly Buffer[], done: Finished): void {
    const block = Buffer.concat([
      Buffer.from([0x83, 0x86, 0x04, path.length]),
      Buffer.from(path),
      Buffer.from([0x80 | 65, 0x80 | 64, 0x80 | 63]),
    ]);
    const content = Buffer.concat(fields);
    const message = grpcMessage(content.length);
    message.set(content, GRPC_HEADER_BYTES);
    this.#request(block, message, done);
  }

  close(): void {
    this.#socket.destroy();
  }

  #request(block: Buffer, message: Buffer, done: Finished): void {
    if (message.length > WINDOW_DEFAULT)
      throw new Error("values beyond one stream's window are not supported");
    if (this.#failure !== null) {
      const reason = this.#failure;
      queueMicrotask(() => done(reason));
      return;
    }
    if (message.length > this.#sendWindow || this.#waiting.length > 0) {
      this.#waiting.push({ block, message, done });
      return;
    }
    this.#sendWindow -= message.length;
    const id = this.#nextStream;
    this.#nextStream += 2;
    this.#streams.set(id, { done, answered: false });
    const bytes = Buffer.allocUnsafe(2 * FRAME_HEADER_BYTES + block.length + message.length);
    let at = writeHeader(bytes, 0, block.length, FRAME.headers, END_HEADERS, id);
    bytes.set(block, at);
    at = writeHeader(bytes, at + block.length, message.length, FRAME.data, END_STREAM, id);
    bytes.set(message, at);
    this.#push(bytes);
  }

  #push(bytes: Buffer): void {
    this.#out.push(bytes);
    if (this.#out.length > 1) return;
    queueMicrotask(() => {
      const all = this.#out.length === 1 ? (this.#out[0] ?? bytes) : Buffer.concat(this.#out);
      this.#out = [];
      this.#socket.write(all);
    });
  }

  #onData(data: Buffer): void {
    const bytes = this.#rest.length === 0 ? data : Buffer.concat([this.#rest, data]);
    let at = 0;
    while (bytes.length - at >= FRAME_HEADER_BYTES) {
      const length = bytes.readUIntBE(at, 3);
      const end = at + FRAME_HEADER_BYTES + length;
      if (end > bytes.length) break;
      const id = bytes.readUInt32BE(at + 5) & 0x7fff_ffff;
      this.#onFrame(
        bytes[at + 3] ?? 0,
        bytes[at + 4] ?? 0,
        id,
        bytes,
        at + FRAME_HEADER_BYTES,
        length,
      );
      at = end;
    }
    this.#rest = bytes.subarray(at);
  }

  #onFrame(
    type: number,
    flags: number,
    id: number,
    bytes: Buffer,
    at: number,
    length: number,
  ): void {
    switch (type) {
      case FRAME.data: {
        this.#received += length;
        if (this.#received >= WINDOW_REFILL) {
          this.#refill(this.#received);
          this.#received = 0;
        }
        const stream = this.#streams.get(id);
        // An answer is a whole message: an error comes without one.
        if (stream !== undefined && length >= GRPC_HEADER_BYTES) stream.answered = true;
        if ((flags & END_STREAM) !== 0) this.#end(id, null);
        return;
      }
      case FRAME.headers:
        if ((flags & END_STREAM) !== 0) this.#end(id, null);
        return;
      case FRAME.reset:
        this.#end(id, `reset ${bytes.readUInt32BE(at)}`);
        return;
      case FRAME.settings:
        if ((flags & ACK) === 0) this.#push(frame(FRAME.settings, ACK, 0, Buffer.alloc(0)));
        return;
      case FRAME.ping:
        if ((flags & ACK) === 0) {
          this.#push(frame(FRAME.ping, ACK, 0, Buffer.from(bytes.subarray(at, at + length))));
        }
        return;
      case FRAME.goAway:
        this.#fail("the server ends the connection");
        return;
      case FRAME.window:
        if (id !== 0) return;
        this.#sendWindow += bytes.readUInt32BE(at) & 0x7fff_ffff;
        this.#sendWaiting();
        return;
      default:
        // Priorities, pushes, extensions: nothing that matters here.
        return;
    }
  }

  #sendWaiting(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { block, message, done } of waiting) this.#request(block, message, done);
  }

  #end(id: number, error: string | null): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    this.#streams.delete(id);
    stream.done(error ?? (stream.answered ? null : "refused"));
  }

  #fail(reason: string): void {
    this.#failure = reason;
    const streams = [...this.#streams.values(), ...this.#waiting];
    this.#streams.clear();
    this.#waiting = [];
    for (const { done } of streams) done(reason);
  }

  #refill(bytes: number): void {
    const increment = Buffer.alloc(4);
    increment.writeUInt32BE(bytes);
    this.#push(frame(FRAME.window, 0, 0, increment));
  }
}

function writeHeader(
  bytes: Buffer,
  at: number,
  length: number,
  type: number,
  flags: number,
  id: number,
): number {
  bytes.writeUIntBE(length, at, 3);
  bytes[at + 3] = type;
  bytes[at + 4] = flags;
  return bytes.writeUInt32BE(id, at + 5);
}

function frame(type: number, flags: number, id: number, payload: Buffer): Buffer {
  const bytes = Buffer.alloc(FRAME_HEADER_BYTES + payload.length);
  payload.copy(bytes, writeHeader(bytes, 0, payload.length, type, flags, id));
  return bytes;
}

function putMessage(key: Uint8Array, value: Uint8Array): Buffer {
  const length = fieldBytes(key.length) + fieldBytes(value.length);
  const bytes = grpcMessage(length);
  writeField(bytes, writeField(bytes, GRPC_HEADER_BYTES, 1, key), 2, value);
  return bytes;
}

function rangeMessage(key: Uint8Array, serializable: boolean): Buffer {
  const bytes = grpcMessage(fieldBytes(key.length) + (serializable ? 2 : 0));
  const at = writeField(bytes, GRPC_HEADER_BYTES, 1, key);
  if (serializable) {
    bytes[at] = 7 << 3;
    bytes[at + 1] = 1;
  }
  return bytes;
}

function grpcMessage(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(GRPC_HEADER_BYTES + length);
  bytes[0] = 0;
  bytes.writeUInt32BE(length, 1);
  return bytes;
}

/** A protobuf field of bytes, or of a message within. */
export function bytesField(field: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const bytes = Buffer.allocUnsafe(fieldBytes(content.length));
  writeField(bytes, 0, field, content);
  return bytes;
}

/** A protobuf field of a small number. */
export function numberField(field: number, value: number): Buffer {
  if (value >= 0x80) throw new Error("numbers of more than a byte are not written");
  return Buffer.from([field << 3, value]);
}

/** Tag, length and content of a protobuf field of bytes. */
function fieldBytes(length: number): number {
  let size = 2;
  for (let rest = length; rest >= 0x80; rest >>>= 7) size += 1;
  return size + length;
}

function writeField(bytes: Buffer, start: number, field: number, content: Uint8Array): number {
  let at = start;
  bytes[at++] = (field << 3) | 2;
  let rest = content.length;
  for (; rest >= 0x80; rest >>>= 7) bytes[at++] = (rest & 0x7f) | 0x80;
  bytes[at++] = rest;
  bytes.set(content, at);
  return at + content.length;
}
