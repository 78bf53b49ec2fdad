/** The faults of a run, and all else that the seed decides, as data. */
import type { TimedAccess } from "./access-changes.ts";
import type { TimedSetting } from "./setting-changes.ts";
import type { TimedMistake } from "./mistake-plan.ts";
import type { LinkPair, ShapeName } from "./shapes.ts";

type At<K extends string, F> = { readonly kind: K } & Readonly<F>;
interface Between {
  readonly from: number;
  readonly to: number;
  readonly ms: number;
}

/** Nodes and clients are named by their position (0, 1, …) so that a plan reads the same for every cluster. */
export type Fault =
  /** `silent`: the machine is gone and tells nobody. `power`: what was not synced may be lost, in whole or in part. */
  | At<"crash", { node: number; downMs: number; silent: boolean; power: boolean }>
  /** In the middle of the disk operation after `operations` more of them. */
  | At<"crashAtDisk", { node: number; operations: number; downMs: number; power: boolean }>
  | At<"crashAll", { downMs: number; power: boolean }>
  /** As by SIGTERM: the node ends its connections and closes its files. */
  | At<"stop", { node: number; downMs: number }>
  | At<"pause", { node: number; ms: number }>
  /** The wire itself: silence in one direction. */
  | At<"blackHole", Between>
  /** Connections end and cannot be made. */
  | At<"reset", { a: number; b: number; ms: number }>
  /** Connections end once. */
  | At<"breakConnections", { a: number; b: number }>
  | At<"breakClient", { client: number; node: number }>
  | At<"slowPath", Between & { delayMs: number }>
  /** Connections end now and then. */
  | At<"flakyPath", Between & { permille: number }>
  /** Frames are lost, repeated and held back inside a connection: the session must notice. */
  | At<"unfaithfulPath", Between & { lose: number; duplicate: number; reorder: number }>
  /** The drop table of a node, as management would set it. */
  | At<
      "dropLink",
      {
        node: number;
        peer: number;
        direction: "in" | "out" | "both";
        permille: number;
        delayMs: number;
        ms: number;
      }
    >
  /** A shape of the paper: these links are whole, all others are broken, in the drop tables or on the wire. */
  | At<
      "shape",
      { name: ShapeName; links: readonly LinkPair[]; via: "dropTable" | "wire"; ms: number }
    >
  /**
   * The leader is cut off from all; `first` hears it again after `ms`, about as long as an election takes, or as soon as `first` has
   * promised itself to another; the others do later. In between the old leader may think that it still leads.
   * `slow`: messages to it take `ms`, and arrive.
   */
  | At<
      "deposeLeader",
      {
        first: number;
        via: "dropTable" | "wire" | "slow";
        ends: "time" | "promise";
        ms: number;
        moreMs: number;
      }
    >
  /**
   * A node restarts, and its first client asks it something; it asks a peer: the leader for an index, or, cut off from the
   * leader, a neighbour to serve its client. From then on the messages that the peer needs to answer reach it `holdMs` late, and the
   * asker hears only the peer. After `afterMs` it dies; the next process is there after `downMs`, and the next client.
   */
  | At<
      "restartAsker",
      {
        node: number;
        asks: "leader" | "neighbour";
        afterMs: number;
        downMs: number;
        holdMs: number;
        ms: number;
      }
    >
  | At<"slowDisk", { node: number; syncMs: number; ms: number }>
  | At<"failSync", { node: number; downMs: number; power: boolean }>
  | At<"diskFull", { node: number; ms: number }>;

export type FaultKind = Fault["kind"];

/** A fault, and when it comes: milliseconds of simulated time. */
export interface TimedFault {
  readonly atMs: number;
  readonly fault: Fault;
}

/** Everything about a run that the seed decides, apart from the order of events. */
export interface Plan {
  readonly nodes: number;
  readonly clients: number;
  readonly keys: number;
  readonly operationsPerClient: number;
  /** Operations of one client that may be under way at once. */
  readonly pipeline: number;
  /** Milliseconds between two operations of a client, at most. */
  readonly thinkMsMax: number;
  /** A new client asks so much of a node as soon as that node is back; 0: none comes. */
  readonly newcomerOperations: number;
  /** A value has at least so many bytes. */
  readonly valueBytes: number;
  readonly delayMinMs: number;
  readonly delayMaxMs: number;
  /** Frames arrive at whole multiples of it, many in one turn of the event loop; 0: each in its own. */
  readonly quantumMs: number;
  /** When each node starts first: their heartbeat rounds are at different phases then. */
  readonly startsMs: readonly number[];
  /** Scale of each node's clock. */
  readonly skews: readonly number[];
  /** A snapshot after so many entries. */
  readonly snapshotEntries: number;
  readonly retainedEntries: number;
  readonly segmentBytes: number;
  readonly tickMs: number;
  readonly electionTimeoutMs: number;
  /** A node refuses what it cannot serve for so long. */
  readonly requestWaitMs: number;
  readonly syncMs: number;
  /** A snapshot from a peer becomes a state in slices of so many bytes, so many milliseconds apart. */
  readonly loadSliceBytes: number;
  /** Log syncs with more bytes of entries travel in slices. */
  readonly longMessageBytes: number;
  readonly loadPauseMs: number;
  /** Clients that keep to no rule; left out: none. */
  readonly hostiles?: number;
  /** Clients that read ranges; left out: none. */
  readonly rangeReaders?: number;
  /** What a page of a range or a history holds at most, and looks at. Left out: one key, and two cells. */
  readonly rangePage?: { readonly keys: number; readonly cells: number };
  /** Clients that read keys as they are or were; left out: none. */
  readonly keyReaders?: number;
  /** Clients that watch; left out: none. */
  readonly watchers?: number;
  /** Clients that watch with limited rights, where there are users; left out: none. */
  readonly limitedWatchers?: number;
  /** Turns do so little for watches that a transaction of two keys is more than one does. Left out: as much as in a server. */
  readonly smallWatchTurns?: boolean;
  /** Clients of transactions; left out: none. */
  readonly transactors?: number;
  /** Clients of leases; left out: none. */
  readonly leaseHolders?: number;
  /** They write keys with leases for single writes, too; left out: they do not. */
  readonly leaseWrites?: boolean;
  /** Of a hundred writes, so many are other operations that write a value; left out: none. */
  readonly otherWrites?: number;
  /**
   * Settings of the cluster and compactions of the history by hand; left out: none. The name is that of recorded runs, which know no
   * others.
   */
  readonly history?: readonly TimedSetting[];
  /** What is changed of users and rights; left out or empty: nothing, and there are no clients with limited rights. */
  readonly access?: readonly TimedAccess[];
  /** When all faults end. */
  readonly faultsMs: number;
  readonly faults: readonly TimedFault[];
  /** The other family: mistakes of people, and damage to disks. */
  readonly mistakes: readonly TimedMistake[];
}
