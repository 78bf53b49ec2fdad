/** The verdict on a row. Pure: no person decides by hand. */
import type { Said } from "./server.ts";
import { adviceOf } from "./advice.ts";

export interface Facts {
  /** Every node that has to. */
  readonly isRunning: boolean;
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
  /** Those that no reader is told of, and that stand on no disk of the row, moved away or not. */
  readonly nowhere: readonly string[];
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

/** Codes of the processes that ended by themselves, in the order of the processes. */
export function endings({ said }: Facts): readonly string[] {
  return [...new Set(said.filter(({ ended }) => ended).map(({ code }) => code))];
}

/** The codes of a node that stops because other nodes have decided other entries, or have another state. */
const SIDES: ReadonlySet<string> = new Set(["CONTRADICTED", "DIVERGED"]);
const CHOICE = "people have to choose a side, and the disk of each is kept";

export function decide(facts: Facts): Outcome {
  const { said, lost, missedBefore } = facts;
  const ended = said.filter((each) => each.ended);
  const first = ended[0] ?? said[0];
  const isWhole = facts.isRunning && facts.isServed && facts.isLevel && facts.nowhere.length === 0;
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
  if (after === null) return { kind: "NO WAY OUT", what: whatFailed(facts, first) };
  return { kind: "refused", by: first, after };
}

/** Null: what was said was no help. */
function outcomeAfter(facts: Facts, isWhole: boolean): string | null {
  const { lost, nowhere, majorityIntact, said } = facts;
  if (isWhole && lost.length === 0) return "nothing lost";
  if (nowhere.length > 0) return null;
  // Two sides that have each decided something: people choose, and both are still there.
  const isForPeople = said.filter(({ code }) => SIDES.has(code));
  if (isForPeople.some(({ ended }) => ended)) return `stops: ${CHOICE}`;
  if (isForPeople.length > 0 && !facts.isServed) return `serves nobody: ${CHOICE}`;
  if (lost.length > 0) return null;
  if (!majorityIntact) return facts.isJoining ? "waits, and says for whom" : "stands still";
  return null;
}

function whatFailed({ lost, nowhere }: Facts, first: Said): string {
  if (lost.length === 0) return `followed, it did not make the cluster whole: ${first.text}`;
  const where = nowhere.length > 0 ? "nowhere" : "only on a disk that was moved away";
  return `followed, it left ${lost.length} acknowledged writes ${where}: ${first.text}`;
}

function silent(what: string): Outcome {
  return { kind: "SILENT", what };
}
