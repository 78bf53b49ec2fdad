/** Opens a data directory and restores the replica to where it was when the process ended. */
import { secretsNow, StorageError, withWayOutFor } from "../../base/index.ts";
import { KvState, OrderedCells, type PlaceSeed } from "../../store/index.ts";
import type { DurableState, WriteSeq } from "../../omnipaxos/index.ts";
import type { SnapshotName } from "../../protocol/messages/index.ts";
import type { DiskFullError } from "../../machine/ports/index.ts";
import { Replica, type ReplicaOptions, SLOW_READ_MS, watchLimitsFor } from "../../replica/index.ts";
import {
  type DataDirectory,
  LOG_DIRECTORY,
  LogStorage,
  openDataDirectory,
  SNAPSHOT_DIRECTORY,
  SnapshotStore,
} from "../../storage/index.ts";
import type { Machine } from "./machine.ts";
import {
  ABANDON_WAITS,
  ISOLATED_AFTER_ELECTION_TIMEOUTS,
  RELAY_AFTER_ELECTION_TIMEOUTS,
  ROUND_PER_ELECTION_TIMEOUT,
  type NodeOptions,
} from "./options.ts";
import { SnapshotReader } from "./snapshot-reader.ts";

export interface OpenHooks {
  onDurable(seq: WriteSeq): void;
  onFailure(error: Error): void;
  onRoom(hasRoom: boolean, lack: DiskFullError | null): void;
}

export interface OpenedNode {
  readonly directory: DataDirectory;
  readonly storage: LogStorage;
  readonly snapshots: SnapshotStore;
  readonly replica: Replica;
  /** Of the places of keys in every state's index: this process's own, and a secret. */
  readonly placeSeed: PlaceSeed;
}

/** @throws StorageError when the directory is damaged or another node's; with the way out for a cluster of this size */
export function openNode(options: NodeOptions, machine: Machine, hooks: OpenHooks): OpenedNode {
  try {
    return openedNode(options, machine, hooks);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    const text = withWayOutFor(options.peerAddresses.size, error.message);
    throw text === error.message ? error : new StorageError(error.code, text, { cause: error });
  }
}

function openedNode(options: NodeOptions, machine: Machine, hooks: OpenHooks): OpenedNode {
  const { clock, disk, logger, random } = machine;
  const startedMs = clock.now();
  const { clusterId, nodeId } = options;
  const directory = openDataDirectory(disk, {
    clusterId,
    nodeId,
    members: [...options.peerAddresses.keys()],
    random,
    clock,
    logger,
    rejoin: options.rejoin,
    confirmMembers: options.confirmMembers,
    onFailure: (error) => hooks.onFailure(error),
  });
  if (options.rejoin && directory.joined) {
    logger.warn(
      "--rejoin stands among the options of a node that has its place: take it out, before it starts on an empty directory whose disk is only not mounted",
    );
  }
  const snapshots = SnapshotStore.open(disk, SNAPSHOT_DIRECTORY, logger, directory.bootId);
  const { storage, recovered } = LogStorage.open(
    disk,
    LOG_DIRECTORY,
    {
      segmentBytes: options.segmentBytes,
      owner: directory.logOwner,
      mustExist: directory.logBegun,
      reached: directory.logEnd,
      random,
    },
    {
      ...hooks,
      onDurable: (seq) => {
        directory.beginLog();
        directory.logReached(storage.durableEnd);
        hooks.onDurable(seq);
      },
    },
    logger,
    clock,
  );
  if (recovered !== undefined) directory.beginLog();
  // Entries that the process before wrote, but died before it could note, are durable from here on; the node tells its peers so.
  directory.logReached(storage.durableEnd);
  const stored = recovered?.snapshot ?? null;
  const placeSeed = { low: random.uint32(), high: random.uint32() };
  const state =
    stored === null
      ? new KvState(new OrderedCells(placeSeed))
      : new SnapshotReader(snapshots, stored.value, placeSeed).all();
  const heapBytes = machine.memory?.read().limitBytes ?? null;
  const replica = new Replica(replicaOptions(options, directory, heapBytes), recovered, state);
  if (recovered !== undefined) tellRecovered(logger, recovered, clock.now() - startedMs);
  return { directory, storage, snapshots, replica, placeSeed };
}

/**
 * Times become ticks here.
 * @param heapBytes the heap's limit; null: it is not known
 */
function replicaOptions(
  options: NodeOptions,
  directory: DataDirectory,
  heapBytes: number | null,
): ReplicaOptions {
  const { nodeId, timing } = options;
  const ticks = (ms: number): number => Math.max(1, Math.round(ms / timing.tickMs));
  const electionTicks = ticks(timing.electionTimeoutMs);
  const waitTicks = ticks(timing.requestWaitMs);
  return {
    joined: directory.joined,
    generation: directory.peers.get(nodeId)?.generation ?? 0,
    needsSecret: () => secretsNow(options.secret).length > 0,
    core: {
      clusterConfig: { configurationId: 1, nodes: [...options.peerAddresses.keys()] },
      pid: nodeId,
      electionTickTimeout: ticks(timing.electionTimeoutMs * ROUND_PER_ELECTION_TIMEOUT),
      resendMessageTickTimeout: ticks(timing.resendMs),
      // The number of this process: answers to what the node asked for in an earlier start do not count in this one.
      incarnation: directory.bootId,
    },
    timing: {
      waitTicks,
      retryTicks: ticks(timing.resendMs),
      relayAfterTicks: electionTicks * RELAY_AFTER_ELECTION_TIMEOUTS,
      abandonTicks: waitTicks * ABANDON_WAITS,
      agreeTicks: electionTicks,
      slowTicks: ticks(SLOW_READ_MS),
    },
    compaction: options.compaction,
    proposalBytesMax: options.proposalBytesMax,
    proposalCommandsMax: options.proposalCommandsMax,
    readsMax: options.readsMax,
    readBytesMax: options.readBytesMax,
    rangePage: options.rangePage,
    watches: {
      limits: watchLimitsFor(options.watches, heapBytes),
      progressTicks: ticks(options.watches.progressMs),
      isolatedAfterTicks: Math.ceil(electionTicks * ISOLATED_AFTER_ELECTION_TIMEOUTS),
    },
  };
}

function tellRecovered(
  logger: Machine["logger"],
  { decidedIdx, entries, snapshot }: DurableState<Uint8Array, SnapshotName>,
  ms: number,
): void {
  logger.info("recovered from disk", {
    decidedIdx,
    entries: entries.length,
    snapshotIdx: snapshot?.idx ?? 0,
    ms: Math.round(ms),
  });
}
