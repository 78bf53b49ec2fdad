/** Where the nodes of a row listen, and copies of their directories. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { loopbackHosts, type Host } from "../torture/hosts.ts";

/** Enough for the largest cluster of a row, two nodes that are none of it, and a second process of a node. */
const PLACES = 9;

export async function findPlaces(): Promise<readonly Host[]> {
  const { hosts } = await loopbackHosts(PLACES);
  return hosts;
}

/** As --peers takes them, in this order. */
export function peersFlag(places: readonly Host[], ids: readonly number[]): string {
  const listed = ids.map((id) => {
    const place = places[id - 1];
    if (place === undefined) throw new Error(`there is no place for node ${id}`);
    return `${id}=${place.host}:${place.port}:${place.peerPort}`;
  });
  return listed.join(",");
}

/** Everything below it; what was there is removed. Files that are all zeros take no room where the system can do that. */
export function copyDirectory(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  mkdirSync(dirname(to), { recursive: true });
  const copied = spawnSync("cp", ["-a", "--sparse=always", from, to]);
  if (copied.status !== 0) cpSync(from, to, { recursive: true });
}
