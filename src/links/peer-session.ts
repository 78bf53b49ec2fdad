/** One session between two nodes: an established connection, the frames that go over it, and their counters. */
import type { CancelTimer, Clock, Connection, ConnectionHandlers } from "../machine/ports/index.ts";
import { latencyBucket } from "../base/index.ts";
import { DecodeError } from "../protocol/codec/index.ts";
import {
  type LongMessage,
  PeerFrameReader,
  type PeerFrameSink,
  PeerFrameWriter,
} from "../protocol/peer/index.ts";
import type { LinkCounters } from "./link-status.ts";
import { LongMessages } from "./long-messages.ts";

/**
 * Some tens of milliseconds' worth on a fast network. It is also the most that leaves in one round of the event loop, and under
 * overload a round takes a tenth of a second: with 1 MiB, followers fell behind and leaders changed.
 */
const CONNECTION_BYTES_MAX = 8 * 1024 * 1024;
const GO_ON_MS = 1;

export interface PeerSessionOptions {
  readonly connection: Connection;
  /** Chosen by the accepting side for this session alone. */
  readonly session: number;
  readonly clock: Clock;
  readonly frameBytesMax: number;
  readonly messageBytesMax: number;
  readonly sliceBytes: number;
  /** Between two measurements of the round trip. */
  readonly pingIntervalMs: number;
  readonly counters: LinkCounters;
}

export interface PeerSessionHandlers {
  /** One message, whole; a view of its frame where it came in one. @throws DecodeError to end the session */
  onMessage(bytes: Uint8Array): void;
  onRenewed(): void;
  /** The peer sent what no peer sends: the session is over. Followed by onEnd. */
  onMalformed(reason: string): void;
  /** Once, last; never from within a call. */
  onEnd(reason: string): void;
}

export class PeerSession implements ConnectionHandlers {
  readonly startedMs: number;
  roundTripMs: number | null = null;
  readonly #options: PeerSessionOptions;
  readonly #handlers: PeerSessionHandlers;
  readonly #writer: PeerFrameWriter;
  readonly #reader: PeerFrameReader;
  readonly #long: LongMessages;
  readonly #sink: PeerFrameSink;
  #cancelPing: () => void = () => {};
  #ending = false;
  /** A later `flush` is due. */
  #goesOn = false;
  #cancelGoOn: CancelTimer = () => {};

  constructor(options: PeerSessionOptions, handlers: PeerSessionHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    this.startedMs = options.clock.now();
    this.#writer = new PeerFrameWriter(options.session, options.frameBytesMax);
    this.#reader = new PeerFrameReader(options.session, options.messageBytesMax);
    this.#long = new LongMessages({
      clock: options.clock,
      sliceBytes: Math.min(options.sliceBytes, this.#writer.sliceBytesMax),
      bufferedBytes: () => this.bufferedBytes(),
      send: (slice, last) => {
        this.#writer.addSlice(slice, last);
        this.flush();
      },
    });
    this.#sink = {
      message: (bytes) => {
        if (!this.#ending) handlers.onMessage(bytes);
      },
      renewed: () => {
        if (!this.#ending) handlers.onRenewed();
      },
      ping: (token) => {
        this.#writer.addPong(token);
        this.flush();
      },
      pong: (token) => this.#onPong(token),
    };
    this.#schedulePing();
  }

  /** False once it has been asked to end, although onEnd may be still to come. */
  get active(): boolean {
    return !this.#ending;
  }

  get remote(): string {
    return this.#options.connection.remote;
  }

  /** Bytes accepted from our side and not yet handed to the operating system. */
  bufferedBytes(): number {
    return this.#writer.pendingBytes + this.#options.connection.bufferedBytes();
  }

  addMessage(bytes: Uint8Array): void {
    if (!this.#ending) this.#writer.addMessage(bytes);
  }

  /** Overtakes what waits for the connection. */
  addUrgent(bytes: Uint8Array): void {
    if (!this.#ending) this.#writer.addUrgent(bytes);
  }

  /** @returns false when a message of the same key is under way, which serves as well */
  addLong(message: LongMessage): boolean {
    return !this.#ending && this.#long.add(message);
  }

  addRenewed(): void {
    if (!this.#ending) this.#writer.addRenewed();
  }

  /**
   * Sends what was added, as far as the connection has room, and the rest once it has room again. Nothing can overtake bytes
   * that the connection already holds.
   */
  flush(): void {
    if (this.#ending || this.#writer.pendingBytes === 0) return;
    const { connection, counters, clock } = this.#options;
    const room = Math.max(0, CONNECTION_BYTES_MAX - connection.bufferedBytes());
    for (const frame of this.#writer.take(room)) {
      counters.framesOut += 1;
      counters.bytesOut += frame.length;
      connection.send(frame);
    }
    if (this.#writer.pendingBytes === 0 || this.#goesOn) return;
    this.#goesOn = true;
    this.#cancelGoOn = clock.after(GO_ON_MS, () => {
      this.#goesOn = false;
      this.flush();
    });
  }

  /** Says why to the other side, after what is queued. */
  close(reason: string): void {
    this.#stop();
    this.#options.connection.close(reason);
  }

  /** Drops what is queued. */
  destroy(): void {
    this.#stop();
    this.#options.connection.destroy();
  }

  onFrame(frame: Uint8Array): void {
    if (this.#ending) return;
    const { counters } = this.#options;
    counters.framesIn += 1;
    counters.bytesIn += frame.length;
    try {
      this.#reader.read(frame, this.#sink);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      const reason = `malformed frame: ${error.message}`;
      this.#handlers.onMalformed(reason);
      this.close(reason);
    }
  }

  onClose(reason: string): void {
    this.#stop();
    this.#handlers.onEnd(reason);
  }

  #stop(): void {
    this.#ending = true;
    this.#cancelPing();
    this.#cancelGoOn();
    this.#long.stop();
  }

  #schedulePing(): void {
    this.#cancelPing = this.#options.clock.after(this.#options.pingIntervalMs, () => {
      const token = new Uint8Array(8);
      new DataView(token.buffer).setFloat64(0, this.#options.clock.now());
      this.#writer.addPing(token);
      this.flush();
      this.#schedulePing();
    });
  }

  #onPong(token: Uint8Array): void {
    if (token.length !== 8) throw new DecodeError("pong without our token");
    const sentMs = new DataView(token.buffer, token.byteOffset).getFloat64(0);
    const roundTripMs = this.#options.clock.now() - sentMs;
    if (!(roundTripMs >= 0)) throw new DecodeError("pong before its ping");
    this.roundTripMs = roundTripMs;
    const { counters } = this.#options;
    const bucket = latencyBucket(roundTripMs);
    counters.roundTrips[bucket] = (counters.roundTrips[bucket] ?? 0) + 1;
    counters.roundTripsMs += roundTripMs;
  }
}
