import type { Ballot, NodeId } from "./ballot.ts";
import { ConfigError } from "./errors.ts";
import type { ClusterConfig } from "./messages.ts";

/**
 * How the log is compacted.
 * - `off`: only `trim`, of what every node has decided.
 * - `fold`: a snapshot is the fold of the entries it replaces. `merge(base, delta)` must give what `create` would have
 *   given for both ranges at once; a delta therefore has to carry deletions too (S23, deviations.md).
 * - `host`: the application makes complete snapshots itself and hands them over with `compact`.
 */
export type SnapshotPolicy<T, S> =
  | { readonly kind: "off" }
  | {
      readonly kind: "fold";
      /** The snapshot of a range of entries. */
      readonly create: (entries: readonly T[]) => S;
      /** The snapshot of two ranges, of which `delta` follows `base`. */
      readonly merge: (base: S, delta: S) => S;
    }
  | {
      readonly kind: "host";
      /**
       * Called before a peer's snapshot takes the place of entries: the index from which on the snapshot is known not to hold what
       * this node has decided; null: as far as the host knows, it holds it all. Without this function the node believes any snapshot.
       */
      readonly partsAt?: (snapshot: S) => number | null;
    };

/** What a node is made with. Each optional field names its default; times are in ticks of the host. */
export interface OmniPaxosConfig<T, S = never> {
  readonly clusterConfig: ClusterConfig;
  /** This node; one of clusterConfig.nodes. */
  readonly pid: NodeId;
  /** Ticks of one heartbeat round; must exceed the worst round trip. Default 1. */
  readonly electionTickTimeout?: number;
  /** Ticks between repetitions of messages that may have been lost. Default 100. */
  readonly resendMessageTickTimeout?: number;
  /** Ticks after which an incomplete batch is stored. Default 200. */
  readonly flushBatchTickTimeout?: number;
  /** Entries collected before they are stored and sent. Default 1: no batching. */
  readonly batchSize?: number;
  /** Breaks ties between ballots of equal n: higher wins. Default 0. */
  readonly leaderPriority?: number;
  /** Random per process start: a heartbeat reply to an earlier start is not counted (S24). */
  readonly incarnation: number;
  /**
   * Whether two entries are the same, where a peer's log overlaps what this node has decided. Default Object.is: right for
   * primitive values only, as what came over a network never is the same object.
   */
  readonly sameEntry?: (a: T, b: T) => boolean;
  /**
   * Turns the first entry that this node proposes as the leader of a round into the one that stands in the log, so that the log
   * tells where rounds begin; null: this entry cannot open a round, and the node tries the next one. Default: the entry unchanged.
   */
  readonly openRound?: (entry: T, round: Ballot) => T | null;
  /** Default off. */
  readonly snapshots?: SnapshotPolicy<T, S>;
}

/** Sizes of the sets that must answer: `read` to prepare and to take over, `write` to decide and to stay leader. */
export interface Quorum {
  readonly read: number;
  readonly write: number;
}

/** The configuration with all defaults filled in, and what follows from it. */
export interface ResolvedConfig<T, S> extends Required<OmniPaxosConfig<T, S>> {
  readonly peers: readonly NodeId[];
  readonly quorum: Quorum;
}

/** @throws ConfigError naming the first field that is wrong. */
export function resolveConfig<T, S>(config: OmniPaxosConfig<T, S>): ResolvedConfig<T, S> {
  const { clusterConfig, pid } = config;
  validateClusterConfig(clusterConfig, "clusterConfig");
  requireInteger("pid", pid, 1);
  if (!clusterConfig.nodes.includes(pid)) {
    throw new ConfigError(
      "pid",
      `one of clusterConfig.nodes (${clusterConfig.nodes.join(", ")})`,
      pid,
    );
  }
  return {
    clusterConfig,
    pid,
    electionTickTimeout: requireInteger("electionTickTimeout", config.electionTickTimeout ?? 1, 1),
    resendMessageTickTimeout: requireInteger(
      "resendMessageTickTimeout",
      config.resendMessageTickTimeout ?? 100,
      1,
    ),
    flushBatchTickTimeout: requireInteger(
      "flushBatchTickTimeout",
      config.flushBatchTickTimeout ?? 200,
      1,
    ),
    batchSize: requireInteger("batchSize", config.batchSize ?? 1, 1),
    leaderPriority: requireInteger("leaderPriority", config.leaderPriority ?? 0, 0),
    incarnation: requireInteger("incarnation", config.incarnation, 0),
    sameEntry: validateSameEntry(config.sameEntry ?? Object.is),
    openRound: config.openRound ?? ((entry) => entry),
    snapshots: validateSnapshots(config.snapshots ?? { kind: "off" }),
    peers: clusterConfig.nodes.filter((node) => node !== pid),
    quorum: quorumOf(clusterConfig),
  };
}

/** Majorities unless the configuration says otherwise. */
export function quorumOf(clusterConfig: ClusterConfig): Quorum {
  const majority = Math.floor(clusterConfig.nodes.length / 2) + 1;
  return clusterConfig.flexibleQuorum ?? { read: majority, write: majority };
}

/** @throws ConfigError whose field starts with `field`. */
export function validateClusterConfig(config: ClusterConfig, field: string): void {
  requireInteger(`${field}.configurationId`, config.configurationId, 1);
  const { nodes, flexibleQuorum } = config;
  if (nodes.length === 0) throw new ConfigError(`${field}.nodes`, "at least one node", nodes);
  nodes.forEach((node, i) => requireInteger(`${field}.nodes[${i}]`, node, 1));
  if (new Set(nodes).size !== nodes.length) {
    throw new ConfigError(`${field}.nodes`, "every node once", nodes);
  }
  if (flexibleQuorum === undefined) return;
  const where = `${field}.flexibleQuorum`;
  const { read, write } = flexibleQuorum;
  const least = Math.min(2, nodes.length);
  requireInteger(`${where}.read`, read, least, nodes.length);
  requireInteger(`${where}.write`, write, least, nodes.length);
  if (read + write <= nodes.length) {
    throw new ConfigError(where, `read + write > ${nodes.length} nodes`, flexibleQuorum);
  }
  if (read < write) throw new ConfigError(where, "read >= write", flexibleQuorum);
}

function requireInteger(
  field: string,
  value: number,
  min: number,
  max = Number.MAX_SAFE_INTEGER,
): number {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  throw new ConfigError(field, `an integer ${range}`, value);
}

function validateSameEntry<F>(sameEntry: F): F {
  if (typeof sameEntry === "function") return sameEntry;
  throw new ConfigError("sameEntry", "a function", sameEntry);
}

function validateSnapshots<T, S>(policy: SnapshotPolicy<T, S>): SnapshotPolicy<T, S> {
  if (policy.kind === "off" || policy.kind === "host") return policy;
  if (policy.kind !== "fold") {
    throw new ConfigError(
      "snapshots.kind",
      `"off", "fold" or "host"`,
      (policy as { kind: unknown }).kind,
    );
  }
  for (const name of ["create", "merge"] as const) {
    if (typeof policy[name] !== "function") {
      throw new ConfigError(`snapshots.${name}`, "a function", policy[name]);
    }
  }
  return policy;
}
