/** One row of the table, from the disks to the verdict. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Host } from "../torture/hosts.ts";
import { rolesOf, type Images } from "./image.ts";
import type { Kind } from "./kind.ts";
import { Scene } from "./scene.ts";
import { decide, type Facts, type Outcome } from "./verdict.ts";
import { followWayOut } from "./way-out.ts";

export interface Row {
  readonly group: string;
  readonly name: string;
  readonly size: number;
  readonly outcome: Outcome;
  readonly facts: Facts;
  readonly ms: number;
}

const NO_FACTS: Facts = {
  isRunning: false,
  isServed: false,
  isLevel: false,
  isJoining: false,
  said: [],
  missedBefore: 0,
  unanswered: 0,
  lost: [],
  nowhere: [],
  majorityIntact: false,
  notes: [],
};

/** Always a row: what the script itself did wrong ends this one only. */
export async function playRow(
  kind: Kind,
  size: number,
  images: Images,
  places: readonly Host[],
  root: string,
): Promise<Row> {
  const { group, name } = kind;
  const startedMs = performance.now();
  const played = await play(kind, size, images, places, root).catch((error: unknown) => {
    const outcome: Outcome = { kind: "NOT PLAYED", what: String(error) };
    return { outcome, facts: NO_FACTS };
  });
  return { group, name, size, ...played, ms: Math.round(performance.now() - startedMs) };
}

export function isBad({ outcome }: Row): boolean {
  return outcome.kind !== "nothing lost" && outcome.kind !== "refused";
}

async function play(
  kind: Kind,
  size: number,
  images: Images,
  places: readonly Host[],
  root: string,
): Promise<Pick<Row, "outcome" | "facts">> {
  const image = await images.get(kind.image ?? "killed", size);
  const directory = join(root, "row");
  rmSync(directory, { recursive: true, force: true });
  const scene = new Scene({ ...rolesOf(size), size, image, directory, places });
  try {
    await kind.play(scene);
    await followWayOut(scene);
    const facts = await scene.facts();
    const outcome = decide(facts, kind.unharmed);
    if (outcome.kind === "nothing lost" || outcome.kind === "refused") return { outcome, facts };
    // On a machine with other work the nodes may only be slow. What was lost once stays lost.
    const later = await scene.facts({ patient: true });
    return { outcome: decide(later, kind.unharmed), facts: later };
  } finally {
    await scene.dispose();
  }
}
