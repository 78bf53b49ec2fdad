/** A load generator for the bare echo: puts of the same size, all of one turn of the event loop in one frame. */
import { WebSocket } from "ws";
import { serveGenerator } from "../workloads/serve-generator.ts";
import type { Finished, Target } from "../workloads/target.ts";
import { nodeClock } from "../../machine/runtime/index.ts";

/** About what the client protocol adds to key and value. */
const ECHO_OVERHEAD_BYTES = 16;

class EchoConnection {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, Finished>();
  #next = 0;
  #out: Buffer[] = [];
  #open = false;

  constructor(host: string, port: number) {
    this.#socket = new WebSocket(`ws://${host}:${port}`, { perMessageDeflate: false });
    this.#socket.on("open", () => {
      this.#open = true;
      this.#flush();
    });
    this.#socket.on("message", (data) => this.#onFrame(data as Buffer));
  }

  put(key: Uint8Array, value: Uint8Array, done: Finished): void {
    const id = (this.#next = (this.#next + 1) >>> 0);
    this.#waiting.set(id, done);
    const message = Buffer.allocUnsafe(ECHO_OVERHEAD_BYTES + key.length + value.length);
    message.writeUInt32LE(id, 0);
    message.writeUInt32LE(message.length, 4);
    message.set(key, ECHO_OVERHEAD_BYTES);
    message.set(value, ECHO_OVERHEAD_BYTES + key.length);
    this.#out.push(message);
    if (this.#out.length === 1 && this.#open) queueMicrotask(() => this.#flush());
  }

  close(): void {
    this.#socket.terminate();
  }

  #flush(): void {
    if (this.#out.length === 0) return;
    const frame = Buffer.concat(this.#out);
    this.#out = [];
    this.#socket.send(frame, { binary: true });
  }

  #onFrame(frame: Buffer): void {
    for (let at = 0; at < frame.length; at += frame.readUInt32LE(at + 4)) {
      const id = frame.readUInt32LE(at);
      const done = this.#waiting.get(id);
      this.#waiting.delete(id);
      done?.(null);
    }
  }
}

serveGenerator(({ nodes, connections }): Target => {
  const opened = Array.from({ length: connections }, (_, i) => {
    const node = nodes[i % nodes.length];
    if (node === undefined) throw new Error("there is no echo server");
    return new EchoConnection(node.host, node.port);
  });
  return {
    put: (caller, key, value, done) => opened[caller % opened.length]?.put(key, value, done),
    get: (_caller, _key, _local, done) => queueMicrotask(() => done("an echo has no gets")),
    close: () => opened.forEach((connection) => connection.close()),
  };
}, nodeClock);
