/**
 * This node's links to its peers: one supervised session per pair, the drop table, and what the node says of them.
 *
 * Invariants:
 *   LINK-1. At most one session per peer. A newer connection of the same peer replaces it: the dialer has given the old up.
 *   LINK-2. Within a session messages arrive in the order of `send`, each once; only what the drop table takes is missing,
 *       unless the session ends. Exceptions: other messages overtake long ones (see LongMessages), and heartbeats overtake
 *       all others.
 *   LINK-3. onSession is called at both ends when a session begins, and again when a link that lost messages on purpose is
 *       made whole, after everything that the peer sent before.
 *   LINK-4. Bytes buffered per peer are bounded by sendBufferBytesMax and one message; overflow ends the session. Of a long
 *       message only some slices are buffered; the rest of it are views of entries in the log.
 *   LINK-5. Handlers are never called from within a call of this object, nor after stop().
 *   LINK-6. Where nodes must show certificates, the dialer's certificate names the host at which this node would dial it.
 *   LINK-7. A session begins only with a peer that is welcome at that moment. While it shook hands, a session with another process of
 *       the same id, on a copy of its disk, may have told more than it knows.
 */
import { assert, BROKEN, type LinkFault, NO_FAULT } from "../base/index.ts";
import type { NodeId } from "../omnipaxos/index.ts";
import { type Connection, type ConnectionHandlers, StrangerLog } from "../machine/ports/index.ts";
import type { Hello } from "../protocol/handshake/index.ts";
import type { PeerMessage } from "../protocol/peer/index.ts";
import { DIRECTIONS, DropTable, type Direction, type LinkFaultEntry } from "./drop-table.ts";
import { acceptWithHandshake, type HandshakeFailure, type Refusal } from "./handshake/index.ts";
import type { LinkStatus } from "./link-status.ts";
import { PeerLink } from "./peer-link.ts";
import { presenceIn } from "./presence-in.ts";
import {
  PEER_LINKS_LIMITS,
  type PeerLinksHandlers,
  type PeerLinksLimits,
  type PeerLinksOptions,
} from "./peer-links-options.ts";

const IGNORE: ConnectionHandlers = { onFrame: () => {}, onClose: () => {} };

export class PeerLinks {
  readonly #options: PeerLinksOptions;
  readonly #limits: PeerLinksLimits;
  readonly #table = new DropTable();
  readonly #links = new Map<NodeId, PeerLink>();
  readonly #strangers: StrangerLog;
  readonly #shaking = new Set<Connection>();
  #stopped = false;

  constructor(options: PeerLinksOptions, handlers: PeerLinksHandlers) {
    this.#options = options;
    this.#strangers = options.strangers ?? new StrangerLog(options.logger, options.clock);
    this.#limits = { ...PEER_LINKS_LIMITS, ...options.limits };
    assert(!options.peers.has(options.nodeId), "a node is not its own peer");
    for (const [peer, address] of options.peers) {
      const link = new PeerLink(
        {
          ...options,
          strangers: this.#strangers,
          peer,
          address,
          table: this.#table,
          limits: this.#limits,
          self: () => ({ ...this.#self(), targetId: peer }),
          checkRemote: (remote) => this.#checkRemote(remote),
        },
        handlers,
      );
      this.#links.set(peer, link);
    }
  }

  get peers(): readonly NodeId[] {
    return [...this.#links.keys()];
  }

  /** Begins to dial. The owner listens, and hands each connection on the peer channel to `accept`. */
  start(): void {
    for (const link of this.#links.values()) link.start();
  }

  /** Ends all sessions. No handler is called any more. */
  stop(reason = "node stops"): void {
    this.#stopped = true;
    for (const link of this.#links.values()) link.stop(reason);
    for (const connection of this.#shaking) connection.close(reason);
  }

  /** A connection came in on the peer channel. */
  accept(connection: Connection): ConnectionHandlers {
    if (this.#stopped) {
      connection.close("node stops");
      return IGNORE;
    }
    this.#shaking.add(connection);
    const { clock, random, secret } = this.#options;
    return acceptWithHandshake(connection, {
      clock,
      random,
      timeoutMs: this.#limits.handshakeTimeoutMs,
      handshake: {
        self: { ...this.#self(), targetId: null },
        present: this.#options.presence,
        secret,
        session: random.uint32(),
        checkRemote: (remote) =>
          this.#checkCertificate(connection, remote) ?? this.#checkRemote(remote),
      },
      established: (_, remote, session) => {
        this.#shaking.delete(connection);
        const link = this.#links.get(remote.nodeId ?? 0);
        const presence = presenceIn(remote);
        assert(link !== undefined && presence !== null, "checkRemote lets only peers in");
        const refusal = this.#stopped ? null : this.#checkRemote(remote);
        if (refusal === null) return link.begin(connection, session, presence);
        // LINK-7. It dials again, and then is told so with a proof.
        link.logOnce("peer connection refused", refusal.code, refusal.text, connection.remote);
        connection.close(refusal.text);
        return IGNORE;
      },
      failed: (failure) => {
        this.#shaking.delete(connection);
        if (!this.#stopped) this.#onAcceptFailed(connection, failure);
      },
    });
  }

  /**
   * Adds a message to the peer's next frame. Without a session it is lost, as in a session that breaks: the sender must repeat it.
   * The message must not change until `flush`.
   */
  send(peer: NodeId, message: PeerMessage): void {
    this.#links.get(peer)?.send(message);
  }

  /** End of turn: one frame to each peer for which something was sent; more when it does not fit one. */
  flush(): void {
    for (const link of this.#links.values()) link.flush();
  }

  /** Ends the session with a peer, if there is one, and says why. It may connect again. */
  end(peer: NodeId, reason: string): void {
    this.#links.get(peer)?.end(reason);
  }

  isConnected(peer: NodeId): boolean {
    return this.#links.get(peer)?.connected ?? false;
  }

  /** Drops everything in these directions from now on, in this session and later ones. @returns false: no such peer */
  breakLink(peer: NodeId, directions: readonly Direction[] = DIRECTIONS): boolean {
    return this.setFault(peer, directions, BROKEN);
  }

  /** @returns false when there is no such peer */
  restoreLink(peer: NodeId, directions: readonly Direction[] = DIRECTIONS): boolean {
    return this.setFault(peer, directions, NO_FAULT);
  }

  /** Replaces the faults of these directions. @returns false when there is no such peer */
  setFault(peer: NodeId, directions: readonly Direction[], fault: LinkFault): boolean {
    const link = this.#links.get(peer);
    if (link === undefined) return false;
    const improved = directions.map((direction) => this.#table.set(peer, direction, fault));
    if (improved.includes(true)) link.renew();
    return true;
  }

  /** What the drop table holds. */
  faults(): readonly LinkFaultEntry[] {
    return this.#table.entries();
  }

  status(): readonly LinkStatus[] {
    return [...this.#links.values()].map((link) => link.status());
  }

  #self(): Omit<Hello, "authenticates" | "bound" | "nonce" | "targetId"> {
    const { nodeId, clusterId, configurationId } = this.#options;
    const later = { incarnation: null, peer: null, origin: null };
    return { channel: "peer", nodeId, clusterId, configurationId, ...later };
  }

  #checkRemote(remote: Hello): Refusal | null {
    const { nodeId, clusterId } = remote;
    const presence = presenceIn(remote);
    if (nodeId === null || clusterId === null || presence === null) {
      const text = "a node must name its id, its cluster and its disk";
      return { code: "BAD_HANDSHAKE", text };
    }
    const self = this.#options.nodeId;
    if (!this.#links.has(nodeId)) {
      const text = `node ${nodeId} is no peer of node ${self}: give both the same list of nodes (--peers or the cluster file)`;
      return { code: "UNKNOWN_NODE", text };
    }
    return this.#options.admit(nodeId, presence);
  }

  /** The dialer needs a certificate for the host that we would dial: clients have certificates too, and are no nodes. */
  #checkCertificate(connection: Connection, { nodeId }: Hello): Refusal | null {
    const address = nodeId === null ? undefined : this.#options.peers.get(nodeId);
    if (address === undefined) return null;
    const wrong = connection.security()?.wrongHost(address.host) ?? null;
    if (wrong === null) return null;
    const text = `who says to be node ${nodeId} has no certificate of it: ${wrong} (nodes show the one in --peer-cert-file)`;
    return { code: "UNAUTHORIZED", text };
  }

  #onAcceptFailed(connection: Connection, failure: HandshakeFailure): void {
    const { remote } = connection;
    if (failure.kind === "ended") {
      this.#options.logger.debug("peer connection ended in the handshake", {
        remote,
        reason: failure.text,
      });
      return;
    }
    const peer = failure.remote?.nodeId ?? null;
    const { code, text } = failure;
    const link = peer === null ? undefined : this.#links.get(peer);
    if (failure.kind === "refusedByThem") {
      link?.onRefused(failure, false);
    } else if (link === undefined) {
      this.#strangers.warn("peer connection refused", { remote, peer, code, reason: text });
    } else {
      link.logOnce("peer connection refused", code, text, remote);
    }
  }
}
