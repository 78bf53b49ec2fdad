/** Which of a node's services a connection speaks to. */
export type Channel = "peer" | "client" | "admin";

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** What the wire itself proves and hides, where it is encrypted. */
export interface WireSecurity {
  /**
   * Only the two ends of this connection know it, and each other connection has another one: an attacker between two connections has two
   * of them. A proof that is made over it is good for this connection only.
   */
  readonly binding: Uint8Array;
  /**
   * Whether the certificate of the other side is good for a host.
   * @returns why it is not; null: it is, or the other side need not show any
   */
  wrongHost(host: string): string | null;
  /**
   * The common name of the certificate that the other side has shown and this side has asked for and checked. Null or left out:
   * none.
   */
  readonly commonName?: string | null;
}

/**
 * One side of a connection that carries whole binary frames, first in first out. It may end at any time and lose what
 * was in flight; nothing is delivered twice or out of order. Half-open connections end by themselves after a deadline.
 *
 * The other side is a stranger until it is admitted: it may send HANDSHAKE_BYTES_MAX altogether, has some seconds, and is
 * one of a bounded number, of which the oldest goes when there are more. It may become a stranger again: see `estrange`.
 */
export interface Connection {
  /** For logs: where the other side is. */
  readonly remote: string;
  /** Once it is open. Null: anybody between the two sides can read and change the frames, or this side cannot tell. */
  security(): WireSecurity | null;
  /** Queues one frame. Ignored once the connection has ended. The bytes must not change afterwards. */
  send(frame: Uint8Array): void;
  /** Bytes queued and not yet handed to the operating system. */
  bufferedBytes(): number;
  /** Bytes that came in of a frame that is not whole yet. */
  unfinishedBytes(): number;
  /** The other side has proved itself: it may send what the channel allows, and is no stranger any more. */
  admit(): void;
  /**
   * The other side has shaken hands, and has still to prove who it is: until it is admitted again it has as many seconds as any stranger
   * and counts as one. It may send as much as before.
   */
  estrange(): void;
  /** Takes nothing more from the wire until `resume`, so that the other side has to wait. Frames that were read already still come. */
  pause(): void;
  resume(): void;
  /** Ends the connection after what is queued; the other side sees `reason` (at most 120 bytes of it). */
  close(reason: string): void;
  /** Ends it at once. */
  destroy(): void;
}

export interface ConnectionHandlers {
  /** The frame is only valid during the call unless copied: it may be a view of a larger buffer, but is never overwritten. */
  onFrame(frame: Uint8Array): void;
  /** Exactly once, last. Also when a dial fails. */
  onClose(reason: string): void;
}

export interface DialHandlers extends ConnectionHandlers {
  onOpen(): void;
}

export interface Listener {
  readonly address: Address;
  /** Stops accepting and ends all accepted connections; calls back when the port is free. */
  close(done: () => void): void;
}

export interface Network {
  dial(address: Address, channel: Channel, handlers: DialHandlers): Connection;
  /**
   * @param accept called for each new connection on one of `channels`; returns its handlers
   * @param ready called with the listener, or with the error when the address cannot be had
   */
  listen(
    address: Address,
    channels: readonly Channel[],
    accept: (connection: Connection, channel: Channel) => ConnectionHandlers,
    ready: (result: Listener | Error) => void,
  ): void;
}
