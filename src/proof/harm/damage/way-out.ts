/** Does what the sentences say, as an operator would who knows nothing else. */
import { existsSync, renameSync } from "node:fs";
import { resolve } from "node:path";
import type { Scene } from "./scene.ts";
import { adviceOf } from "./advice.ts";

const ROUNDS_MAX = 4;

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
      const inTheWay =
        advice.kind === "moveAway" ? resolve(server.dataDirectory, advice.path) : null;
      if (inTheWay !== null && existsSync(inTheWay)) {
        renameSync(inTheWay, `${scene.directory}/in-the-way-${round}-${server.node}`);
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
