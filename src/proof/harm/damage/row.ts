/** One row of the table, from the disks to the verdict. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { ClusterNode } from "../../../server/config/index.ts";
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

export async function playRow(
  kind: Kind,
  size: number,
  images: Images,
  places: readonly ClusterNode[],
  root: string,
): Promise<Row> {
  const image = await images.get(kind.image ?? "killed", size);
  const startedMs = performance.now();
  const directory = join(root, "row");
  rmSync(directory, { recursive: true, force: true });
  const scene = new Scene({ ...rolesOf(size), size, image, directory, places });
  try {
    await kind.play(scene);
    await followWayOut(scene);
    const facts = await scene.facts();
    const { group, name } = kind;
    const ms = Math.round(performance.now() - startedMs);
    return { group, name, size, outcome: decide(facts), facts, ms };
  } finally {
    await scene.dispose();
  }
}

export function isBad({ outcome }: Row): boolean {
  return outcome.kind === "SILENT" || outcome.kind === "NO WAY OUT";
}
