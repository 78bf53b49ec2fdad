/** The link to one peer: dials or is dialed, keeps one session, and lets messages through as the drop table says. */
import { assert, type Secrets, TLS_TROUBLE } from "../base/index.ts";
import type { NodeId } from "../omnipaxos/index.ts";
import type {
  Address,
  Clock,
  Connection,
  ConnectionHandlers,
  Logger,
  Network,
  Random,
  StrangerLog,
} from "../machine/ports/index.ts";
import type { Hello } from "../protocol/handshake/index.ts";
import {
  asLongMessage,
  decodePeerMessage,
  encodePeerMessage,
  type LongMessage,
  type PeerMessage,
} from "../protocol/peer/index.ts";
import { DelayLine } from "./delay-line.ts";
import type { Direction, DropTable } from "./drop-table.ts";
import {
  dialWithHandshake,
  type HandshakeFailure,
  type HandshakeOutcome,
  type Refusal,
} from "./handshake/index.ts";
import { newLinkCounters, type LinkStatus } from "./link-status.ts";
import type {
  PeerLinksHandlers,
  PeerLinksLimits,
  PeerLinksOptions,
  PeerPresence,
} from "./peer-links-options.ts";
import { PeerSession } from "./peer-session.ts";
import { presenceIn } from "./presence-in.ts";

export interface PeerLinkOptions {
  readonly nodeId: NodeId;
  readonly peer: NodeId;
  readonly address: Address;
  readonly self: () => Omit<Hello, "authenticates" | "bound" | "nonce">;
  readonly presence: PeerLinksOptions["presence"];
  readonly secret: Secrets;
  readonly network: Network;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly strangers: StrangerLog;
  readonly table: DropTable;
  readonly limits: PeerLinksLimits;
  readonly checkRemote: (remote: Hello) => Refusal | null;
}

export class PeerLink {
  readonly #options: PeerLinkOptions;
  readonly #handlers: PeerLinksHandlers;
  readonly #counters = newLinkCounters();
  readonly #draw: () => number;
  /** What is delayed on purpose. Belongs to the session, and is forgotten with it. */
  readonly #lines: Readonly<Record<Direction, DelayLine>>;
  #session: PeerSession | null = null;
  /** The disk that the session is, or was last, with. */
  #presence: PeerPresence | null = null;
  #dialed: Connection | null = null;
  #cancelDial: () => void = () => {};
  /** Attempts since a session that lasted. */
  #attempts = 0;
  #reason: string | null = "not connected yet";
  #changedMs: number;
  #lastLogged = "";
  #renewing = false;
  #stopped = false;

  constructor(options: PeerLinkOptions, handlers: PeerLinksHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    this.#changedMs = options.clock.now();
    this.#draw = () => options.random.uint32();
    this.#lines = { in: new DelayLine(options.clock), out: new DelayLine(options.clock) };
  }

  get connected(): boolean {
    return this.#session?.active ?? false;
  }

  /** The higher id dials, so that a pair has one connection. */
  get #dials(): boolean {
    return this.#options.nodeId > this.#options.peer;
  }

  start(): void {
    if (this.#dials) this.#dial();
  }

  stop(reason: string): void {
    this.#stopped = true;
    this.#cancelDial();
    this.#dialed?.close(reason);
    this.#session?.close(reason);
    this.#session = null;
    this.#clearLines();
  }

  /** Ends the session, which is followed by onSessionEnd and, where this node dials, a new one. */
  end(reason: string): void {
    this.#session?.close(reason);
  }

  send(message: PeerMessage): void {
    const { table, peer, limits } = this.#options;
    const session = this.#session;
    if (session === null || !session.active) {
      this.#counters.unsent += 1;
      return;
    }
    if (table.drops(peer, "out", this.#draw)) {
      this.#counters.droppedOut += 1;
      return;
    }
    const long = asLongMessage(message, limits.longMessageBytes);
    if (long !== null) return this.#sendLong(session, long);
    const bytes = encodePeerMessage(message);
    if (bytes.length > limits.messageBytesMax) {
      return this.#overflow(session, `${message.type} of ${bytes.length} bytes`);
    }
    const buffered = session.bufferedBytes() + this.#lines.out.bytes;
    if (buffered > limits.sendBufferBytesMax) return this.#overflow(session, `${buffered} bytes`);
    this.#counters.messagesOut += 1;
    const { delayMs } = table.get(peer, "out");
    const add = (): void => {
      if (isHeartbeat(message)) session.addUrgent(bytes);
      else session.addMessage(bytes);
    };
    if (this.#lines.out.passes(delayMs)) return add();
    this.#lines.out.push(delayMs, bytes.length, () => {
      add();
      // The turn whose end would flush it is long over.
      session.flush();
    });
  }

  #sendLong(session: PeerSession, message: LongMessage): void {
    const { table, peer, limits } = this.#options;
    if (2 * message.entryBytes > limits.messageBytesMax) {
      return this.#overflow(session, `${message.key} with entries of ${message.entryBytes} bytes`);
    }
    const add = (): void => {
      if (session.addLong(message)) this.#counters.messagesOut += 1;
      else this.#counters.unsent += 1;
    };
    const { delayMs } = table.get(peer, "out");
    if (this.#lines.out.passes(delayMs)) add();
    else this.#lines.out.push(delayMs, 0, add);
  }

  flush(): void {
    this.#session?.flush();
  }

  /** The drop table drops fewer messages than before: both ends begin a new session, so that each asks at once for what it lacks. */
  renew(): void {
    if (this.#renewing) return;
    this.#renewing = true;
    this.#options.clock.after(0, () => {
      this.#renewing = false;
      const session = this.#session;
      if (session === null || !session.active || this.#stopped) return;
      const { table, peer } = this.#options;
      if (!table.drops(peer, "out", this.#draw)) {
        this.#lines.out.push(table.get(peer, "out").delayMs, 0, () => {
          session.addRenewed();
          session.flush();
        });
      }
      this.#tellSession();
    });
  }

  /** A connection has completed its handshake, in which the peer said which disk it is. */
  begin(connection: Connection, sessionId: number, presence: PeerPresence): ConnectionHandlers {
    const { peer, clock, limits, logger } = this.#options;
    if (this.#stopped) {
      connection.close("node stops");
      return { onFrame: () => {}, onClose: () => {} };
    }
    const reason = "replaced by a newer connection";
    if (this.#session !== null) {
      this.#session.close(reason);
      this.#sessionEnded(reason);
    }
    this.#counters.sessions += 1;
    this.#reason = null;
    this.#changedMs = clock.now();
    this.#lastLogged = "";
    const session: PeerSession = new PeerSession(
      { connection, session: sessionId, clock, counters: this.#counters, ...limits },
      {
        onMessage: (bytes) => this.#receive(session, bytes),
        onRenewed: () => this.#receiveRenewed(session),
        onMalformed: (text) => {
          this.#counters.malformed += 1;
          logger.warn("peer sent what it must not; its connection is ended and made anew", {
            peer,
            remote: session.remote,
            reason: text,
          });
        },
        onEnd: (text) => {
          if (this.#session === session) this.#sessionEnded(text);
        },
      },
    );
    this.#session = session;
    this.#presence = presence;
    logger.info(`link to n${peer} up`, { remote: connection.remote });
    this.#tellSession();
    return session;
  }

  onRefused(refusal: Extract<HandshakeOutcome, { kind: "refusedByThem" }>, redial: boolean): void {
    const { code, text, proved, remote } = refusal;
    this.logOnce(`n${this.#options.peer} refuses this node`, code, text);
    const presence = remote?.peer ?? null;
    this.#handlers.onRefused(this.#options.peer, { code, text, proved, presence });
    if (redial) this.#redial(text, true);
  }

  /** Repeated attempts end the same way: one line in the log is enough. */
  logOnce(message: string, code: string, reason: string, remote?: string): void {
    const { peer, strangers } = this.#options;
    if (this.#lastLogged === reason) return;
    this.#lastLogged = reason;
    // Whoever dialed may only claim to be that node.
    strangers.warn(message, { peer, ...(remote === undefined ? {} : { remote }), code, reason });
  }

  status(): LinkStatus {
    const { peer, address, table, clock } = this.#options;
    const session = this.#session;
    return {
      peer,
      address: `${address.host}:${address.port}`,
      state: session === null ? "down" : "connected",
      reason: this.#reason,
      sinceMs: clock.now() - this.#changedMs,
      dials: this.#dials,
      faults: { in: table.get(peer, "in"), out: table.get(peer, "out") },
      bufferedBytes: (session?.bufferedBytes() ?? 0) + this.#lines.out.bytes,
      roundTripMs: session?.roundTripMs ?? null,
      counters: { ...this.#counters },
    };
  }

  #receive(session: PeerSession, bytes: Uint8Array): void {
    const { table, peer, limits } = this.#options;
    if (table.drops(peer, "in", this.#draw)) {
      this.#counters.droppedIn += 1;
      return;
    }
    const message = decodePeerMessage(bytes);
    this.#counters.messagesIn += 1;
    if (this.#lines.in.bytes > limits.sendBufferBytesMax) {
      return this.#overflow(session, "delayed messages");
    }
    const { delayMs } = table.get(peer, "in");
    if (this.#lines.in.passes(delayMs)) return this.#handlers.onMessage(peer, message);
    // A session that was ended, perhaps because another disk stands behind the peer now, delivers nothing any more.
    this.#lines.in.push(delayMs, bytes.length, () => {
      if (session.active) this.#handlers.onMessage(peer, message);
    });
  }

  #receiveRenewed(session: PeerSession): void {
    const { table, peer } = this.#options;
    if (table.drops(peer, "in", this.#draw)) return;
    this.#lines.in.push(table.get(peer, "in").delayMs, 0, () => {
      if (session.active) this.#tellSession();
    });
  }

  #tellSession(): void {
    if (this.#presence !== null) this.#handlers.onSession(this.#options.peer, this.#presence);
  }

  /** A hole inside a session would be worse than its end: see LINK-4. */
  #overflow(session: PeerSession, what: string): void {
    const { peer, logger } = this.#options;
    this.#counters.overflows += 1;
    this.#counters.unsent += 1;
    this.#reason = `send buffer full: ${what}`;
    logger.warn(`send buffer for n${peer} is full: session ended`, { peer, reason: what });
    session.destroy();
    this.#clearLines();
  }

  #sessionEnded(reason: string): void {
    const { peer, clock, logger } = this.#options;
    const session = this.#session;
    if (session === null || this.#stopped) return;
    this.#session = null;
    this.#clearLines();
    // A session that ends at once is no sign that the next one will do better.
    if (clock.now() - session.startedMs >= this.#options.limits.backoffMaxMs) this.#attempts = 0;
    this.#reason ??= reason;
    this.#changedMs = clock.now();
    logger.info(`link to n${peer} down`, { reason: this.#reason });
    this.#handlers.onSessionEnd(peer, this.#reason);
    this.#dialed = null;
    if (this.#dials) this.#redial(this.#reason, false);
  }

  #clearLines(): void {
    this.#lines.in.clear();
    this.#lines.out.clear();
  }

  #dial(): void {
    const { network, address, self, secret, clock, random, limits, checkRemote, presence } =
      this.#options;
    this.#dialed = dialWithHandshake((handlers) => network.dial(address, "peer", handlers), {
      clock,
      random,
      timeoutMs: limits.handshakeTimeoutMs,
      handshake: { self: self(), present: presence, secret, checkRemote },
      established: (connection, remote, session) => {
        const presence = presenceIn(remote);
        assert(presence !== null, "checkRemote lets in who names a disk");
        return this.begin(connection, session, presence);
      },
      failed: (failure) => this.#onDialFailed(failure),
    });
  }

  #onDialFailed(failure: HandshakeFailure): void {
    this.#dialed = null;
    if (this.#stopped) return;
    switch (failure.kind) {
      case "refusedByThem":
        return this.onRefused(failure, true);
      case "refusedByUs":
        this.logOnce("peer connection refused", failure.code, failure.text);
        return this.#redial(failure.text, true);
      case "ended":
        if (failure.text.startsWith(TLS_TROUBLE)) {
          this.logOnce("peer cannot be reached over TLS", "TLS", failure.text);
          return this.#redial(failure.text, true);
        }
        this.#options.logger.debug("peer not reached", {
          peer: this.#options.peer,
          reason: failure.text,
        });
        return this.#redial(failure.text, false);
    }
  }

  /** @param slowly the link will stay down until an operator acts */
  #redial(reason: string, slowly: boolean): void {
    const { clock, random, limits } = this.#options;
    if (this.#stopped) return;
    this.#reason = reason;
    const doubled = limits.backoffMinMs * 2 ** Math.min(this.#attempts, 16);
    const most = slowly ? limits.backoffMaxMs : Math.min(doubled, limits.backoffMaxMs);
    this.#attempts += 1;
    // Between half of the wait and all of it: nodes that lost each other at the same moment must not dial in step.
    const ms = most / 2 + (random.uint32() / 2 ** 32) * (most / 2);
    this.#cancelDial();
    this.#cancelDial = clock.after(ms, () => this.#dial());
  }
}

/** Elections must not wait for data: a link that carries much would look like one that is broken. */
function isHeartbeat({ type }: PeerMessage): boolean {
  return type === "heartbeatRequest" || type === "heartbeatReply";
}
