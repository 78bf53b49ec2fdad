/** What a row comes to. Pure: nobody decides by hand. */
import type { Said } from "./server.ts";
import { adviceOf } from "./way-out.ts";

export interface Facts {
  readonly size: number;
  readonly running: number;
  /** A write is acknowledged. */
  readonly isServed: boolean;
  /** All that run have the same state. */
  readonly isLevel: boolean;
  /** A node waits for its place, and says so. */
  readonly isJoining: boolean;
  readonly said: readonly Said[];
  /** Acknowledged writes that a reader was not told of in between. */
  readonly missedBefore: number;
  /** Those that a reader is not told of at the end. */
  readonly lost: readonly string[];
  /** How many of them stand on a disk that somebody was told to keep. */
  readonly lostAndKept: number;
  /** A majority of the disks holds what it held. */
  readonly majorityIntact: boolean;
  readonly notes: readonly string[];
}

export type Outcome =
  | { readonly kind: "nothing lost" }
  /** @property after what came of following the sentences */
  | { readonly kind: "refused"; readonly by: Said; readonly after: string }
  /** The product failed. */
  | { readonly kind: "SILENT"; readonly what: string }
  | { readonly kind: "NO WAY OUT"; readonly what: string };

export function decide(facts: Facts): Outcome {
  const { said, lost, missedBefore } = facts;
  const ended = said.filter((each) => each.ended);
  const first = ended[0] ?? said[0];
  const isWhole = facts.running === facts.size && facts.isServed && facts.isLevel;
  if (first === undefined) {
    if (lost.length > 0) return silent(`${lost.length} acknowledged writes are gone`);
    if (missedBefore > 0) return silent(`${missedBefore} acknowledged writes were gone for a time`);
    if (!isWhole && !facts.isLevel) return silent("the replicas differ, or one does not keep up");
    return isWhole ? { kind: "nothing lost" } : silent("a node does not run, or none serves");
  }
  const dumb = ended.find((each) => adviceOf(each).kind === "none");
  if (dumb !== undefined) return { kind: "NO WAY OUT", what: dumb.text };
  if (lost.length > 0 && ended.length === 0) {
    return silent(`${lost.length} acknowledged writes are gone, and all go on`);
  }
  const after = outcomeAfter(facts, isWhole);
  if (after === null) return { kind: "NO WAY OUT", what: `${first.text} And then: not whole` };
  return { kind: "refused", by: first, after };
}

/** Null: what was said was no help. */
function outcomeAfter(facts: Facts, isWhole: boolean): string | null {
  const { lost, lostAndKept, majorityIntact, said } = facts;
  if (isWhole && lost.length === 0) return "nothing lost";
  // Two sides that have each decided something: people choose.
  const isForPeople = said.some((each) => each.ended && adviceOf(each).kind === "keep");
  if (lost.length > 0) {
    if (lostAndKept < lost.length) return null;
    return isForPeople
      ? `${lost.length} writes only on the disk of a node that stopped and said so`
      : null;
  }
  if (!majorityIntact) return facts.isJoining ? "waits, and says for whom" : "stands still";
  return isForPeople ? "a node that stopped has to be judged by people" : null;
}

function silent(what: string): Outcome {
  return { kind: "SILENT", what };
}
