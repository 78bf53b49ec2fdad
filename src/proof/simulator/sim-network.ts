/**
 * A simulated network: hosts with names, and between each two of them a path in either direction with a delay, a chance
 * that a connection breaks, and cuts. Behaves as the Network port promises, no better.
 *
 * Invariants:
 *   SIMNETWORK-1. Frames of one connection arrive in order, once, whole; or the connection ends. Frames of two connections may
 *       overtake each other.
 *   SIMNETWORK-2. A path that is a black hole holds what is sent. Healed in time, it delivers (as TCP does, which repeats
 *       what was not acknowledged); after `halfOpenMs` each end gives the connection up by itself, and what was held is lost.
 *   SIMNETWORK-3. Handlers are never called from within a call of the port, nor after onClose, nor after their host crashed.
 */
import { assert } from "../../base/index.ts";
import type {
  Address,
  Channel,
  Connection,
  ConnectionHandlers,
  DialHandlers,
  Listener,
  Network,
  Random,
} from "../../machine/ports/index.ts";
import type { SimClock } from "./sim-clock.ts";

/** One direction between two hosts. */
export interface PathFaults {
  /** A frame takes from delayMinMs to delayMaxMs, drawn anew for each, but never overtakes one before it. */
  readonly delayMinMs: number;
  readonly delayMaxMs: number;
  /** Of a thousand frames, how many end their connection instead of arriving. */
  readonly breakPermille: number;
  /** `blackHole`: nothing sent from now on arrives, and neither end is told. `reset`: connections end at once and cannot be made. */
  readonly cut: "none" | "blackHole" | "reset";
  /**
   * Of a thousand frames, how many a device in between loses, repeats or holds back, which TCP would not let it: SIMNETWORK-1 does not
   * hold then, and the ends of the connection must notice.
   */
  readonly losePermille?: number;
  readonly duplicatePermille?: number;
  readonly reorderPermille?: number;
}

export const HEALTHY_PATH: PathFaults = {
  delayMinMs: 1,
  delayMaxMs: 1,
  breakPermille: 0,
  cut: "none",
};

export interface SimNetworkOptions {
  readonly clock: SimClock;
  readonly random: Random;
  /** Paths that were never set. Default: HEALTHY_PATH. */
  readonly path?: PathFaults;
  /** Silence after which an end gives up. Default 6000. */
  readonly halfOpenMs?: number;
  /** Frames arrive at whole multiples of it, as an event loop sees many at once. Default 0: each at its own time. */
  readonly quantumMs?: number;
  /** Told of every frame that is sent and that arrives. */
  readonly onFrame?: (
    stage: "sent" | "received",
    from: string,
    to: string,
    frame: Uint8Array,
    /** Of one that arrives: the end has not given its connection up. */
    isHeard: boolean,
  ) => void;
}

/** How much later than it should a frame arrives that is held back, in greatest delays. */
const HELD_BACK_DELAYS = 5;

interface ListenerEntry {
  readonly host: string;
  readonly channels: readonly Channel[];
  readonly accept: (connection: Connection, channel: Channel) => ConnectionHandlers;
}

export class SimNetwork {
  readonly clock: SimClock;
  readonly halfOpenMs: number;
  readonly onFrame: SimNetworkOptions["onFrame"];
  readonly #quantumMs: number;
  readonly #random: Random;
  readonly #defaultPath: PathFaults;
  readonly #paths = new Map<string, PathFaults>();
  readonly #listeners = new Map<string, ListenerEntry>();
  /** Where the addresses of a host lead, if not there. */
  readonly #leads = new Map<string, string>();
  readonly #links = new Set<SimLink>();
  /** Grows with each crash: what belongs to an earlier life is dead. */
  readonly #lives = new Map<string, number>();
  #nextPort = 40_000;

  constructor(options: SimNetworkOptions) {
    this.clock = options.clock;
    this.#random = options.random;
    this.#defaultPath = options.path ?? HEALTHY_PATH;
    this.halfOpenMs = options.halfOpenMs ?? 6000;
    this.onFrame = options.onFrame;
    this.#quantumMs = options.quantumMs ?? 0;
  }

  /** The network as a process on `host` sees it. Ask anew after a crash. */
  host(host: string): Network {
    const life = this.life(host);
    const alive = (): boolean => this.life(host) === life;
    return {
      dial: (address, channel, handlers) => this.#dial(host, address, channel, handlers),
      listen: (address, channels, accept, ready) => {
        const port = address.port === 0 ? this.#nextPort++ : address.port;
        const key = `${address.host}:${port}`;
        const taken = this.#listeners.has(key);
        if (!taken) this.#listeners.set(key, { host, channels, accept });
        this.clock.after(0, () => {
          if (!alive()) return;
          ready(
            taken
              ? new Error(`address in use: ${key}`)
              : this.#listener({ host: address.host, port }, key),
          );
        });
      },
    };
  }

  /** Changes one direction; what is not named stays. */
  setPath(from: string, to: string, faults: Partial<PathFaults>): void {
    const path = { ...this.path(from, to), ...faults };
    assert(path.delayMinMs <= path.delayMaxMs, "the least delay is not above the greatest");
    this.#paths.set(pathKey(from, to), path);
    for (const link of this.#links) if (link.uses(from, to)) link.onPathChange();
  }

  path(from: string, to: string): PathFaults {
    return this.#paths.get(pathKey(from, to)) ?? this.#defaultPath;
  }

  /**
   * The process on `host` is gone, and its handlers with it. `silent`: so is the machine, which tells nobody; otherwise
   * the operating system ends the connections.
   */
  crash(host: string, silent = false): void {
    this.#lives.set(host, this.life(host) + 1);
    for (const [key, entry] of this.#listeners)
      if (entry.host === host) this.#listeners.delete(key);
    for (const link of this.#links) link.onCrash(host, silent);
  }

  /** Ends every connection between two hosts, at both ends. */
  breakConnections(a: string, b: string): void {
    for (const link of this.#links) {
      if (link.uses(a, b) || link.uses(b, a)) link.breakAt("connection broken", 0);
    }
  }

  /** From now on whoever dials an address of `host` comes to the other one; null: to `host` again. Connections stay. */
  lead(host: string, other: string | null): void {
    if (other === null) this.#leads.delete(host);
    else this.#leads.set(host, other);
  }

  /** Connections under way or open, for tests. */
  get connectionCount(): number {
    return this.#links.size;
  }

  life(host: string): number {
    return this.#lives.get(host) ?? 0;
  }

  /** A delay for one frame on a path. */
  drawDelay(path: PathFaults): number {
    const span = path.delayMaxMs - path.delayMinMs;
    return path.delayMinMs + (span === 0 ? 0 : (this.#random.uint32() / 2 ** 32) * span);
  }

  /** When what is due at `time` arrives. */
  arrival(time: number): number {
    return this.#quantumMs === 0 ? time : Math.ceil(time / this.#quantumMs) * this.#quantumMs;
  }

  /** True as often as asked for; draws only when the answer is open. */
  draw(permille = 0): boolean {
    return permille > 0 && this.#random.uint32() % 1000 < permille;
  }

  #listener(address: Address, key: string): Listener {
    const entry = this.#listeners.get(key);
    return {
      address,
      close: (done) => {
        if (this.#listeners.get(key) === entry) this.#listeners.delete(key);
        for (const link of this.#links)
          if (link.listenerKey === key) link.breakAt("server closed", 0);
        this.clock.after(0, done);
      },
    };
  }

  #dial(host: string, address: Address, channel: Channel, handlers: DialHandlers): Connection {
    const target = this.#leads.get(address.host) ?? address.host;
    const key = `${target}:${address.port}`;
    const entry = this.#listeners.get(key);
    const server = entry?.host ?? target;
    const link = new SimLink(this, host, server, key, () => this.#links.delete(link));
    this.#links.add(link);
    link.dialer.handlers = handlers;
    const there = this.path(host, server);
    const back = this.path(server, host);
    const cuts = [there.cut, back.cut];
    if (cuts.includes("reset")) {
      link.breakAt("connection refused", this.drawDelay(there));
      return link.dialer;
    }
    if (cuts.includes("blackHole")) {
      link.breakAt("dial timed out", this.halfOpenMs);
      return link.dialer;
    }
    this.clock.after(this.drawDelay(there), () => {
      if (link.dialer.ended || link.acceptor.ended) return;
      const listener = this.#listeners.get(key);
      if (listener === undefined || !listener.channels.includes(channel)) {
        link.breakAt("connection refused", this.drawDelay(back));
        return;
      }
      const backMs = this.drawDelay(back);
      link.acceptor.adopt(this.clock.now() + backMs);
      link.acceptor.handlers = listener.accept(link.acceptor, channel);
      this.clock.after(backMs, () => {
        if (!link.dialer.alive) return;
        link.open = true;
        handlers.onOpen();
      });
    });
    return link.dialer;
  }
}

function pathKey(from: string, to: string): string {
  return `${from}>${to}`;
}

/** One connection: two ends, and what travels between them. */
class SimLink {
  readonly network: SimNetwork;
  readonly dialer: SimEnd;
  readonly acceptor: SimEnd;
  readonly listenerKey: string;
  open = false;
  readonly #onGone: () => void;
  #cancelHalfOpen: (() => void) | null = null;

  constructor(
    network: SimNetwork,
    from: string,
    to: string,
    listenerKey: string,
    onGone: () => void,
  ) {
    this.network = network;
    this.listenerKey = listenerKey;
    this.#onGone = onGone;
    this.dialer = new SimEnd(this, from, to);
    this.acceptor = new SimEnd(this, to, from);
  }

  get ended(): boolean {
    return this.dialer.ended && this.acceptor.ended;
  }

  uses(from: string, to: string): boolean {
    return [this.dialer, this.acceptor].some((end) => end.host === from && end.remote === to);
  }

  other(end: SimEnd): SimEnd {
    return end === this.dialer ? this.acceptor : this.dialer;
  }

  /** Each end learns after `ms` that it is over. */
  breakAt(reason: string, ms: number): void {
    for (const end of [this.dialer, this.acceptor]) end.endAfter(reason, ms);
  }

  onPathChange(): void {
    const cuts = [this.dialer.path.cut, this.acceptor.path.cut];
    if (cuts.includes("reset")) return this.breakAt("connection reset", 0);
    for (const end of [this.dialer, this.acceptor]) end.releaseHeld();
    if (!cuts.includes("blackHole")) {
      this.#cancelHalfOpen?.();
      this.#cancelHalfOpen = null;
    } else {
      this.#cancelHalfOpen ??= this.network.clock.after(this.network.halfOpenMs, () =>
        this.breakAt("no answer to pings", 0),
      );
    }
  }

  onCrash(host: string, silent: boolean): void {
    for (const end of [this.dialer, this.acceptor]) {
      if (end.host !== host || end.ended) continue;
      end.ended = true;
      const other = this.other(end);
      if (silent) other.endAfter("no answer to pings", this.network.halfOpenMs);
      else other.endInOrder("connection lost");
    }
    this.dropIfEnded();
  }

  dropIfEnded(): void {
    if (!this.ended) return;
    this.#cancelHalfOpen?.();
    this.#onGone();
  }
}

class SimEnd implements Connection {
  readonly host: string;
  readonly remote: string;
  handlers: ConnectionHandlers | null = null;
  ended = false;
  readonly #link: SimLink;
  #life: number;
  /** Nothing that we send arrives before this. */
  #lastArrival = 0;
  #held: (Uint8Array | { readonly close: string })[] = [];
  #heldBytes = 0;
  #closing = false;
  #severed = false;

  constructor(link: SimLink, host: string, remote: string) {
    this.#link = link;
    this.host = host;
    this.remote = remote;
    this.#life = link.network.life(host);
  }

  /** The path of what this end sends. */
  get path(): PathFaults {
    return this.#link.network.path(this.host, this.remote);
  }

  get alive(): boolean {
    return !this.ended && this.#link.network.life(this.host) === this.#life;
  }

  /**
   * The host may have crashed and come back between the dial and its arrival.
   * @param opens when the dialer learns of it: nothing that is sent to it arrives before
   */
  adopt(opens: number): void {
    this.#lastArrival = opens;
    this.#life = this.#link.network.life(this.host);
  }

  send(frame: Uint8Array): void {
    const opened = this === this.#link.acceptor || this.#link.open;
    if (!this.alive || this.#closing || !opened) return;
    this.#link.network.onFrame?.("sent", this.host, this.remote, frame, true);
    this.#transmit(frame);
  }

  bufferedBytes(): number {
    return this.#heldBytes;
  }

  /** Only the simulator stands between the two sides. */
  security(): null {
    return null;
  }

  /** Frames arrive whole. */
  unfinishedBytes(): number {
    return 0;
  }

  /** There are no strangers here. */
  admit(): void {}

  estrange(): void {}

  /** What is on its way comes all the same, as the port allows: everything is. */
  pause(): void {}

  resume(): void {}

  close(reason: string): void {
    if (!this.alive || this.#closing) return;
    this.#closing = true;
    this.#transmit({ close: reason });
    this.endAfter(reason, 0);
  }

  destroy(): void {
    if (!this.alive) return;
    this.#closing = true;
    this.#transmit({ close: "connection lost" });
    this.endAfter("ended here", 0);
  }

  endAfter(reason: string, ms: number): void {
    this.#link.network.clock.after(ms, () => this.#end(reason));
  }

  /** Ends this end after what is on its way to it has arrived. */
  endInOrder(reason: string): void {
    this.#link.other(this).#transmit({ close: reason });
  }

  releaseHeld(): void {
    if (this.path.cut !== "none") return;
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    for (const item of held) this.#transmit(item);
  }

  #transmit(item: Uint8Array | { readonly close: string }): void {
    const { path } = this;
    const { network } = this.#link;
    if (this.#severed) return;
    if (path.cut !== "none" || this.#held.length > 0) {
      this.#held.push(item);
      if (item instanceof Uint8Array) this.#heldBytes += item.length;
      // The other end hears nothing of a close in a black hole, and gives up by itself.
      else if (path.cut === "blackHole") {
        this.#link.other(this).endAfter("no answer to pings", network.halfOpenMs);
      }
      return;
    }
    if (item instanceof Uint8Array) {
      if (network.draw(path.breakPermille)) {
        // What is sent before the ends notice is lost too: SIMNETWORK-1.
        this.#severed = true;
        this.#link.breakAt("connection broken", network.drawDelay(path));
        return;
      }
      if (network.draw(path.losePermille)) return;
      if (network.draw(path.reorderPermille)) {
        const lateMs = network.drawDelay(path) + path.delayMaxMs * HELD_BACK_DELAYS;
        network.clock.after(lateMs, () => this.#link.other(this).#arrive(item));
        return;
      }
      if (network.draw(path.duplicatePermille)) this.#travel(item, path);
    }
    this.#travel(item, path);
  }

  /** SIMNETWORK-1: behind what is already on its way. */
  #travel(item: Uint8Array | { readonly close: string }, path: PathFaults): void {
    const { network } = this.#link;
    const { clock } = network;
    const due = network.arrival(clock.now() + network.drawDelay(path));
    const arrival = Math.max(this.#lastArrival, due);
    this.#lastArrival = arrival;
    const other = this.#link.other(this);
    clock.after(arrival - clock.now(), () => other.#arrive(item));
  }

  #arrive(item: Uint8Array | { readonly close: string }): void {
    if (!this.alive) return;
    if (!(item instanceof Uint8Array)) return this.#end(item.close);
    this.#link.network.onFrame?.("received", this.remote, this.host, item, !this.#closing);
    if (!this.#closing) this.handlers?.onFrame(item);
  }

  #end(reason: string): void {
    if (this.ended) return;
    const alive = this.alive;
    this.ended = true;
    this.#closing = true;
    const { handlers } = this;
    this.#link.dropIfEnded();
    if (alive) handlers?.onClose(reason);
  }
}
