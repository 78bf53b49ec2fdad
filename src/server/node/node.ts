/**
 * One node on a machine: storage, links, gateways, and the replica between them.
 *
 * A turn: all input that was ready in this turn of the event loop has reached the replica; the replica steps once; its
 * writes are staged and, unless a sync is under way, written; messages that need not wait for the disk leave, one frame a peer; the
 * others leave when the sync returns. While it runs the writes of the next turns gather: one sync serves them all.
 */
import { KvError } from "../../base/index.ts";
import { Gateways, LookOn, SignIn, TokenKeyMaker } from "../gateway/index.ts";
import { PeerLinks } from "../../links/index.ts";
import {
  type Channel,
  type Connection,
  type ConnectionHandlers,
  type DiskFullError,
  type Listener,
  StrangerLog,
  TooManyFilesError,
} from "../../machine/ports/index.ts";
import type { NodeId, WriteSeq } from "../../omnipaxos/index.ts";
import type { Replica, TurnEffects } from "../../replica/index.ts";
import {
  type DataDirectory,
  type LogFile,
  type LogStorage,
  type SnapshotStore,
  StorageError,
} from "../../storage/index.ts";
import { AgreementLog, outvotedText } from "./agreement-log.ts";
import { EntryChannel } from "./entry-channel.ts";
import { Departure } from "./departure.ts";
import { PeerGuard } from "./peer-guard.ts";
import { contradictionText } from "./refusals.ts";
import { Reports } from "./reports.ts";
import { ListenError } from "./listen-error.ts";
import { watchMemory, type MemoryWatch } from "./memory-watch.ts";
import type { Machine } from "./machine.ts";
import type { NodeOptions } from "./options.ts";
import type { AdminStatus } from "../../protocol/admin/index.ts";
import type { PeerMessage } from "../../protocol/peer/index.ts";
import { type OpenedNode, openNode } from "./open-node.ts";
import { PeerTrouble } from "./peer-trouble.ts";
import { ReleaseQueue } from "./release-queue.ts";
import { SnapshotJobs } from "./snapshot-jobs.ts";
import { SnapshotLoader } from "./snapshot-loader.ts";
import type { NodeSight } from "./sight.ts";
import { SlowLog } from "./slow-log.ts";
import { RoleLog } from "./role-log.ts";
import { adminLink, nodeStatus, roundTripsTo } from "./status.ts";

export interface NodeEvents {
  /** Both ports are open. */
  onListening(): void;
  /** The node cannot go on: the process must end. Nothing is acknowledged after this. */
  onFatal(error: Error): void;
  /** After `onFatal`, when all files that can be closed are closed; never when a disk does not answer. */
  onFailedClosed?(): void;
}

export class Node {
  /** Decides who may see `sight`. */
  readonly lookOn: LookOn;
  readonly #options: NodeOptions;
  readonly #machine: Machine;
  readonly #events: NodeEvents;
  readonly #directory: DataDirectory;
  readonly #storage: LogStorage;
  readonly #snapshots: SnapshotStore;
  readonly #replica: Replica;
  readonly #links: PeerLinks;
  readonly #guard: PeerGuard;
  readonly #reports: Reports;
  readonly #queue: ReleaseQueue;
  readonly #jobs: SnapshotJobs;
  readonly #loader: SnapshotLoader;
  readonly #gateways: Gateways;
  readonly #strangers: StrangerLog;
  readonly #roleLog: RoleLog;
  readonly #agreementLog: AgreementLog;
  readonly #peerTrouble: PeerTrouble;
  readonly #slowLog: SlowLog;
  readonly #entryChannel: EntryChannel;
  readonly #memoryWatch: MemoryWatch | null;
  readonly #startedMs: number;
  readonly #listeners: Listener[] = [];
  #turnScheduled = false;
  #cancelTick: () => void = () => {};
  #stopped = false;
  #departure: Departure | null = null;

  /**
   * Opens the data directory and recovers from it, synchronously. Nothing is sent before `start`.
   * @throws StorageError when the directory is damaged, locked or somebody else's
   */
  static open(options: NodeOptions, machine: Machine, events: NodeEvents): Node {
    const opened = openNode(options, machine, {
      onDurable: (seq) => node.#onDurable(seq),
      onFailure: (error) => node.#fail(error),
      onRoom: (_, lack) => node.#onRoom(lack),
    });
    // The disk calls back later, when there is a node.
    const node: Node = new Node(options, machine, events, opened);
    return node;
  }

  private constructor(
    options: NodeOptions,
    machine: Machine,
    events: NodeEvents,
    opened: OpenedNode,
  ) {
    this.#options = options;
    this.#machine = machine;
    this.#events = events;
    this.#startedMs = machine.clock.now();
    const { clock, logger } = machine;
    this.#directory = opened.directory;
    this.#storage = opened.storage;
    this.#snapshots = opened.snapshots;
    this.#replica = opened.replica;
    this.#strangers = new StrangerLog(logger, clock);
    this.#links = this.#newLinks();
    this.#guard = this.#newGuard();
    this.#reports = this.#newReports();
    this.#queue = new ReleaseQueue((to, message) => this.#send(to, message));
    this.#loader = new SnapshotLoader({
      snapshots: this.#snapshots,
      placeSeed: opened.placeSeed,
      pace: options.load,
      clock,
      logger,
      onLoaded: (state) => {
        this.#replica.install(state);
        // A follower that falls behind again and again finishes none of its own.
        this.#jobs.retain();
        this.#wake();
      },
      onError: (error) => this.#fail(error),
    });
    this.#jobs = new SnapshotJobs({
      replica: this.#replica,
      snapshots: this.#snapshots,
      named: () => this.#storage.namedSnapshots,
      loading: () => this.#loader.loading,
      clock: machine.clock,
      logger,
      send: (to, message) => this.#links.send(to, message),
      wake: () => this.#wake(),
    });
    const signIn = this.#newSignIn();
    this.lookOn = new LookOn({
      signIn,
      access: () => this.#replica.state.access,
      audit: machine.audit,
      nowMs: () => machine.clock.now(),
    });
    this.#gateways = new Gateways({
      options,
      machine,
      strangers: this.#strangers,
      replica: this.#replica,
      wake: () => this.#wake(),
      signIn,
      links: this.#links,
      status: () => this.status(),
      linkStatus: () => this.#links.status().map(adminLink),
    });
    this.#roleLog = new RoleLog(this.#replica, logger);
    this.#agreementLog = new AgreementLog(this.#replica, logger);
    this.#peerTrouble = new PeerTrouble(this.#replica, logger);
    this.#slowLog = new SlowLog({
      writes: this.#replica.served.slowWrites,
      reads: this.#replica.served.slowReads,
      tickMs: options.timing.tickMs,
      clock,
      logger,
      lastSyncMs: () => this.#storage.stats.lastSyncMs,
    });
    this.#entryChannel = new EntryChannel(machine.entries, options.nodeId, this.#replica.served);
    this.#memoryWatch = watchMemory(machine, this.#replica, options.timing.tickMs);
  }

  /** Opens both ports and begins to take part. */
  start(): void {
    const { clock, network } = this.#machine;
    const { peerAddresses, clientAddress, nodeId } = this.#options;
    const peerAddress = peerAddresses.get(nodeId);
    if (peerAddress === undefined) throw new Error(`node ${nodeId} is not in its own cluster`);
    const accept = (connection: Connection, channel: Channel): ConnectionHandlers =>
      channel === "peer"
        ? this.#links.accept(connection)
        : this.#gateways.accept(connection, channel);
    let toOpen = 2;
    const open = (who: "clients" | "peers", result: Listener | Error): void => {
      if (result instanceof Error) {
        const address = who === "clients" ? clientAddress : peerAddress;
        this.#fail(new ListenError(who, address, result));
      } else if (this.#stopped) {
        result.close(() => {});
      } else {
        this.#listeners.push(result);
        toOpen -= 1;
        if (toOpen === 0) this.#events.onListening();
      }
    };
    network.listen(peerAddress, ["peer"], accept, (result) => open("peers", result));
    network.listen(clientAddress, ["client", "admin"], accept, (result) => open("clients", result));
    this.#links.start();
    const { tickMs } = this.#options.timing;
    // Ticks are counted from when they should have come, so that a late timer does not slow time down; after a long
    // pause they are not made up for, as the peers' answers to them would be stale anyway.
    let dueMs = clock.now() + tickMs;
    const tick = (): void => {
      dueMs = Math.max(dueMs + tickMs, clock.now());
      // At once: a timer counts from the beginning of this turn of the event loop. Set after the work it would come too early, and again.
      this.#cancelTick = clock.after(dueMs - clock.now(), tick);
      this.#gateways.tick();
      this.#memoryWatch?.tick();
      this.#storage.flush();
      this.#replica.onTick();
      this.#reports.tick();
      this.#roleLog.update();
      this.#agreementLog.update();
      this.#peerTrouble.update();
      this.#slowLog.update();
      this.#entryChannel.update();
      this.#departure?.tick();
      this.#wake();
    };
    this.#cancelTick = clock.after(tickMs, tick);
    this.#wake();
  }

  /**
   * Ends as `stop` does, but while it leads only after another node leads in its place, or after an election time-out. A node
   * that fails meanwhile says so by `onFatal`, and not by `done`.
   */
  retire(done: () => void): void {
    if (this.#stopped || this.#departure !== null) return;
    const { electionTimeoutMs, tickMs } = this.#options.timing;
    this.#departure = new Departure({
      core: this.#replica.core,
      logger: this.#machine.logger,
      ticksMax: Math.ceil(electionTimeoutMs / tickMs),
      mayHaveHeir: () => this.#isMajorityConnected(),
      onOver: () => this.stop(done),
    });
    this.#departure.begin();
    this.#wake();
  }

  /**
   * Calls back in a later turn, when a client could read, through this node or a neighbour; with the error that it would have got, when not.
   * A node that ends does not call back any more.
   */
  whenServed(done: (error: KvError | null) => void): void {
    if (!this.#stopped) this.#gateways.whenServed(done);
  }

  /** Whether the peers that are connected are a majority without this node. */
  #isMajorityConnected(): boolean {
    const { members } = this.#directory;
    return members.filter((id) => this.#links.isConnected(id)).length > members.length / 2;
  }

  /**
   * Ends all connections, writes what is staged, closes the files. A node that has failed, or fails meanwhile, says so by `onFatal` and
   * closes its files by itself: then `done` is not called.
   */
  stop(done: () => void): void {
    if (this.#isOver()) return;
    // A node that stops in good order keeps every index that it knows to be decided.
    this.#replica.core.writeDecided();
    const effects = this.#endTurn();
    if (effects !== null) this.#storage.stage(effects.writes);
    if (this.#isOver()) return;
    this.#halt("node stops");
    this.#close(done);
  }

  /** Ends it at once, as a node that cannot go on: `onFatal` is told why. Does nothing once it has ended. */
  fail(error: Error): void {
    this.#fail(error);
  }

  /** Peers whose data come from another beginning than this node's: an alarm. */
  get otherLogs(): readonly NodeId[] {
    return this.#guard.otherLogs;
  }

  get replica(): Replica {
    return this.#replica;
  }

  get bootId(): number {
    return this.#directory.bootId;
  }

  get links(): PeerLinks {
    return this.#links;
  }

  status(): AdminStatus {
    return nodeStatus({
      ...this.#options,
      uptimeMs: this.#machine.clock.now() - this.#startedMs,
      clients: this.#gateways.clientConnections,
      replica: this.#replica,
      links: this.#links,
      storage: this.#storage,
      snapshots: this.#jobs,
      unreadable: this.#peerTrouble.unreadable,
      otherLogs: this.#guard.otherLogs,
    });
  }

  /** Files that a start would need now. */
  get neededFiles(): readonly LogFile[] {
    const snapshot = this.#storage.durableSnapshot;
    const { files } = this.#storage;
    if (snapshot === null) return files;
    return [
      ...files,
      { path: this.#snapshots.pathOf(snapshot), bytes: snapshot.bytes, isOpen: false },
    ];
  }

  /** For operators: the status and the numbers that only they need. Meant for their pace, not for every turn. */
  sight(): NodeSight {
    const { state, waiting, served } = this.#replica;
    const { syncLatency, syncMs } = this.#storage.stats;
    return {
      status: this.status(),
      leadersSeen: this.#roleLog.leadersSeen,
      waitingCommands: waiting.commands,
      refused: served.refused.counts(),
      watches: this.#replica.watches,
      leases: {
        count: state.leases.size,
        keys: state.leases.boundKeys,
        clockMs: state.leases.clockMs,
        expired: state.expired,
      },
      contentBytes: state.contentBytes,
      stateBytes: state.sizeBytes,
      quotaBytes: state.quotaBytes,
      heapLimitBytes: this.#machine.memory?.read().limitBytes ?? null,
      roundTrips: this.#links.status().map(roundTripsTo),
      syncLatency,
      syncMs,
    };
  }

  #newSignIn(): SignIn {
    const { clock, random, passwords } = this.#machine;
    const { settings } = this.#replica;
    const tokenKey = new TokenKeyMaker({
      clock,
      random,
      propose: (change, actor, done) => {
        settings.changeAccess(change, actor, done);
        this.#wake();
      },
    });
    return new SignIn({
      passwords: passwords ?? null,
      access: () => this.#replica.state.access,
      tokenKey,
      nowMs: () => clock.now(),
    });
  }

  #newLinks(): PeerLinks {
    const { clock, random, logger, network } = this.#machine;
    const options = this.#options;
    return new PeerLinks(
      {
        nodeId: options.nodeId,
        clusterId: options.clusterId,
        presence: (to) => this.#reports.presence(to),
        configurationId: 1,
        secret: options.peerSecret,
        peers: new Map([...options.peerAddresses].filter(([id]) => id !== options.nodeId)),
        network,
        clock,
        random,
        logger,
        strangers: this.#strangers,
        admit: (peer, presence) => this.#guard.admit(peer, presence),
        limits: options.linkLimits,
      },
      {
        onMessage: (peer, message) => {
          if (message.type === "report") this.#reports.receive(peer, message);
          else this.#peerTrouble.refused(peer, this.#replica.onPeerMessage(peer, message));
          if (message.type !== "accepted" || this.#replica.hasNews) this.#wake();
        },
        onSession: (peer, presence) => {
          this.#reports.onSession(peer, presence);
          this.#replica.onSession(peer);
          this.#wake();
        },
        onSessionEnd: (peer) => {
          this.#reports.onSessionEnd(peer);
          this.#replica.onSessionEnd(peer);
        },
        onRefused: (peer, refusal) => {
          // The link has already logged any other refusal, once, and tries again.
          const ends = this.#guard.onRefused(peer, refusal);
          if (ends !== null && !this.#reports.mayBeOutdated(peer)) this.#fail(ends);
        },
      },
    );
  }

  #newGuard(): PeerGuard {
    return new PeerGuard({
      self: this.#options.nodeId,
      members: this.#directory.members,
      memory: this.#directory.peers,
      isConnected: (peer) => this.#links.isConnected(peer),
      origin: () => this.#replica.state.origin,
      onReplaced: (peer) => this.#onReplaced(peer),
    });
  }

  #newReports(): Reports {
    const { nodeId, timing } = this.#options;
    return new Reports({
      nodeId,
      directory: this.#directory,
      guard: this.#guard,
      replica: this.#replica,
      intervalTicks: Math.max(1, Math.round(timing.electionTimeoutMs / timing.tickMs)),
      send: (to, message) => this.#links.send(to, message),
      endSession: (peer) => this.#links.end(peer, "another data directory has this one's place"),
      peers: () => this.#links.peers,
      logger: this.#machine.logger,
      onTaken: (error) => this.#fail(error),
    });
  }

  #send(to: NodeId, message: PeerMessage): void {
    if (!this.#reports.holdsBack(to, message)) this.#links.send(to, message);
  }

  /** Messages that waited for the disk leave now, not at the end of a turn: a client waits for them. */
  #onDurable(seq: WriteSeq): void {
    if (this.#queue.durable(seq)) this.#links.flush();
    this.#replica.onPersisted(seq);
    if (this.#replica.hasNews) this.#wake();
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
    this.#gateways.beginTurn();
    const effects = this.#endTurn();
    if (effects === null) return;
    const { contradiction } = effects;
    if (contradiction !== null) {
      // The decided index goes to the disk, so that a restart meets the same contradiction.
      this.#storage.stage(effects.writes);
      return this.#fail(
        new StorageError(
          "CONTRADICTED",
          contradictionText(contradiction, this.#options.peerAddresses.size),
        ),
      );
    }
    if (effects.outvoted !== null) return this.#failOutvoted(effects);
    // Decided indexes wait for the next urgent group, or the next tick: no message needs them on disk.
    const urgent = effects.writes.length > 0 && this.#storage.stage(effects.writes);
    if (this.#isOver()) return;
    for (const piece of effects.pieces) this.#jobs.serve(piece);
    // Before any promise: a peer that counts on a promise of a replaced disk hears of the replacement first (JOIN-2).
    this.#reports.flush();
    this.#queue.push(effects.messages);
    for (const { to, message } of effects.replicaMessages) this.#send(to, message);
    this.#links.flush();
    // Last: this very thread may make a small write, and the messages must not wait for it.
    if (urgent) this.#storage.flush();
    // Nothing is begun that #close would have to know of.
    if (this.#isOver()) return;
    for (const piece of effects.received) this.#jobs.receive(piece);
    this.#loader.want(effects.load);
    if (effects.snapshot !== null) this.#jobs.write(effects.snapshot);
    this.#reports.join(effects);
    if (effects.again || effects.mayTakePlace !== null || this.#gateways.hasWork) this.#wake();
    this.#departure?.look();
  }

  /**
   * Clients get their answers at once: these need not wait for the disk.
   * @returns null when the node cannot go on with its log
   */
  #endTurn(): TurnEffects | null {
    try {
      const effects = this.#replica.endTurn(this.#machine.clock.now());
      for (const { route, frame } of effects.answers) if (route.isOpen()) route.deliver(frame);
      for (const { route, frame } of effects.told) if (route.isOpen()) route.tell(frame);
      return effects;
    } catch (error) {
      if (!(error instanceof KvError)) throw error;
      this.#fail(error);
      return null;
    }
  }

  #failOutvoted({ replicaMessages, outvoted }: TurnEffects): void {
    if (outvoted === null) return;
    for (const { to, message } of replicaMessages) this.#links.send(to, message);
    this.#links.flush();
    this.#fail(new KvError("DIVERGED", outvotedText(this.#options.nodeId, outvoted)));
  }

  /** Said once when it begins and once when it ends. */
  #onRoom(lack: DiskFullError | null): void {
    const { logger } = this.#machine;
    if (lack === null) {
      logger.info("the disk has room again: writes are accepted");
      this.#replica.refuseWrites(null);
      return;
    }
    const noFiles = lack instanceof TooManyFilesError;
    logger.error(
      noFiles
        ? "no more files can be opened: writes are refused until they can; reads go on"
        : "the disk is full: writes are refused until there is room; reads go on",
      { reason: lack.message },
    );
    const { nodeId } = this.#options;
    const what = noFiles
      ? `node ${nodeId} can open no more files`
      : `the disk of node ${nodeId} is full`;
    this.#replica.refuseWrites({ code: "DISK_FULL", reason: `${what}; nothing was changed` });
  }

  /** The votes of the peer's earlier disk count no more; every node that counts on them hears so before anything else. */
  #onReplaced(peer: NodeId): void {
    this.#machine.logger.warn("another data directory takes the place of a peer's lost one", {
      peer,
    });
    this.#replica.onReplaced(peer);
    this.#reports.onReplaced(peer);
    this.#wake();
  }

  #fail(error: Error): void {
    if (this.#stopped) return;
    this.#halt("node failed");
    this.#events.onFatal(error);
    this.#close(() => this.#events.onFailedClosed?.());
  }

  #close(done: () => void): void {
    let open = this.#listeners.length + 2;
    const closed = (): void => {
      open -= 1;
      if (open === 0) done();
    };
    for (const listener of this.#listeners) listener.close(closed);
    this.#jobs.stop(closed);
    // The directory writes down where the log ends.
    this.#storage.close(() => this.#directory.close(closed));
  }

  /** A method, because what is called in between may end the node. */
  #isOver(): boolean {
    return this.#stopped;
  }

  #halt(reason: string): void {
    this.#stopped = true;
    this.#cancelTick();
    this.#loader.want(null);
    this.#links.stop(reason);
    this.#gateways.stop(reason);
  }
}
