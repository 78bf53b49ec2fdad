/**
 * The Network port within one process: a dialer whose address is listened to in this process hands its frames over in memory.
 * The listener sees connections like any other, and the same limits hold as on a wire.
 *
 * Invariants:
 *   INDOOR-1. Handlers are never called from within a call of the port, nor after onClose.
 *   INDOOR-2. Frames of one connection arrive in order, once, whole, each as it was handed in: nothing is copied.
 *   INDOOR-3. Each delivery waits for a turn of the event loop of its own, so that two sides that talk without end do not
 *       block the others.
 */
import { HANDSHAKE_BYTES_MAX, hostPort } from "../base/index.ts";
import { FRAME_BYTES_MAX, truncateReason } from "../machine/network/index.ts";
import type {
  Address,
  Channel,
  Connection,
  ConnectionHandlers,
  DialHandlers,
  Listener,
  Network,
} from "../machine/ports/index.ts";

/** The words of web sockets for a connection that ended without a reason. */
const ENDED = "connection ended (1006)";

interface Entry {
  readonly channels: readonly Channel[];
  readonly accept: (connection: Connection, channel: Channel) => ConnectionHandlers;
  readonly ends: Set<IndoorEnd>;
}

export class IndoorNetwork implements Network {
  readonly #entries = new Map<string, Entry>();
  #nextPort = 1;

  dial(address: Address, channel: Channel, handlers: DialHandlers): Connection {
    const dialer = new IndoorEnd("in this process", channel);
    dialer.handlers = handlers;
    setImmediate(() => {
      if (!dialer.alive) return;
      const entry = this.#entries.get(hostPort(address));
      if (entry === undefined || !entry.channels.includes(channel)) {
        return dialer.end(`nobody listens for ${channel}s at ${hostPort(address)}`);
      }
      const acceptor = new IndoorEnd("in this process", channel);
      acceptor.joins(dialer);
      for (const end of [dialer, acceptor]) {
        entry.ends.add(end);
        end.onGone = () => entry.ends.delete(end);
      }
      acceptor.handlers = entry.accept(acceptor, channel);
      handlers.onOpen();
    });
    return dialer;
  }

  listen(
    address: Address,
    channels: readonly Channel[],
    accept: (connection: Connection, channel: Channel) => ConnectionHandlers,
    ready: (result: Listener | Error) => void,
  ): void {
    const own = address.port === 0 ? { ...address, port: this.#nextPort++ } : address;
    const key = hostPort(own);
    if (this.#entries.has(key)) {
      setImmediate(() => ready(new Error(`address in use: ${key}`)));
      return;
    }
    const entry: Entry = { channels, accept, ends: new Set() };
    this.#entries.set(key, entry);
    const close = (done: () => void): void => {
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
      for (const end of entry.ends) end.end(ENDED);
      setImmediate(done);
    };
    setImmediate(() => ready({ address: own, close }));
  }
}

type Delivery =
  | { readonly kind: "frame"; readonly frame: Uint8Array }
  | { readonly kind: "close"; readonly reason: string };

class IndoorEnd implements Connection {
  readonly remote: string;
  readonly #channel: Channel;
  handlers: ConnectionHandlers | null = null;
  onGone: () => void = () => {};
  #peer: IndoorEnd | null = null;
  #state: "open" | "closing" | "closed" = "open";
  #inbox: Delivery[] = [];
  #inboxBytes = 0;
  #unheardBytes = 0;
  #admitted = false;
  #paused = false;
  #scheduled = false;

  constructor(remote: string, channel: Channel) {
    this.remote = remote;
    this.#channel = channel;
  }

  get alive(): boolean {
    return this.#state === "open";
  }

  joins(other: IndoorEnd): void {
    this.#peer = other;
    other.#peer = this;
  }

  /** Nothing lies between two ends in one process, and there is no wire that could prove anything. */
  security(): null {
    return null;
  }

  send(frame: Uint8Array): void {
    if (this.#state !== "open" || this.#peer === null) return;
    this.#peer.#take({ kind: "frame", frame });
  }

  bufferedBytes(): number {
    return this.#peer === null ? 0 : this.#peer.#inboxBytes;
  }

  /** Frames come whole. */
  unfinishedBytes(): number {
    return 0;
  }

  admit(): void {
    this.#admitted = true;
  }

  /** A client in the same process takes no stranger's place. */
  estrange(): void {}

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#schedule();
  }

  close(reason: string): void {
    if (this.#state !== "open") return;
    if (this.#peer !== null) this.#peer.#take({ kind: "close", reason: truncateReason(reason) });
    this.#goes(reason);
  }

  destroy(): void {
    if (this.#state !== "open") return;
    this.#peer?.end(ENDED);
    this.#goes("ended here");
  }

  /** Ends it from outside, at once: frames under way are lost. */
  end(reason: string): void {
    if (this.#state === "open") this.#goes(reason);
  }

  #goes(reason: string): void {
    this.#state = "closing";
    this.#inbox = [];
    this.#inboxBytes = 0;
    setImmediate(() => this.#ended(reason));
  }

  #ended(reason: string): void {
    this.#state = "closed";
    this.onGone();
    this.handlers?.onClose(reason);
  }

  #take(delivery: Delivery): void {
    if (this.#state !== "open") return;
    this.#inbox.push(delivery);
    if (delivery.kind === "frame") this.#inboxBytes += delivery.frame.length;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#inbox.length === 0) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#deliver();
    });
  }

  /** Delivers the frames that are here now; later ones have a turn of their own (INDOOR-3). */
  #deliver(): void {
    let taken = 0;
    const count = this.#inbox.length;
    const inbox = this.#inbox;
    while (taken < count && this.#state === "open" && !this.#paused) {
      const delivery = inbox[taken];
      taken += 1;
      if (delivery === undefined) break;
      if (delivery.kind === "frame") this.#hand(delivery.frame);
      else this.#goes(delivery.reason);
    }
    // An end that has gone has another inbox, an empty one.
    if (this.#inbox === inbox) this.#inbox.splice(0, taken);
    if (!this.#paused) this.#schedule();
  }

  #hand(frame: Uint8Array): void {
    this.#inboxBytes -= frame.length;
    if (frame.length > FRAME_BYTES_MAX[this.#channel])
      return this.close("Max payload size exceeded");
    if (!this.#admitted) {
      this.#unheardBytes += frame.length;
      if (this.#unheardBytes > HANDSHAKE_BYTES_MAX)
        return this.close("too much before the handshake");
    }
    this.handlers?.onFrame(frame);
  }
}
