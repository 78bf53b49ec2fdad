/**
 * One node on a machine: storage, links, gateways, and the replica between them.
 *
 * A turn: all input that was ready in this turn of the event loop has reached the replica; the replica steps once; its
 * writes are staged and, unless a sync is under way, written; messages that wait for nothing leave, one frame a peer; the
 * others leave when the sync returns. While it runs the writes of the next turns gather: one sync serves them all.
 */
import { KvError } from "../base/errors.ts";
import { AdminGateway } from "../gateway/admin-gateway.ts";
import { ClientGateway } from "../gateway/client-gateway.ts";
import { PeerLinks } from "../links/peer-links.ts";
import type { NodeId } from "../omnipaxos/index.ts";
import { DiskFullError } from "../ports/disk.ts";
import type { Connection, ConnectionHandlers, Listener } from "../ports/network.ts";
import type { Replica, TurnEffects } from "../replica/replica.ts";
import type { DataDirectory } from "../storage/data-directory.ts";
import type { LogStorage } from "../storage/log-storage.ts";
import type { SnapshotStore } from "../storage/snapshot-store.ts";
import { lostIdentityText } from "./lost-identity.ts";
import { watchMemory, type MemoryWatch } from "./memory-watch.ts";
import type { Machine, NodeOptions } from "./options.ts";
import type { AdminStatus } from "../wire/admin.ts";
import { openNode } from "./open-node.ts";
import { PeerTrouble } from "./peer-trouble.ts";
import { ReleaseQueue } from "./release-queue.ts";
import { SnapshotJobs } from "./snapshot-jobs.ts";
import { SnapshotLoader } from "./snapshot-loader.ts";
import { nodeStatus, RoleLog } from "./status.ts";

export interface NodeEvents {
  /** Both ports are open. */
  onListening(): void;
  /** The node cannot go on: the process must end. Nothing is acknowledged after this. */
  onFatal(error: Error): void;
}

export class Node {
  readonly #options: NodeOptions;
  readonly #machine: Machine;
  readonly #events: NodeEvents;
  readonly #directory: DataDirectory;
  readonly #storage: LogStorage;
  readonly #snapshots: SnapshotStore;
  readonly #replica: Replica;
  readonly #links: PeerLinks;
  readonly #queue: ReleaseQueue;
  readonly #jobs: SnapshotJobs;
  readonly #loader: SnapshotLoader;
  readonly #clients: ClientGateway;
  readonly #admin: AdminGateway;
  readonly #roleLog: RoleLog;
  readonly #peerTrouble: PeerTrouble;
  readonly #memoryWatch: MemoryWatch | null;
  readonly #startedMs: number;
  readonly #listeners: Listener[] = [];
  #turnScheduled = false;
  #cancelTick: () => void = () => {};
  #stopped = false;

  /**
   * Opens the data directory and recovers from it, synchronously. Nothing is sent before `start`.
   * @throws StorageError when the directory is damaged, locked or somebody else's
   */
  constructor(options: NodeOptions, machine: Machine, events: NodeEvents) {
    this.#options = options;
    this.#machine = machine;
    this.#events = events;
    this.#startedMs = machine.clock.now();
    const { clock, random, logger } = machine;
    const opened = openNode(options, machine, {
      onDurable: (seq) => {
        // What waited for the disk leaves now, not at the end of a turn: a client waits for it.
        if (this.#queue.durable(seq)) this.#links.flush();
        this.#replica.onPersisted(seq);
        this.#wake();
      },
      onFailure: (error) => this.#fail(error),
      onRoom: (hasRoom) => this.#onRoom(hasRoom),
      wake: () => this.#wake(),
    });
    this.#directory = opened.directory;
    this.#storage = opened.storage;
    this.#snapshots = opened.snapshots;
    this.#replica = opened.replica;
    this.#links = new PeerLinks(
      {
        nodeId: options.nodeId,
        clusterId: options.clusterId,
        incarnation: this.#directory.incarnation,
        configurationId: 1,
        secret: options.secret,
        peers: new Map([...options.peerAddresses].filter(([id]) => id !== options.nodeId)),
        network: machine.network,
        clock,
        random,
        logger,
        checkIncarnation: (peer, incarnation) => this.#checkIncarnation(peer, incarnation),
        limits: options.linkLimits,
      },
      {
        onMessage: (peer, message) => {
          const refused = this.#replica.onPeerMessage(peer, message);
          if (refused !== null) this.#peerTrouble.refused(peer, refused);
          if (message.type === "snapshotRequest") this.#jobs.serve(peer, message);
          this.#wake();
        },
        onSession: (peer) => {
          this.#replica.onSession(peer);
          this.#wake();
        },
        onSessionEnd: (peer) => this.#replica.onSessionEnd(peer),
        onRefused: (peer, code, text, proved) => {
          if (code === "LOST_IDENTITY" && proved) this.#fail(new Error(text));
          else logger.warn("a peer refuses this node", { peer, code, reason: text });
        },
      },
    );
    this.#queue = new ReleaseQueue((to, message) => this.#links.send(to, message));
    this.#loader = new SnapshotLoader({
      snapshots: this.#snapshots,
      placeSeed: opened.placeSeed,
      pace: options.load,
      clock,
      logger,
      onLoaded: (state) => {
        this.#replica.install(state);
        this.#wake();
      },
      onError: (error) => this.#fail(error),
    });
    this.#jobs = new SnapshotJobs({
      replica: this.#replica,
      snapshots: this.#snapshots,
      durable: () => this.#storage.durableSnapshot,
      loading: () => this.#loader.loading,
      clock: machine.clock,
      logger,
      send: (to, message) => this.#links.send(to, message),
      wake: () => this.#wake(),
    });
    const connection = { options, machine, replica: this.#replica, wake: () => this.#wake() };
    this.#clients = new ClientGateway(connection);
    this.#admin = new AdminGateway({
      ...connection,
      links: this.#links,
      status: () => this.status(),
      forgetPeer: (peer) => this.#directory.peers.forget(peer),
    });
    this.#roleLog = new RoleLog(this.#replica, logger);
    this.#peerTrouble = new PeerTrouble(this.#replica, logger);
    this.#memoryWatch = watchMemory(machine, this.#replica, options.timing.tickMs);
  }

  /** Opens both ports and begins to take part. */
  start(): void {
    const { clock, network } = this.#machine;
    const { peerAddresses, clientAddress, nodeId } = this.#options;
    const peerAddress = peerAddresses.get(nodeId);
    if (peerAddress === undefined) throw new Error(`node ${nodeId} is not in its own cluster`);
    const accept = (connection: Connection, channel: string): ConnectionHandlers => {
      if (channel === "peer") return this.#links.accept(connection);
      if (channel === "client") return this.#clients.accept(connection);
      return this.#admin.accept(connection);
    };
    let toOpen = 2;
    const ready = (result: Listener | Error): void => {
      if (result instanceof Error) {
        this.#fail(result);
      } else if (this.#stopped) {
        result.close(() => {});
      } else {
        this.#listeners.push(result);
        toOpen -= 1;
        if (toOpen === 0) this.#events.onListening();
      }
    };
    network.listen(peerAddress, ["peer"], accept, ready);
    network.listen(clientAddress, ["client", "admin"], accept, ready);
    this.#links.start();
    const { tickMs } = this.#options.timing;
    // Ticks are counted from when they should have come, so that a late timer does not slow time down; after a long
    // pause they are not made up for, as the peers' answers to them would be stale anyway.
    let dueMs = clock.now() + tickMs;
    const tick = (): void => {
      this.#memoryWatch?.tick();
      this.#storage.flush();
      this.#replica.onTick();
      this.#wake();
      dueMs = Math.max(dueMs + tickMs, clock.now());
      this.#cancelTick = clock.after(dueMs - clock.now(), tick);
    };
    this.#cancelTick = clock.after(tickMs, tick);
    this.#wake();
  }

  /** Ends all connections, writes what is staged, closes the files. */
  stop(done: () => void): void {
    this.#halt("node stops");
    this.#close(done);
  }

  get replica(): Replica {
    return this.#replica;
  }

  get links(): PeerLinks {
    return this.#links;
  }

  status(): AdminStatus {
    return nodeStatus({
      nodeId: this.#options.nodeId,
      clusterId: this.#options.clusterId,
      version: this.#options.version,
      uptimeMs: this.#machine.clock.now() - this.#startedMs,
      clients: this.#clients.connections,
      replica: this.#replica,
      links: this.#links,
      storage: this.#storage,
      allowFaults: this.#options.allowFaults,
    });
  }

  #wake(): void {
    if (this.#turnScheduled || this.#stopped) return;
    this.#turnScheduled = true;
    this.#machine.clock.endOfTurn(() => {
      this.#turnScheduled = false;
      if (!this.#stopped) this.#turn();
    });
  }

  #turn(): void {
    const effects = this.#endTurn();
    if (effects === null) return;
    // Decided indexes wait for the next group that matters, or the next tick: no message needs them on disk.
    const urgent = effects.writes.length > 0 && this.#storage.stage(effects.writes);
    this.#queue.push(effects.messages);
    for (const { to, message } of effects.hostMessages) this.#links.send(to, message);
    this.#links.flush();
    // Last: a small write may be made by this very thread, and what was sent must not wait for it.
    if (urgent) this.#storage.flush();
    this.#roleLog.update();
    this.#peerTrouble.update();
    this.#loader.want(effects.load);
    this.#jobs.beginIfDue();
    if (effects.again) this.#wake();
  }

  /** @returns null when the node cannot go on with its log */
  #endTurn(): TurnEffects | null {
    try {
      return this.#replica.endTurn(this.#machine.clock.now());
    } catch (error) {
      if (!(error instanceof KvError)) throw error;
      this.#fail(error);
      return null;
    }
  }

  #onRoom(hasRoom: boolean): void {
    const { logger } = this.#machine;
    if (hasRoom) {
      logger.info("the disk has room again: writes are accepted");
      this.#replica.refuseWrites(null);
    } else {
      logger.error("the disk is full: writes are refused until there is room; reads go on");
      const reason = `the disk of node ${this.#options.nodeId} is full; nothing was changed`;
      this.#replica.refuseWrites({ code: "DISK_FULL", reason });
    }
  }

  #checkIncarnation(peer: NodeId, incarnation: string): string | null {
    const { peers } = this.#directory;
    const known = peers.known(peer);
    if (known === undefined) this.#remember(peer, incarnation);
    return known === undefined || known === incarnation ? null : lostIdentityText(peer);
  }

  #remember(peer: NodeId, incarnation: string): void {
    try {
      this.#directory.peers.remember(peer, incarnation);
    } catch (error) {
      if (!(error instanceof DiskFullError)) throw error;
      const { logger } = this.#machine;
      logger.warn("the disk is full: a peer's identity will be remembered when it next connects", {
        peer,
      });
    }
  }

  #fail(error: Error): void {
    if (this.#stopped) return;
    this.#halt("node failed");
    this.#events.onFatal(error);
    this.#close(() => {});
  }

  #close(done: () => void): void {
    let open = this.#listeners.length + 1;
    const closed = (): void => {
      open -= 1;
      if (open === 0) done();
    };
    for (const listener of this.#listeners) listener.close(closed);
    this.#storage.close(closed);
  }

  #halt(reason: string): void {
    this.#stopped = true;
    this.#cancelTick();
    this.#loader.want(null);
    this.#links.stop(reason);
    this.#clients.stop(reason);
    this.#admin.stop(reason);
  }
}
