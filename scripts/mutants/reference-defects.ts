import { CORE, CORE_TESTS, PAXOS, patch, type Mutant } from "./mutant.ts";

/** What is wrong in the reference implementation: S1 to S9 of src/omnipaxos/deviations.md. */
export const REFERENCE_DEFECTS: readonly Mutant[] = [
  {
    name: "S1 stop-sign counted in a sync",
    breaks: "a follower that is synced again counts the stop-sign twice",
    patches: [patch(`${PAXOS}/sync.ts`, "Math.min(commonPrefix, log.end)", "commonPrefix")],
    by: CORE_TESTS,
  },
  {
    name: "S2 delta merged onto undecided entries",
    breaks: "a delta snapshot is merged onto whatever the log holds",
    patches: [
      patch(
        `${PAXOS}/sync.ts`,
        "foldTo(store, policy, snapshot.baseIdx)",
        "foldTo(store, policy, store.log.end)",
      ),
      patch(`${PAXOS}/sync.ts`, " || snapshot.baseIdx !== store.decidedEnd", ""),
    ],
    by: CORE_TESTS,
  },
  {
    name: "S3 decided index goes back",
    breaks: "a late AcceptSync with a lower decided index is believed",
    patches: [
      patch(
        `${CORE}/store.ts`,
        "    if (decidedIdx <= this.#decidedIdx) return;\n    this.#decidedIdx = decidedIdx;",
        "    this.#decidedIdx = decidedIdx;",
      ),
    ],
    by: "sim",
  },
  {
    name: "S4 stale AcceptSync accepted",
    breaks: "an AcceptSync of an earlier sync of the same round cuts off acknowledged entries",
    patches: [
      patch(
        `${PAXOS}/follower.ts`,
        "const stale = again && end < store.acceptedIdx;",
        "const stale = n.n < 0;",
      ),
    ],
    by: CORE_TESTS,
    explore: "core --nodes 2 --order any --losses 2 --disk sync --candidates 1 --proposers 1",
  },
  {
    name: "S5 no Progress after a silent loss",
    breaks: "a loss at the end of a burst stays until the next one",
    patches: [patch(`${PAXOS}/leader.ts`, "    sendProgress(state, member);\n  }\n}", "  }\n}")],
    by: CORE_TESTS,
  },
  {
    name: "S6 trim by accepted index",
    breaks: "entries are trimmed that a follower has accepted but not decided",
    patches: [
      patch(
        `${CORE}/leader-state.ts`,
        "this.members.map((member) => member.durableDecidedIdx)",
        "this.members.map((member) => member.acceptedIdx)",
      ),
      patch(
        `${PAXOS}/compaction.ts`,
        '  if (idx > store.decidedIdx) {\n    return failure({ kind: "undecidedIndex", decidedIdx: store.decidedIdx });\n  }\n  const upTo = Math.min(idx, store.decidedEnd);\n',
        "  const upTo = Math.min(idx, store.decidedEnd);\n",
      ),
    ],
    by: CORE_TESTS,
  },
  {
    name: "S7 stranded peers stay stranded",
    breaks: "a peer that promised a dead candidate's ballot gets no entries any more",
    patches: [patch(`${CORE}/omni-paxos.ts`, "      this.#winBackStranded();\n", "")],
    by: CORE_TESTS,
  },
  {
    name: "S8 own ballot does not compete",
    breaks: "a raised priority makes peers follow a leader that does not lead",
    patches: [
      patch(
        `${CORE}/ballot-leader-election.ts`,
        "    if (compareBallots(this.#ownBallot, this.#leader) > 0) this.#leader = this.#ownBallot;\n",
        "",
      ),
    ],
    by: CORE_TESTS,
  },
  {
    name: "S9 heartbeat reply counted twice",
    breaks: "a repeated reply makes a minority look like a quorum",
    patches: [
      patch(
        `${CORE}/ballot-leader-election.ts`,
        "if (!current || this.#replies.has(from)) return false;\n    this.#replies.set(from, {",
        "if (!current) return false;\n    this.#replies.set(this.#replies.has(from) ? -this.#replies.size : from, {",
      ),
    ],
    by: CORE_TESTS,
  },
];
