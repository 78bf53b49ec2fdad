import { ballotsEqual } from "../ballot.ts";
import type { NodeId } from "../ballot.ts";
import type { Contradiction } from "../contradiction.ts";
import type { PromiseMeta } from "../leader-state.ts";
import type { LogSync, StopSign } from "../messages.ts";
import type { Store } from "../store.ts";
import type { PaxosState } from "./state.ts";
import { endOfSync, planLogSync } from "./sync.ts";

/**
 * Whether a peer's message can be true together with what this node has decided. All nodes' decided logs are prefixes of one
 * log as long as every disk keeps what it acknowledged; when one did not, this is where it shows.
 *
 * JUDGE-1. Nothing decided is ever replaced: a message is judged before anything of it is applied or acknowledged.
 * JUDGE-2. No honest message contradicts, however late it comes: the log of round n holds all that lower rounds have decided
 *     from its adoption on, and only grows. So every sync of n agrees with every decided entry, and what n adopted ends
 *     below no index that a lower round has decided.
 * JUDGE-3. After a contradiction this node takes no part in the protocol any more: it cannot know whose promise is broken.
 *     Only the host can go on from here. What it has decided goes to disk, so that a restart contradicts the same.
 */
type Finding = Pick<Contradiction, "kind" | "from" | "to">;

/** Records the contradiction and falls silent (JUDGE-3). Hands back the proposals that waited for a leader. */
export function contradict<T, S>(state: PaxosState<T, S>, pid: NodeId, finding: Finding): void {
  const { decidedIdx } = state.store;
  state.contradiction = { with: pid, decidedIdx, ...finding };
  state.store.writeDecided();
  state.become("follower", "none");
  state.outbox.silence();
  state.outbox.reject(state.bufferedProposals);
  state.bufferedProposals = [];
  state.bufferedStopSign = null;
}

/**
 * Where a log sync and this node hold different entries in decided places, up to `reach`. Normally a sync starts where the
 * decided log ends, and there is nothing to compare.
 */
export function differsFromDecided<T, S>(
  { config, store }: Pick<PaxosState<T, S>, "config" | "store">,
  sync: LogSync<T, S>,
  reach = Infinity,
): Finding | null {
  const { log, decidedEnd, compactedIdx, decidedIdx } = store;
  const { syncIdx, suffix, stopSign } = sync;
  const end = syncIdx + suffix.length;
  const to = Math.min(end, decidedEnd, reach);
  for (let idx = Math.max(syncIdx, compactedIdx); idx < to; idx += 1) {
    if (!config.sameEntry(log.at(idx) as T, suffix[idx - syncIdx] as T)) {
      return { kind: "differs", from: idx, to };
    }
  }
  const seals = stopSign !== null && end < reach;
  if (seals && end < decidedEnd) return { kind: "differs", from: end, to: decidedEnd };
  if (!store.stopSignDecided || reach < decidedIdx) return null;
  const other = end > log.end || (seals && end === log.end && differsFromStopSign(store, stopSign));
  return other ? { kind: "differs", from: log.end, to: decidedIdx } : null;
}

/** The decided stop-sign is the end of the log, and another one, or an entry (null), is to take its place. */
export function differsFromSeal<T, S>(
  store: Store<T, S>,
  instead: StopSign | null,
): Finding | null {
  if (!store.stopSignDecided) return null;
  if (instead !== null && !differsFromStopSign(store, instead)) return null;
  return { kind: "differs", from: store.log.end, to: store.decidedIdx };
}

/** A snapshot cannot be compared with the entries that it stands for: the host knows what its snapshots hold. */
export function snapshotDiffers<T, S>(
  { config, store }: Pick<PaxosState<T, S>, "config" | "store">,
  { snapshot }: LogSync<T, S>,
): Finding | null {
  const policy = config.snapshots;
  if (policy.kind !== "host" || snapshot?.kind !== "complete") return null;
  const from = policy.partsAt?.(snapshot.value) ?? null;
  if (from === null || from >= store.decidedIdx) return null;
  return { kind: "differs", from, to: store.decidedIdx };
}

/** Only for a sync that must hold all this node has decided: of a round in which it has accepted nothing. */
export function endsBelowDecided<T, S>(store: Store<T, S>, sync: LogSync<T, S>): Finding | null {
  const end = endOfSync(sync);
  return end < store.decidedIdx ? { kind: "endsBelow", from: end, to: store.decidedIdx } : null;
}

/**
 * Judges a promise when it arrives. While preparing only one thing can be wrong: the promiser has accepted a round that this
 * node has yet to lead. In the accept phase all that the promiser has decided is either adopted or of this round.
 */
export function judgePromise<T, S>(
  state: PaxosState<T, S>,
  meta: PromiseMeta,
  sync: LogSync<T, S> | null,
): Finding | null {
  const { store, leading } = state;
  const ofThisRound = ballotsEqual(meta.acceptedRound, leading.ballot);
  if (leading.adoptedIdx === null) {
    if (!ofThisRound) return null;
    const to = Math.max(store.decidedIdx, meta.acceptedIdx);
    return { kind: "differs", from: store.decidedIdx, to };
  }
  const known = Math.max(leading.adoptedIdx, ofThisRound ? store.decidedIdx : 0);
  if (meta.decidedIdx > known) return { kind: "endsBelow", from: known, to: meta.decidedIdx };
  return sync === null ? null : differsFromDecided(state, sync, meta.decidedIdx);
}

/** The log about to be adopted: it fits this node's own, and holds all that this node and the promisers have decided. */
export function judgeAdoption<T, S>(
  state: PaxosState<T, S>,
): (Finding & { readonly with: NodeId }) | null {
  const { store, config, leading } = state;
  const { maxPromise, maxPromiseFrom, maxPromiseSync: sync } = leading;
  const to = Math.max(store.decidedIdx, maxPromise.acceptedIdx);
  if (maxPromiseFrom !== config.pid) {
    const finding =
      sync === null || planLogSync(store, config.snapshots, sync) === null
        ? { kind: "differs" as const, from: store.decidedIdx, to }
        : differsFromDecided(state, sync);
    const below = sync === null ? null : endsBelowDecided(store, sync);
    const wrong = below ?? finding ?? (sync === null ? null : snapshotDiffers(state, sync));
    if (wrong !== null) return { ...wrong, with: maxPromiseFrom };
  }
  const end = sync === null ? store.acceptedIdx : endOfSync(sync);
  for (const { pid, promise } of leading.members) {
    if (promise.kind !== "promised" || promise.meta.decidedIdx <= end) continue;
    return { kind: "endsBelow", with: pid, from: end, to: promise.meta.decidedIdx };
  }
  return null;
}

function differsFromStopSign<T, S>(store: Store<T, S>, other: StopSign): boolean {
  const own = store.stopSign;
  return own === null || (own !== other && canonical(own) !== canonical(other));
}

function canonical({ nextConfig, metadata }: StopSign): string {
  const { configurationId, nodes, flexibleQuorum } = nextConfig;
  const quorum = flexibleQuorum === undefined ? null : [flexibleQuorum.read, flexibleQuorum.write];
  return JSON.stringify([configurationId, nodes, quorum, metadata === null ? null : [...metadata]]);
}
