import type { BallotLeaderElection } from "./ballot-leader-election.ts";
import type { WriteSeq } from "./effects.ts";
import type { LogicalClock } from "./logical-clock.ts";
import type { Outbox } from "./outbox.ts";
import type { PaxosState } from "./sequence-paxos/state.ts";
import type { StrandedPeers } from "./stranded-peers.ts";

/** Where a node keeps what it remembers. */
interface Remembering<T, S> {
  readonly paxos: PaxosState<T, S>;
  readonly outbox: Outbox<T, S>;
  readonly election: BallotLeaderElection<T, S>;
  readonly stranded: StrandedPeers;
  readonly clocks: readonly LogicalClock[];
}

/**
 * Everything a node remembers between two `takeEffects`, as plain data, for searches that must know whether they have
 * been here before.
 *
 * MEMORY-1. Nodes of equal memory behave alike from here on: it holds all that can make a difference (test/proof/explorer compares
 *     what nodes of equal memory do). A new field of the core's state belongs here.
 * MEMORY-2. It omits all that can make no difference, so that equal nodes look equal: fields that only a leader or only a follower
 *     in the stream uses while the node is neither, and how many write groups came before the last durable one.
 */
export function memoryOf<T, S>(node: Remembering<T, S>): unknown {
  const { paxos, outbox, election, stranded, clocks } = node;
  const { store, leading } = paxos;
  const notDurable = (seq: WriteSeq): number => Math.max(0, seq - outbox.persistedSeq);
  const { log, promise, acceptedRound, decidedIdx, durable, writtenDecidedIdx } = store;
  return {
    promise,
    acceptedRound,
    decidedIdx,
    durable,
    writtenDecidedIdx,
    compactedIdx: log.base,
    entries: log.slice(log.base, log.end),
    snapshot: store.snapshot,
    stopSign: store.stopSign,
    batch: store.batch,
    promiseGroup: notDurable(store.promiseSeq),
    logGroup: notDurable(store.logSeq),
    groups: outbox.groups.map(({ seq, mark }) => [notDurable(seq), mark]),
    role: paxos.role,
    phase: paxos.phase,
    contradiction: paxos.contradiction,
    seq: paxos.is("follower", "accept") ? paxos.seq : null,
    cachedPromise: paxos.phase === "prepare" ? paxos.cachedPromise : null,
    buffered: paxos.bufferedProposals,
    bufferedStopSign: paxos.bufferedStopSign,
    leading: paxos.role === "leader" ? roundOf(paxos) : leading.ballot,
    election: election.memory,
    stranded: stranded.memory,
    clocks: clocks.map(({ elapsedTicks }) => elapsedTicks),
  };
}

function roundOf<T, S>({ leading }: PaxosState<T, S>): unknown {
  const { ballot, adoptedIdx, maxPromise, maxPromiseFrom, maxPromiseSync } = leading;
  const members = leading.members.map(
    ({ pid, promise, seq, acceptedIdx, durableDecidedIdx }) =>
      [pid, promise, seq, acceptedIdx, durableDecidedIdx] as const,
  );
  return { ballot, adoptedIdx, maxPromise, maxPromiseFrom, maxPromiseSync, members };
}
