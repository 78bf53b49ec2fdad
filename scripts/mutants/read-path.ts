import { ANY_BOOT, patch, type Mutant } from "./mutant.ts";

const READS = "src/replica/reads/read-index.ts";
const QUESTIONS_STAY = patch(
  READS,
  "    const stays = ({ from }: IndexRequest): boolean => {\n      if (from !== peer) return true;\n",
  "    const stays = ({ from }: IndexRequest): boolean => {\n      if (from !== peer || peer > 0) return true;\n",
);

export const READ_PATH: readonly Mutant[] = [
  {
    name: "read index without the quorum round",
    breaks: "a leader answers reads alone, also when it was deposed",
    patches: [
      patch(READS, "if ((askerAcks ? 2 : 1) < view.writeQuorum) return true;", "void askerAcks;"),
    ],
    by: "sim",
  },
  {
    name: "probe answered whatever was promised",
    breaks: "a peer confirms a leader that it has left",
    patches: [patch(READS, "if (ballotsEqual(this.#view.promise, n)) this", "if (id >= 0) this")],
    by: "sim",
  },
  {
    name: "heartbeat as an ack",
    breaks: "a peer confirms the leader that its election believes in",
    patches: [
      patch(
        READS,
        "if (ballotsEqual(this.#view.promise, n)) this",
        "if (ballotsEqual((this.#view as unknown as { bleLeader: Ballot }).bleLeader, n)) this",
      ),
      patch(
        "src/replica/reads/read-view.ts",
        "    get promise() {\n      return core.promise;\n    },\n",
        "    get promise() {\n      return core.promise;\n    },\n    get bleLeader() {\n      return core.bleLeader;\n    },\n",
      ),
    ],
    by: ["test/proof/simulator/stale-reads.test.ts"],
  },
  {
    name: "an asker's ack counted for other reads",
    breaks: "what a follower promised when it asked confirms reads that came later",
    patches: [
      patch(
        READS,
        "const askerAcks = request.from !== view.pid && ballotsEqual(request.n, view.promise);",
        "const askerAcks = this.#requests.some((other) => other.from !== view.pid && ballotsEqual(other.n, view.promise));",
      ),
    ],
    by: ["test/proof/simulator/stale-reads.test.ts"],
  },
  {
    name: "read index is the decided index only",
    breaks: "a new leader that has decided nothing yet answers too early",
    patches: [
      patch(
        READS,
        "    this.#answer(request, Math.max(view.decidedIdx, view.adoptedIdx));",
        "    this.#answer(request, view.decidedIdx);",
      ),
      patch(
        READS,
        "      idx: Math.max(view.decidedIdx, view.adoptedIdx),",
        "      idx: view.decidedIdx,",
      ),
    ],
    by: "sim",
  },
  {
    name: "quorum read of one",
    breaks: "a read without a leader asks nobody else",
    patches: [
      patch(
        READS,
        "const needed = this.#view.peers.length + 1 - this.#view.writeQuorum + 1;",
        "const needed = 1;",
      ),
    ],
    by: "sim",
  },
  {
    name: "local read older than what was seen",
    breaks: "a client that moves to another node reads what it has already seen overwritten",
    patches: [
      patch(
        "src/replica/reads/client-reads.ts",
        "    if (minIdx <= appliedIdx()) {\n",
        "    if (minIdx >= 0) {\n",
      ),
    ],
    by: "sim",
  },
  {
    name: "questions for an index outlive their process",
    breaks: "a read takes an index that an earlier process of its node asked for",
    patches: [ANY_BOOT, QUESTIONS_STAY],
    by: "sim",
    explore: "--replay test/proof/explorer/traces/stale-read.json",
  },
  {
    name: "questions for an index outlive the session",
    breaks: "a probe answers whoever comes after the node that asked",
    patches: [QUESTIONS_STAY],
    by: ["test/replica/read-index.test.ts"],
  },
  {
    name: "the rest of a frame goes on while the turn has room",
    breaks: "one client's pages take all of a turn from everybody else",
    patches: [
      patch("src/replica/turn/rests.ts", "      asker.owed += work;\n", "      void work;\n"),
    ],
    by: ["test/replica/rests.test.ts"],
  },
  {
    name: "pages of histories cost what a look at their keys costs",
    breaks: "work is not charged to who asks for it",
    patches: [
      patch(
        "src/replica/turn/answer-reads.ts",
        "answers.worked(VERSION_WORK_BYTES * page.versions.length);",
        "answers.worked(page.versions.length);",
      ),
    ],
    by: ["test/replica/read-work.test.ts"],
  },
  {
    name: "nobody rests, however much is looked at for them",
    breaks: "one client has a node look at keys all of the time, and others wait",
    patches: [
      patch(
        "src/replica/requests/work-pace.ts",
        "return this.#owed > AT_ONCE;",
        "return this.#owed > 1e12;",
      ),
    ],
    by: ["test/server/gateway/shares.test.ts"],
  },
  {
    name: "keys of a lease put in order for nothing",
    breaks: "a read of a few bytes sorts megabytes of keys, and is charged for none of it",
    patches: [
      patch("src/store/keys/lease-reads.ts", "  looked.cells += leases.sortWork(lease);\n", ""),
    ],
    by: ["test/store/leases.test.ts"],
  },
];
