/**
 * gRPC to etcd over node:http2, for what is asked seldom: leases and locks. Messages are put together and taken apart by hand, and have
 * few fields: numbers and bytes.
 */
import {
  connect,
  constants,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
} from "node:http2";
import type { NodeAddress } from "../../client/terms/index.ts";

/** The fields of a message that is sent, by their numbers. Values that are numbers are whole, from 0 on. */
export type Fields = Readonly<Record<number, number | Uint8Array>>;

const GRPC_HEADER_BYTES = 5;
const VARINT = 0;
const BYTES = 2;

export class EtcdGrpc {
  readonly #session: ClientHttp2Session;

  constructor({ host, port }: NodeAddress) {
    this.#session = connect(`http://${host}:${port}`, { settings: { enablePush: false } });
    // Each call hears of it by itself.
    this.#session.on("error", () => {});
  }

  /** @returns the bytes of each field of the answer that has some. @throws Error with what the server says */
  call(path: string, fields: Fields): Promise<ReadonlyMap<number, Uint8Array>> {
    return new Promise((resolve, reject) => {
      const stream = this.#open(path);
      const parts: Buffer[] = [];
      let status = "";
      stream.on("data", (data: Buffer) => parts.push(data));
      const look = (headers: IncomingHttpHeaders): void => {
        const code = headers["grpc-status"]?.toString() ?? "0";
        if (code !== "0") status = headers["grpc-message"]?.toString() ?? `status ${code}`;
      };
      stream.on("response", look).on("trailers", look);
      stream.once("error", reject);
      stream.once("close", () => {
        const body = Buffer.concat(parts);
        if (status !== "" || body.length < GRPC_HEADER_BYTES)
          reject(new Error(status || "cut off"));
        else resolve(bytesIn(body.subarray(GRPC_HEADER_BYTES)));
      });
      stream.end(messageOf(fields));
    });
  }

  /** Messages one after the other, whose answers are not looked at. */
  stream(path: string): { readonly send: (fields: Fields) => void; readonly end: () => void } {
    const stream = this.#open(path);
    stream.resume().on("error", () => {});
    return { send: (fields) => void stream.write(messageOf(fields)), end: () => stream.end() };
  }

  close(): void {
    this.#session.destroy();
  }

  #open(path: string): ClientHttp2Stream {
    return this.#session.request({
      [constants.HTTP2_HEADER_METHOD]: "POST",
      [constants.HTTP2_HEADER_PATH]: path,
      [constants.HTTP2_HEADER_CONTENT_TYPE]: "application/grpc",
      [constants.HTTP2_HEADER_TE]: "trailers",
    });
  }
}

export function messageOf(fields: Fields): Buffer {
  const parts = Object.entries(fields).flatMap(([field, value]) =>
    typeof value === "number"
      ? [...varint((Number(field) << 3) | VARINT), ...varint(value)]
      : [...varint((Number(field) << 3) | BYTES), ...varint(value.length), ...value],
  );
  const header = Buffer.alloc(GRPC_HEADER_BYTES);
  header.writeUInt32BE(parts.length, 1);
  return Buffer.concat([header, Uint8Array.from(parts)]);
}

/** Numbers are passed over. */
export function bytesIn(message: Uint8Array): ReadonlyMap<number, Uint8Array> {
  const found = new Map<number, Uint8Array>();
  let at = 0;
  const number = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 0x80) {
      const byte = message[at++] ?? 0;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const tag = number();
    const value = number();
    if ((tag & 7) === VARINT) continue;
    found.set(tag >>> 3, message.subarray(at, at + value));
    at += value;
  }
  return found;
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return [...bytes, rest];
}
