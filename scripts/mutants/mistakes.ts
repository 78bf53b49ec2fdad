/** What is to notice disks that went back in time, were lost, or are somebody else's; and what is to bring a node back. */
import { patch, type Mutant } from "./mutant.ts";

const GUARD = "src/server/node/peer-guard.ts";
const REFUSALS = "src/server/node/refusals.ts";
const JOINING = "src/replica/trust/joining.ts";
const FETCH = "src/replica/snapshots/log-fetch.ts";
const PEER_LINK = "src/links/peer-link.ts";
const REPORTS = "src/server/node/reports.ts";
const REPLICA = "src/replica/replica.ts";

export const MISTAKES: readonly Mutant[] = [
  {
    name: "claims not compared",
    breaks: "a disk that holds less than it has told is let in, if it knows its marks",
    patches: [
      patch(
        REFUSALS,
        "  if (compareBallots(durable.promise, known.promise) < 0) {\n",
        "  if (known.mark >= 0) return null;\n" +
          "  if (compareBallots(durable.promise, known.promise) < 0) {\n",
      ),
    ],
    by: "mistakes",
  },
  {
    name: "marks are not compared",
    breaks: "an older copy of a disk that has run on is let in",
    patches: [
      patch(
        REFUSALS,
        "  if (!knowsMark(known, marks)) {\n",
        "  if (!knowsMark(known, marks) && marks.length > 1e9) {\n",
      ),
    ],
    by: "mistakes",
  },
  {
    name: "marks told within a session are not remembered",
    breaks: "a copy of the same start is let in once it has more than its original had",
    patches: [
      patch(
        GUARD,
        "known.bootId === 0 ? 0 : Math.max(known.mark, told);",
        "told < 0 ? told : known.mark;",
      ),
    ],
    by: "mistakes",
  },
  {
    name: "a mark told before it is durable",
    breaks: "a node that lost its power is refused although nothing is missing",
    patches: [
      patch(
        "src/storage/told-marks.ts",
        "    return this.#upTo(peer, this.#durable);\n",
        "    return this.#upTo(peer, Math.max(this.#durable, this.#last));\n",
      ),
    ],
    by: ["test/storage/data-directory.test.ts"],
  },
  {
    name: "marks of a second process are not compared",
    breaks:
      "a node runs on although a copy of its disk has taken part since, or a copy beside the original",
    patches: [
      patch(
        REFUSALS,
        "  return mark < (marks[0]?.from ?? 1);\n",
        "  return mark < (marks[0]?.from ?? 1) || marks.length > 0;\n",
      ),
    ],
    by: "mistakes",
  },
  {
    name: "an earlier process is listened to beside the later one",
    breaks: "two processes of one node vote with one peer",
    patches: [
      patch(
        PEER_LINK,
        "      this.#session.close(reason);\n      this.#sessionEnded(reason);\n",
        "      this.#sessionEnded(reason);\n",
      ),
    ],
    by: "mistakes",
  },
  {
    name: "who shook hands is not looked at again",
    breaks: "a copy of a disk is let in that lacks what its original told during the handshake",
    patches: [
      patch(
        "src/links/peer-links.ts",
        "        const refusal = this.#stopped ? null : this.#checkRemote(remote);\n",
        "        const refusal = this.#stopped ? this.#checkRemote(remote) : null;\n",
      ),
    ],
    by: ["test/links/peer-links.test.ts"],
  },
  {
    name: "starts met are not remembered durably",
    breaks: "after a crash a node lets in an older copy of a disk that it has met",
    patches: [
      patch(
        GUARD,
        "    if (isNews) memory.set(id, now);\n    else memory",
        "    void isNews;\n    memory",
      ),
    ],
    by: "mistakes",
  },
  {
    name: "members not compared in the handshake",
    breaks: "a node that was started with other members takes part",
    patches: [
      patch(
        GUARD,
        "    if (peer.members.join() !== members.join()) {\n",
        "    if (peer.members.length === 0) {\n",
      ),
    ],
    by: "mistakes",
  },
  {
    name: "a wiped disk let in",
    breaks: "a node that lost its disk votes again as if it had never promised anything",
    patches: [
      patch(
        GUARD,
        "    if (generation === known.generation && !known.waits) {\n",
        "    if (generation < 0) {\n",
      ),
    ],
    by: "mistakes",
  },
  {
    name: "a replaced disk let in",
    breaks: "two disks have voted as one node",
    patches: [
      patch(GUARD, "    if (generation < known.generation) {\n", "    if (generation < 0) {\n"),
    ],
    by: "mistakes",
  },
  {
    name: "a disk from before it had its place let in",
    breaks: "a node runs on an older copy of its disk, and nobody says so",
    patches: [
      patch(
        GUARD,
        "    if (known !== undefined) {\n      const less",
        "    if (known !== undefined && peer.joined) {\n      const less",
      ),
    ],
    by: ["test/server/node/peer-guard.test.ts"],
  },
  {
    name: "rejoin votes at once",
    breaks: "an empty disk votes before it has the log",
    patches: [
      patch(
        JOINING,
        "      if (votes !== null && covers(log, votes)) level += 1;\n",
        "      if (votes !== null || log.acceptedIdx >= 0) level += 1;\n",
      ),
    ],
    by: "mistakes",
  },
  {
    name: "rejoin confirmed past those who may read",
    breaks:
      "of an even number of nodes half answer a read without a leader, from before the disk was replaced",
    patches: [
      patch(JOINING, "Math.min(read, write, nodes - write + 1)", "Math.min(read, write, nodes)"),
    ],
    by: ["test/replica/joining.test.ts"],
  },
  {
    name: "a short snapshot lacks the rounds behind it",
    breaks: "a leader that is elected while a node takes over a snapshot ends that node",
    patches: [
      patch(
        "src/replica/snapshots/snapshot-judge.ts",
        "Math.min(core.decidedIdx, snapshot.idx)",
        "core.decidedIdx",
      ),
    ],
    by: ["test/replica/snapshot-judge.test.ts"],
  },
  {
    name: "rejoin confirmed by one",
    breaks: "a quorum of others may still count a vote of the lost disk",
    patches: [
      patch(
        JOINING,
        "    this.needed = nodes - quorum + 1;\n",
        "    this.needed = Math.min(1, nodes + quorum);\n",
      ),
    ],
    by: ["test/replica/joining.test.ts"],
  },
  {
    name: "rejoin follows any leader",
    breaks: "an empty disk takes over the log of a leader whose time is over, and votes on it",
    patches: [
      patch(
        JOINING,
        "  if (order !== 0) return order > 0;\n",
        "  if (order !== 0) return order >= -1;\n",
      ),
    ],
    by: ["test/replica/joining.test.ts"],
  },
  {
    name: "rejoin with an earlier part of the round",
    breaks: "what the lost disk voted for after its log was fetched is lost with one more node",
    patches: [
      patch(
        JOINING,
        "ballotsEqual(acceptedRound, votes.acceptedRound) || acceptedIdx >= votes.acceptedIdx;",
        "ballotsEqual(acceptedRound, votes.acceptedRound) || acceptedIdx >= 0;",
      ),
    ],
    by: "mistakes",
  },
  {
    name: "a number given to two disks",
    breaks: "two disks that have had a place have one number, and the earlier one is let in again",
    patches: [
      patch(
        GUARD,
        "generation <= (known?.generation ?? 0)) return;",
        "generation < (known?.generation ?? 0)) return;",
      ),
    ],
    by: ["test/server/node/peer-guard.test.ts"],
  },
  {
    name: "an empty disk recorded when it is met",
    breaks: "a disk that is whole, and was not mounted for a moment, is never let in again",
    patches: [
      patch(
        GUARD,
        "    if (!peer.joined && isOther) return null;\n",
        "    if (!peer.joined && isOther && known !== undefined) return this.#replace(id, known, { ...presence, peer: { ...peer, generation: known.generation + 1 } });\n",
      ),
    ],
    by: ["test/server/node/peer-guard.test.ts", "test/proof/simulator/rejoin.test.ts"],
  },
  {
    name: "what an earlier process claimed is confirmed",
    breaks: "a copy from between claim and place is let in, and votes of its original still count",
    patches: [patch(JOINING, "  #generation = 0;\n", "  #generation = 1;\n")],
    by: ["test/replica/joining.test.ts"],
  },
  {
    name: "a newcomer promises whoever asks",
    breaks: "the candidate is gone, and the newcomer waits for a ballot that never comes",
    patches: [
      patch(
        FETCH,
        "    this.#ask({ leader: from, n: prepare.n, prepare });\n",
        "    core.receive({ from, to: core.pid, message: prepare });\n" +
          "    this.#ask({ leader: from, n: prepare.n, prepare });\n",
      ),
    ],
    by: ["test/replica/joining.test.ts"],
  },
  {
    name: "votes for who has not heard of a replaced disk",
    breaks: "a leader decides with votes of a disk that is gone",
    patches: [
      patch(
        REPORTS,
        "this.#unaware.size > 0 && this.#unaware.has(to)",
        "this.#unaware.size < 0 && this.#unaware.has(to)",
      ),
    ],
    by: ["test/server/node/reports.test.ts"],
  },
  {
    name: "votes of the replaced disk still count",
    breaks: "a leader decides with a vote that is on no disk any more",
    patches: [patch(REPLICA, "    this.#core.replaced(peer);\n", "    void peer;\n")],
    by: "mistakes",
  },
  {
    name: "an empty log taken while preparing",
    breaks: "a candidate counts an empty disk for its prepare quorum",
    patches: [
      patch(
        FETCH,
        "  if (core.adoptedIdx === null || !ballotsEqual(core.promise, n)) return null;\n",
        "  if (!ballotsEqual(core.promise, n)) return null;\n",
      ),
    ],
    by: "mistakes",
  },
  {
    name: "place taken before the log is durable",
    breaks: "after a crash a disk votes that has not the log it took its place with",
    patches: [patch(REPLICA, "mayTakePlace(this.#core.durable)", "mayTakePlace(this.#core)")],
    by: ["test/replica/joining.test.ts"],
  },
  {
    name: "reads before it has its place",
    breaks: "an empty log counts for the index that a read is answered at",
    patches: [
      patch(
        REPLICA,
        "    if (this.#joining === null) this.#reads.rounds.flush();\n",
        "    this.#reads.rounds.flush();\n",
      ),
    ],
    by: "mistakes",
  },
  {
    name: "contradiction applied",
    breaks: "a node gives up what it has decided, and has told clients",
    patches: [
      patch(
        "src/omnipaxos/sequence-paxos/follower.ts",
        "  if (finding !== null) return contradict(state, from, finding);\n  const end",
        "  void finding;\n  const end",
      ),
    ],
    by: ["test/proof/simulator/mistakes.test.ts", "test/omnipaxos/contradictions.test.ts"],
  },
  {
    name: "a snapshot is believed",
    breaks: "what follows an older copy takes the place of what only the receiver has decided",
    patches: [
      patch(
        "src/replica/replica-core.ts",
        "    snapshotPartsAt(core, state(), stored, snapshot);\n",
        "    (void snapshotPartsAt(core, state(), stored, snapshot), null);\n",
      ),
    ],
    by: "mistakes",
  },
  {
    name: "a snapshot is adopted unseen",
    breaks: "a new leader takes over a history that contradicts what it has decided",
    patches: [
      patch(
        "src/omnipaxos/sequence-paxos/judge.ts",
        " ?? (sync === null ? null : snapshotDiffers(state, sync));",
        ";",
      ),
    ],
    by: ["test/omnipaxos/contradictions.test.ts"],
  },
  {
    name: "no round is opened by what is forwarded",
    breaks: "a history does not tell where rounds begin, and two that differ look the same",
    patches: [
      patch(
        "src/omnipaxos/sequence-paxos/leader.ts",
        "for (const entry of entries) store.appendToBatch(proposed(state, entry));",
        "for (const entry of entries) store.appendToBatch(entry);",
      ),
    ],
    by: ["test/omnipaxos/opened-rounds.test.ts"],
  },
];
