import { CORE, PAXOS, patch, type Mutant } from "./mutant.ts";

const CONTRADICTIONS = ["test/omnipaxos/contradictions.test.ts"];

export const CONSENSUS: readonly Mutant[] = [
  {
    name: "reply before sync",
    breaks: "messages leave before what they tell of is durable",
    patches: [
      patch(
        "src/server/node/release-queue.ts",
        "    for (const message of messages) {\n      const { type } = message.message;\n",
        "    for (const message of messages) {\n      this.#send(message.to, message.message);\n      continue;\n      const { type } = message.message;\n",
      ),
    ],
    by: "sim",
  },
  {
    name: "prepare before its promise is durable",
    breaks: "a ballot that was led is led again after a restart",
    patches: [
      patch(
        `${PAXOS}/leader.ts`,
        "      acceptedIdx: store.acceptedIdx,\n    },\n    store.promiseSeq,",
        "      acceptedIdx: store.acceptedIdx,\n    },\n    0,",
      ),
    ],
    by: "sim",
    explore: "core",
  },
  {
    name: "promise before it is durable",
    breaks: "a follower forgets in a crash what it promised, and promises somebody else less",
    patches: [
      patch(
        `${PAXOS}/follower.ts`,
        "state.outbox.send(promise.n.pid, promise, Math.max(promiseSeq, logSeq));",
        "state.outbox.send(promise.n.pid, promise, Math.min(0, promiseSeq, logSeq));",
      ),
    ],
    by: ["test/proof/explorer/core.test.ts"],
    explore: "core",
  },
  {
    name: "own vote before it is durable",
    breaks: "the leader counts its own entry before its disk has it",
    patches: [
      patch(
        `${PAXOS}/leader.ts`,
        "    store.append(proposed(state, entry));\n    sendAcceptDecide(state, store.log.end - 1);",
        "    store.append(proposed(state, entry));\n    state.leading.self.acceptedIdx = store.acceptedIdx;\n    sendAcceptDecide(state, store.log.end - 1);",
      ),
    ],
    by: "sim",
    explore: "core",
  },
  {
    name: "promise check skipped",
    breaks: "a follower accepts from a leader whose ballot is below its promise",
    patches: [patch(`${PAXOS}/follower.ts`, "  return order === 0;\n}", "  return true;\n}")],
    by: "sim",
    explore: "core --order any --leader-changes 2",
  },
  {
    name: "promise forgotten",
    breaks: "a promise is kept in memory and not written",
    patches: [
      patch(
        `${CORE}/store.ts`,
        '    this.#promiseSeq = this.#outbox.write({ kind: "promise", promise });\n',
        "",
      ),
    ],
    by: "sim",
    explore: "core",
  },
  {
    name: "accepted round not written",
    breaks: "after a restart a log seems to be of an older round than it is",
    patches: [
      patch(
        `${CORE}/store.ts`,
        '    this.#logSeq = this.#outbox.write({ kind: "acceptedRound", acceptedRound });\n',
        "",
      ),
    ],
    by: "sim",
    explore: "core",
  },
  {
    name: "sequence number check dropped",
    breaks: "a follower takes what comes after a gap as if nothing were missing",
    patches: [
      patch(
        `${PAXOS}/follower.ts`,
        "if (seq.session === state.seq.session && seq.counter === state.seq.counter + 1) {",
        "if (seq.session >= 0) {",
      ),
    ],
    by: "sim",
    explore: "core --nodes 2 --order any --disk sync --proposals 2",
  },
  {
    name: "longest log wins, whatever its round",
    breaks: "a new leader adopts a long log of an old round",
    patches: [
      patch(
        `${CORE}/leader-state.ts`,
        "if (order > 0 || (order === 0 && meta.acceptedIdx > max.acceptedIdx)) {",
        "if (order > 9 || meta.acceptedIdx > max.acceptedIdx) {",
      ),
    ],
    by: "sim",
  },
  {
    name: "the leader's own log wins",
    breaks: "a new leader does not adopt what a promise reports",
    patches: [
      patch(
        `${PAXOS}/leader.ts`,
        "  const sync = leading.maxPromiseSync;\n",
        "  const sync = null as typeof leading.maxPromiseSync;\n",
      ),
    ],
    by: "sim",
    explore: "core --disk sync --leader-changes 2",
  },
  {
    name: "common prefix too long",
    breaks: "a promiser's extra entries of the same round are taken for part of the adopted log",
    patches: [
      patch(
        `${PAXOS}/leader.ts`,
        "return Math.min(max.acceptedIdx, meta.acceptedIdx);",
        "return meta.acceptedIdx;",
      ),
    ],
    by: "sim",
    explore: "core --disk sync --leader-changes 2 --proposals 2",
  },
  {
    name: "one vote too few",
    breaks: "an entry is decided with one vote less than a write quorum",
    patches: [
      patch(
        `${CORE}/leader-state.ts`,
        "sorted[writeQuorum - 1] ?? 0",
        "sorted[writeQuorum - 2] ?? 0",
      ),
    ],
    by: "sim",
    explore: "core",
  },
  {
    name: "one promise too few",
    breaks: "a leader starts with one promise less than a prepare quorum",
    patches: [
      patch(
        `${PAXOS}/leader.ts`,
        "if (leading.promiseCount() < config.quorum.read) return;",
        "if (leading.promiseCount() < config.quorum.read - 1) return;",
      ),
    ],
    by: "sim",
    explore: "core --disk sync --leader-changes 2 --proposals 2",
  },
  {
    name: "log cut below decided",
    breaks: "a sync that ends below the decided index removes decided entries",
    patches: [
      patch(
        `${PAXOS}/sync.ts`,
        " || endOfSync(sync) < store.decidedIdx) return null;",
        ") return null;",
      ),
      patch(
        `${PAXOS}/follower.ts`,
        "(again ? null : endsBelowDecided(store, logSync))",
        "(again || !again ? null : endsBelowDecided(store, logSync))",
      ),
    ],
    by: CONTRADICTIONS,
  },
  {
    name: "decided entries replaced",
    breaks: "a sync that differs in decided places is applied",
    patches: [
      patch(
        `${PAXOS}/follower.ts`,
        "differsFromDecided(state, logSync) ??\n",
        "differsFromDecided(state, logSync, 0) ??\n",
      ),
    ],
    by: CONTRADICTIONS,
  },
  {
    name: "adopted unseen",
    breaks: "a new leader adopts a log that contradicts what it, or a promiser, has decided",
    patches: [
      patch(
        `${PAXOS}/leader.ts`,
        "const wrong = judgeAdoption(state);",
        "const wrong = leading.ballot.n < 0 ? judgeAdoption(state) : null;",
      ),
    ],
    by: CONTRADICTIONS,
  },
  {
    name: "late promise believed",
    breaks: "a promise that contradicts what was adopted is answered with an AcceptSync",
    patches: [
      patch(
        `${PAXOS}/leader.ts`,
        "if (finding !== null) return contradict(state, from, finding);",
        "if (finding !== null && preparing) return contradict(state, from, finding);",
      ),
    ],
    by: CONTRADICTIONS,
  },
  {
    name: "goes on after a contradiction",
    breaks: "a node whose cluster broke its promises takes part in the next round",
    patches: [
      patch(
        `${CORE}/omni-paxos.ts`,
        "  receive(envelope: Envelope<T, S>): void {\n    if (this.#isInert) return;\n",
        "  receive(envelope: Envelope<T, S>): void {\n",
      ),
    ],
    by: CONTRADICTIONS,
  },
  {
    name: "acknowledgement beyond the log counts",
    breaks: "a vote for what the leader never had decides what comes to stand there",
    patches: [
      patch(
        `${PAXOS}/leader.ts`,
        'if (state.phase !== "accept" || acceptedIdx > store.acceptedIdx || decidedIdx > acceptedIdx) {',
        'if (state.phase !== "accept") {',
      ),
    ],
    by: CONTRADICTIONS,
  },
  {
    name: "late AcceptSync sets the place in the stream",
    breaks: "what a late stream appends stands in the log twice",
    patches: [
      patch(
        `${PAXOS}/follower.ts`,
        "if (again && end === store.acceptedIdx) {",
        "if (again && end <= store.acceptedIdx) {",
      ),
    ],
    by: ["test/omnipaxos/reordering.test.ts"],
    explore: "core --nodes 2 --order any --losses 2 --disk sync --candidates 1 --proposers 1",
  },
  {
    name: "late promise from before a trim is served",
    breaks: "a leader dies of a message that came late",
    patches: [
      patch(
        `${PAXOS}/leader.ts`,
        "if (!canServe(store, config.snapshots, decidedIdx)) {",
        "if (decidedIdx < 0) {",
      ),
    ],
    by: ["test/omnipaxos/reordering.test.ts"],
  },
  {
    name: "votes of a replaced disk count",
    breaks: "an entry is decided with the vote of a disk that is gone",
    patches: [
      patch(
        `${CORE}/omni-paxos.ts`,
        '    if (this.#paxos.role === "leader") this.tryBecomeLeader();\n',
        "",
      ),
    ],
    by: ["test/omnipaxos/replaced.test.ts"],
  },
  {
    name: "durable view shows what is only written",
    breaks: "a host is told that something is on disk which a crash would lose",
    patches: [
      patch(
        `${CORE}/store.ts`,
        "    this.#durable = mark;\n",
        "    this.#durable = this.mark();\n",
      ),
    ],
    by: ["test/omnipaxos/durability.test.ts"],
  },
  {
    name: "recovered node keeps its old ballot",
    breaks: "a leader that restarts shows the ballot it led with, and leads nothing",
    patches: [
      patch(
        `${CORE}/ballot-leader-election.ts`,
        "this.#ownBallot = this.ballotWith(recovered ? 0 : 1);",
        "this.#ownBallot = this.ballotWith(recovered ? recoveredPromise.n : 1);",
      ),
    ],
    by: "sim",
  },
  {
    name: "happy without followers",
    breaks: "a leader that nobody follows any more is never replaced",
    patches: [
      patch(
        `${CORE}/ballot-leader-election.ts`,
        "    this.#happy =\n      followers >= (leadsInAccept ? write : read) ||",
        "    this.#happy =\n      followers >= (leadsInAccept ? 1 : read) ||",
      ),
    ],
    by: "sim",
  },
];
