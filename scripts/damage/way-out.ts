/** Does what the sentences say, as somebody would who knows nothing else. */
import { existsSync, renameSync } from "node:fs";
import type { Scene } from "./scene.ts";
import type { Said } from "./server.ts";

const ROUNDS_MAX = 4;

/** What a sentence tells to do. */
type Advice =
  | { readonly kind: "rejoin" }
  | { readonly kind: "moveAway"; readonly path: string }
  /** Whether others are right is for people to say, so nothing is done. */
  | { readonly kind: "keep" }
  /** Correct what was given to the server, or do nothing. */
  | { readonly kind: "correct" }
  | { readonly kind: "none" };

export function adviceOf({ text }: Said): Advice {
  const inTheWay = /([^\s:]+): there is a file where a directory has to be/.exec(text)?.[1];
  if (inTheWay !== undefined) return { kind: "moveAway", path: inTheWay };
  if (/[Ii]f the others are right:/.test(text)) return { kind: "keep" };
  if (/may be deleted/.test(text)) return { kind: "keep" };
  if (/--rejoin/.test(text)) return { kind: "rejoin" };
  if (
    /correct --|start that version|start it with|start all with|give both|stop it|put (?:it )?back|start (?:it|this node) again|make room/i.test(
      text,
    )
  ) {
    return { kind: "correct" };
  }
  return { kind: "none" };
}

/** @returns how many times a sentence was followed */
export async function followWayOut(scene: Scene): Promise<number> {
  let followed = 0;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const { mend } = scene;
    if (mend !== null && scene.said.length > 0) {
      scene.mend = null;
      await mend();
      followed += 1;
    }
    const again: number[] = [];
    const anew: number[] = [];
    for (const server of scene.failed) {
      const last = server.said.at(-1);
      if (last === undefined || server.dataDirectory !== scene.data(server.node)) continue;
      const advice = adviceOf(last);
      if (advice.kind === "moveAway" && existsSync(advice.path)) {
        renameSync(advice.path, `${scene.directory}/in-the-way-${round}-${server.node}`);
        again.push(server.node);
      } else if (advice.kind === "rejoin") {
        scene.moveAway(server.node);
        anew.push(server.node);
      }
    }
    if (again.length + anew.length === 0) return followed;
    followed += 1;
    await Promise.all([scene.start(again), scene.start(anew, { flags: ["--rejoin"] })]);
    await scene.settle("after the way out");
  }
  return followed;
}
