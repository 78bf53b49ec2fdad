/** SET and WAIT to Redis over TCP. All puts of one turn of the event loop go out together, and one WAIT behind them is for all of them. */
import { connect, type Socket } from "node:net";
import type { Finished } from "../workloads/target.ts";

/** For how long a WAIT waits for the replicas, in milliseconds. */
const WAIT_MS = 10_000;
const CR_LF = 2;

/** What is awaited, in the order in which it was asked for. */
type Waiting =
  | { readonly kind: "set"; error: string | null; readonly done: Finished }
  | { readonly kind: "wait"; readonly sets: readonly Extract<Waiting, { kind: "set" }>[] }
  | { readonly kind: "text"; readonly done: (text: string | null) => void };

export class RedisConnection {
  readonly #socket: Socket;
  readonly #replicas: number;
  readonly #waiting: Waiting[] = [];
  #sets: Extract<Waiting, { kind: "set" }>[] = [];
  #out: Buffer[] = [];
  #in: Buffer = Buffer.alloc(0);
  #isClosed = false;

  /** @param replicas that must have acknowledged a put before it is done */
  constructor(host: string, port: number, replicas: number) {
    this.#replicas = replicas;
    this.#socket = connect({ host, port, noDelay: true });
    this.#socket.on("data", (bytes: Buffer) => this.#take(bytes));
    this.#socket.on("error", () => {});
    this.#socket.on("close", () => this.#fail());
  }

  put(key: Uint8Array, value: Uint8Array, done: Finished): void {
    if (this.#isClosed) return queueMicrotask(() => done("CONNECTION_LOST"));
    if (this.#sets.length === 0) queueMicrotask(() => this.#flush());
    const set: Extract<Waiting, { kind: "set" }> = { kind: "set", error: null, done };
    this.#sets.push(set);
    this.#waiting.push(set);
    this.#out.push(commandOf("SET", key, value));
  }

  /** @returns null: it did not come */
  ask(...command: readonly string[]): Promise<string | null> {
    return new Promise((done) => {
      if (this.#isClosed) return done(null);
      this.#flush();
      this.#waiting.push({ kind: "text", done });
      this.#socket.write(commandOf(...command));
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #flush(): void {
    if (this.#sets.length === 0) return;
    this.#waiting.push({ kind: "wait", sets: this.#sets });
    this.#out.push(commandOf("WAIT", `${this.#replicas}`, `${WAIT_MS}`));
    this.#socket.write(Buffer.concat(this.#out));
    this.#sets = [];
    this.#out = [];
  }

  /** One line each, but for a text with its length before it. */
  #take(bytes: Buffer): void {
    this.#in = this.#in.length === 0 ? bytes : Buffer.concat([this.#in, bytes]);
    let at = 0;
    for (;;) {
      const end = this.#in.indexOf("\r\n", at);
      if (end === -1) break;
      let next = end + CR_LF;
      let text = this.#in.toString("latin1", at, end);
      if (text.startsWith("$") && text !== "$-1") {
        const length = Number(text.slice(1));
        if (this.#in.length < next + length + CR_LF) break;
        text = this.#in.toString("latin1", next, next + length);
        next += length + CR_LF;
      }
      at = next;
      this.#answer(text);
    }
    this.#in = this.#in.subarray(at);
  }

  #answer(text: string): void {
    const waiting = this.#waiting.shift();
    const error = text.startsWith("-") ? (text.slice(1).split(" ")[0] ?? "ERR") : null;
    switch (waiting?.kind) {
      case "set":
        waiting.error = error;
        break;
      case "wait": {
        const isTold = error === null && Number(text.slice(1)) >= this.#replicas;
        for (const set of waiting.sets) set.done(set.error ?? (isTold ? null : "NOT_REPLICATED"));
        break;
      }
      case "text":
        waiting.done(error === null ? text : null);
        break;
      default:
        this.#socket.destroy();
    }
  }

  #fail(): void {
    this.#isClosed = true;
    // Each once: those whose own answer is still to come stand in the list by themselves.
    const open = new Set<Extract<Waiting, { kind: "set" }>>(this.#sets);
    for (const waiting of this.#waiting.splice(0)) {
      if (waiting.kind === "set") open.add(waiting);
      else if (waiting.kind === "wait") for (const set of waiting.sets) open.add(set);
      else waiting.done(null);
    }
    for (const set of open) set.done("CONNECTION_LOST");
  }
}

function commandOf(...parts: readonly (string | Uint8Array)[]): Buffer {
  const pieces: Uint8Array[] = [Buffer.from(`*${parts.length}\r\n`)];
  for (const part of parts) {
    const bytes = typeof part === "string" ? Buffer.from(part) : part;
    pieces.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from("\r\n"));
  }
  return Buffer.concat(pieces);
}
