/**
 * Watches at etcd: many of them on one stream of gRPC, over the HTTP/2 of Node.js. Of what comes only the events are counted, and
 * their values looked at no further than it takes for that.
 */
import { connect, type ClientHttp2Session, type ClientHttp2Stream } from "node:http2";
import { ByteReader } from "../../base/index.ts";
import type { Watches } from "./watches.ts";

const GRPC_HEADER_BYTES = 5;
/** Fields of a WatchResponse. */
const FIELD_CREATED = 3;
const FIELD_CANCELED = 4;
const FIELD_EVENTS = 11;
/** A field of a WatchRequest. */
const FIELD_CREATE = 1;
const WINDOW_BYTES = 2 ** 28;

export class EtcdWatches implements Watches {
  readonly #session: ClientHttp2Session;
  readonly #stream: ClientHttp2Stream;
  readonly #onEvents: (count: number) => void;
  #rest: Buffer = Buffer.alloc(0);
  #asked = 0;
  #created = 0;
  #ready: () => void = () => {};
  #failed: (error: Error) => void = () => {};

  constructor(host: string, port: number, onEvents: (count: number) => void) {
    this.#onEvents = onEvents;
    this.#session = connect(`http://${host}:${port}`, {
      settings: { initialWindowSize: WINDOW_BYTES },
    });
    this.#session.once("connect", () => this.#session.setLocalWindowSize(WINDOW_BYTES));
    this.#session.on("error", (error) => this.#failed(error));
    this.#stream = this.#session.request({
      ":method": "POST",
      ":path": "/etcdserverpb.Watch/Watch",
      "content-type": "application/grpc",
      te: "trailers",
    });
    this.#stream.on("error", (error) => this.#failed(error));
    this.#stream.on("data", (data: Buffer) => this.#onData(data));
  }

  create(
    ranges: readonly { readonly key: Uint8Array; readonly end: Uint8Array | null }[],
  ): Promise<void> {
    this.#asked += ranges.length;
    for (const { key, end } of ranges) this.#stream.write(createMessage(key, end));
    return new Promise((resolve, reject) => {
      this.#ready = resolve;
      this.#failed = reject;
    });
  }

  close(): void {
    this.#failed = () => {};
    this.#session.destroy();
  }

  #onData(data: Buffer): void {
    const bytes = this.#rest.length === 0 ? data : Buffer.concat([this.#rest, data]);
    let at = 0;
    while (bytes.length - at >= GRPC_HEADER_BYTES) {
      const end = at + GRPC_HEADER_BYTES + bytes.readUInt32BE(at + 1);
      if (end > bytes.length) break;
      this.#onResponse(bytes.subarray(at + GRPC_HEADER_BYTES, end));
      at = end;
    }
    this.#rest = bytes.subarray(at);
  }

  #onResponse(message: Uint8Array): void {
    const { created, canceled, events } = readWatchResponse(message);
    if (canceled) return this.#failed(new Error("etcd ends a watch"));
    if (created && ++this.#created === this.#asked) this.#ready();
    if (events > 0) this.#onEvents(events);
  }
}

/** What counts of a WatchResponse. */
export function readWatchResponse(message: Uint8Array): {
  readonly created: boolean;
  readonly canceled: boolean;
  readonly events: number;
} {
  const reader = new ByteReader();
  reader.reset(message, 0, message.length);
  const flags = new Set<number>();
  let events = 0;
  while (!reader.isAtEnd) {
    const tag = reader.varint();
    const field = Math.floor(tag / 8);
    if (tag % 8 === 2) {
      reader.skip(reader.varint());
      if (field === FIELD_EVENTS) events += 1;
    } else if (reader.varint() !== 0) flags.add(field);
  }
  reader.release();
  return { created: flags.has(FIELD_CREATED), canceled: flags.has(FIELD_CANCELED), events };
}

export function createMessage(key: Uint8Array, end: Uint8Array | null): Buffer {
  const create = Buffer.concat([field(1, key), end === null ? Buffer.alloc(0) : field(2, end)]);
  const request = field(FIELD_CREATE, create);
  const head = Buffer.alloc(GRPC_HEADER_BYTES);
  head.writeUInt32BE(request.length, 1);
  return Buffer.concat([head, request]);
}

function field(number: number, content: Uint8Array): Buffer {
  const head = [(number << 3) | 2];
  let rest = content.length;
  for (; rest >= 0x80; rest >>>= 7) head.push((rest & 0x7f) | 0x80);
  return Buffer.concat([Buffer.from([...head, rest]), content]);
}
