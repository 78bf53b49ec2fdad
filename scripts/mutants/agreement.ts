import { patch, type Mutant } from "./mutant.ts";

const AGREEMENT = "src/replica/trust/agreement.ts";
const TESTS = ["test/replica/agreement.test.ts", "test/proof/simulator/agreement.test.ts"];

/** The simulator's own checks would find the first one sooner; in the scenarios they are out of the way. */
export const AGREEMENT_MUTANTS: readonly Mutant[] = [
  {
    name: "an entry skipped by one node",
    breaks: "one replica applies the log to another state: the product's own alarm is to find it",
    patches: [
      patch(
        "src/replica/writes/applier.ts",
        "    this.#state.apply(entry, this.#state.appliedIdx, this, isChecked);\n",
        "    if (this.#node === 2 && this.#state.appliedIdx % 50 === 49)\n      this.#state.skip(this.#state.appliedIdx);\n    else this.#state.apply(entry, this.#state.appliedIdx, this, isChecked);\n",
      ),
    ],
    by: ["test/proof/simulator/agreement.test.ts"],
  },
  {
    name: "nodes that differ go on together",
    breaks: "one log is made of two that contradict each other, when a ballot was given away twice",
    patches: [
      patch(
        AGREEMENT,
        "    return peer !== undefined && this.#isOfTheseLives(peer);\n",
        "    return peer === undefined && this.#alarms.length > 0;\n",
      ),
    ],
    by: ["test/replica/apart.test.ts", "test/proof/simulator/mistakes.test.ts"],
  },
  {
    name: "another node's state ignored",
    breaks: "nodes whose states differ take no notice of it",
    patches: [
      patch(
        AGREEMENT,
        "    if (isSame === true) this.#agreed(peer, checkpoint.idx);\n",
        "    if (own.idx === checkpoint.idx) this.#agreed(peer, checkpoint.idx);\n",
      ),
    ],
    by: TESTS,
  },
  {
    name: "a state that is ahead ignored",
    breaks: "a node behind the others does not compare when it gets there",
    patches: [patch(AGREEMENT, "    if (idx >= this.#awaitedIdx) this.#compareReached();\n", "")],
    by: TESTS,
  },
  {
    name: "the larger side stops",
    breaks: "one node with another state stops the two that are right",
    patches: [
      patch(
        AGREEMENT,
        "        if (this.#isMajority(by.length)) return",
        "        if (!this.#isMajority(by.length)) return",
      ),
    ],
    by: TESTS,
  },
  {
    name: "half of the nodes is a majority",
    breaks: "two against two stop each other",
    patches: [
      patch(AGREEMENT, "return 2 * nodes > this.#nodes;", "return 2 * nodes >= this.#nodes;"),
    ],
    by: TESTS,
  },
  {
    name: "served while nobody knows who is right",
    breaks: "a node whose state may be wrong answers from it",
    patches: [
      patch(
        AGREEMENT,
        'return this.#verdict.kind === "agrees" || this.#verdict.kind === "prevails";',
        'return this.#verdict.kind !== "outvoted";',
      ),
    ],
    by: ["test/proof/simulator/agreement.test.ts"],
  },
  {
    name: "an alarm that ends by itself",
    breaks: "a state that only looks alike again is taken for sound",
    patches: [
      patch(AGREEMENT, "      if (isPast) peer.alarm = null;\n", "      peer.alarm = null;\n"),
    ],
    by: TESTS,
  },
  {
    name: "hashes from before a snapshot kept",
    breaks: "a node tells hashes that stand for no state it ever had, and sound nodes differ",
    patches: [patch("src/replica/trust/hash-history.ts", "    this.#first = idx;\n", "")],
    by: "sim",
  },
  {
    name: "versions that are kept are not compared",
    breaks: "a node tells another past than the others, and nobody notices",
    patches: [
      patch(
        AGREEMENT,
        "return a.kept.oldest === b.kept.oldest ? a.kept.hash === b.kept.hash : null;",
        "return true;",
      ),
    ],
    by: ["test/replica/agreement.test.ts"],
  },
];
