import { patch, type Mutant } from "./mutant.ts";

const READS = "src/replica/reads.ts";

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
    patches: [
      patch(READS, "if (ballotsEqual(this.#view.promise, message.n)) {", "if (message.id >= 0) {"),
    ],
    by: "sim",
  },
  {
    name: "heartbeat as an ack",
    breaks: "a peer confirms the leader that its election believes in",
    patches: [
      patch(
        READS,
        "if (ballotsEqual(this.#view.promise, message.n)) {",
        "if (ballotsEqual((this.#view as unknown as { bleLeader: Ballot }).bleLeader, message.n)) {",
      ),
      patch(
        "src/replica/replica.ts",
        "        get promise() {\n          return core.promise;\n        },\n",
        "        get promise() {\n          return core.promise;\n        },\n        get bleLeader() {\n          return core.bleLeader;\n        },\n",
      ),
    ],
    by: ["test/sim/stale-reads.test.ts"],
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
    by: ["test/sim/stale-reads.test.ts"],
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
        "src/replica/replica.ts",
        "if (minIdx <= this.#applier.appliedIdx) return this.#answerRead(read);",
        "if (minIdx >= 0) return this.#answerRead(read);",
      ),
    ],
    by: "sim",
  },
];
