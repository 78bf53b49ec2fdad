/** Where the nodes of a row listen, and copies of their directories. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import type { ClusterNode } from "../../../server/config/index.ts";
import { loopbackNodes } from "../../../measure/index.ts";

/** Enough for the largest cluster of a row, two nodes that are none of it, and a second process of a node. */
const PLACES = 9;

export function findPlaces(): Promise<readonly ClusterNode[]> {
  return loopbackNodes(PLACES);
}

/** The place of the node with this id. */
export function placeOf(places: readonly ClusterNode[], id: number): ClusterNode {
  const place = places[id - 1];
  if (place === undefined) throw new Error(`there is no place for node ${id}`);
  return place;
}

/** Everything below it; what was there is removed. Files that are all zeros take no room where the system can do that. */
export function copyDirectory(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  mkdirSync(dirname(to), { recursive: true });
  const copied = spawnSync("cp", ["-a", "--sparse=always", from, to]);
  if (copied.status !== 0) cpSync(from, to, { recursive: true });
}
