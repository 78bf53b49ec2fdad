/** Directories that were put back from an older copy. */
import { remove, segmentFiles } from "../files.ts";
import { damage, story, type Kind } from "../kind.ts";
import { copyDirectory } from "../places.ts";
import type { Scene } from "../scene.ts";
import { pause } from "../../../../measure/index.ts";

const GROUP = "An older copy put back";
const PARTS = "A part put back from an older copy";

/** A node that ran is killed, put back and started again while the others run. */
async function whileOthersRun(scene: Scene, others: readonly number[]): Promise<void> {
  await scene.start([scene.hurt, ...others]);
  await scene.settle("before");
  await scene.end([scene.hurt]);
  scene.restore("hot", scene.hurt);
  await scene.start([scene.hurt]);
  await scene.settle("with the copy");
  await scene.start(scene.ids.filter((id) => !scene.running.includes(id) && id !== scene.hurt));
  await scene.settle("with all");
}

/** What was written is told with a mark, and that is on the disks of others. */
const MARKED_MS = 2500;
/** As a port that is taken, over and over. */
const FAILED_STARTS = 70;

/** Copies of those nodes, made while they ran, run on without those who know until the log of then is gone. */
async function runsOn(
  scene: Scene,
  old: readonly number[],
  between: () => Promise<void>,
): Promise<void> {
  const copyOf = (id: number): string => `${scene.data(id)}-copy`;
  await scene.start(scene.ids);
  await scene.settle("before");
  await pause(MARKED_MS);
  for (const id of old) copyDirectory(scene.data(id), copyOf(id));
  for (let i = 0; i < 10; i++) await scene.write();
  await scene.level();
  await pause(MARKED_MS);
  await scene.end(scene.ids, "SIGTERM");
  for (const id of old) copyDirectory(copyOf(id), scene.data(id));
  scene.intact = scene.size - old.length;
  await between();
  await scene.start(old);
  await scene.fill();
  await scene.end(old, "SIGTERM");
  await scene.start(old);
  await scene.settle("with the copies");
  await scene.start(scene.ids.filter((id) => !old.includes(id)));
  await scene.settle("with all");
}

/** Of five, one is left that knows what the two had told. */
function ofTwo(scene: Scene): void {
  const two = [scene.hurt, ...scene.knowing.slice(0, 1)];
  for (const id of two) scene.restore("hot", id);
  scene.intact = scene.size - 2;
}

export const copies: readonly Kind[] = [
  damage(GROUP, "of one, 30 writes older, not started since", (scene) =>
    scene.restore("hot", scene.hurt),
  ),
  damage(GROUP, "of one, cold, started since", (scene) => scene.restore("cold", scene.hurt)),
  damage(GROUP, "of one, one write older", (scene) => scene.restore("oneWriteLess", scene.hurt)),
  damage(
    GROUP,
    "of one, one write older, killed at that very moment",
    (scene) => scene.restore("oneWriteLess", scene.hurt),
    { image: "atOnce", limit: true },
  ),
  damage(GROUP, "of one, older by a snapshot", (scene) => scene.restore("hot", scene.hurt), {
    image: "snapshots",
  }),
  damage(GROUP, "of one, older by segments", (scene) => scene.restore("hot", scene.hurt), {
    image: "segments",
  }),
  damage(GROUP, "of one, after a clean stop", (scene) => scene.restore("hot", scene.hurt), {
    image: "stopped",
  }),
  story(GROUP, "of one, while all others run", (scene) =>
    whileOthersRun(scene, [...scene.behind, ...scene.knowing]),
  ),
  story(GROUP, "of one, while those that know run", (scene) =>
    whileOthersRun(scene, scene.knowing),
  ),
  story(GROUP, "of one, older only by a start and what it did in it", async (scene) => {
    await scene.start(scene.ids);
    await scene.settle("before");
    await scene.end([scene.hurt]);
    scene.restore("end", scene.hurt);
    await scene.start([scene.hurt]);
    await scene.settle("with the copy");
  }),
  story(GROUP, "of one, after writes that only those behind took part in", async (scene) => {
    await scene.start([scene.hurt, ...scene.behind]);
    await scene.settle("before");
    await scene.end([scene.hurt, ...scene.behind]);
    scene.restore("end", scene.hurt);
    await scene.start([scene.hurt, ...scene.knowing]);
    await scene.settle("with the copy, without those that were behind");
    await scene.start(scene.behind);
    await scene.settle("with all");
  }),
  damage(GROUP, "of two", ofTwo, { sizes: [5] }),
  damage(GROUP, "of two of three, the only ones that know", ofTwo, { sizes: [3], limit: true }),
  story(
    GROUP,
    "of a majority, while one that knows is whole and all start at once",
    async (scene) => {
      const whole = scene.knowing.at(-1);
      const old = scene.ids.filter((id) => id !== whole).slice(0, scene.majority);
      for (const id of old) scene.restore("hot", id);
      scene.intact = scene.size - old.length;
      await scene.start(scene.ids);
      await scene.settle("with all");
    },
  ),
  story(
    GROUP,
    "of a majority, taken while they ran, and run on beyond the retained log",
    (scene) => runsOn(scene, [scene.hurt, ...scene.behind], async () => {}),
    { image: "snapshots" },
  ),
  story(
    GROUP,
    "of a majority, run on beyond the retained log after 70 starts that failed",
    (scene) =>
      runsOn(scene, [scene.hurt, ...scene.behind], () =>
        scene.startInVain(scene.hurt, FAILED_STARTS),
      ),
    { image: "snapshots" },
  ),
  story(
    GROUP,
    "of one, run on with those behind beyond the retained log, and away again when others come back",
    async (scene) => {
      const { hurt, behind, knowing } = scene;
      const copy = `${scene.data(hurt)}-copy`;
      await scene.start(scene.ids);
      await scene.settle("before");
      await pause(MARKED_MS);
      // They hear no mark that the copy does not know.
      await scene.end(behind, "SIGTERM");
      copyDirectory(scene.data(hurt), copy);
      for (let i = 0; i < 10; i++) await scene.write();
      await scene.level();
      await pause(MARKED_MS);
      await scene.end([hurt, ...knowing], "SIGTERM");
      copyDirectory(copy, scene.data(hurt));
      await scene.start([hurt, ...behind]);
      await scene.settle("with the copy, without those who know");
      await scene.fill();
      await scene.end([hurt, ...behind], "SIGTERM");
      await scene.start([...behind, ...knowing]);
      await scene.settle("without the copy");
      await scene.start([hurt]);
      await scene.settle("with all");
    },
    { image: "snapshots" },
  ),
  damage(
    GROUP,
    "of all, cold",
    (scene) => {
      for (const id of scene.ids) scene.restore("cold", id);
      scene.intact = 0;
    },
    { limit: true },
  ),
  damage(
    GROUP,
    "of all, taken while they ran",
    (scene) => {
      for (const id of scene.ids) scene.restore("hot", id);
      scene.intact = 0;
    },
    { limit: true },
  ),
  damage(PARTS, "log/*.log, its mark not", (scene, data) => {
    for (const { path } of segmentFiles(data)) remove(path);
    const old = scene.image.of("hot", scene.hurt);
    for (const { path } of segmentFiles(old)) copyDirectory(path, path.replace(old, data));
  }),
  damage(PARTS, "log/ with its mark", (scene) => scene.restorePart("hot", scene.hurt, "log")),
  damage(PARTS, "log/ with its mark, started since", (scene) =>
    scene.restorePart("cold", scene.hurt, "log"),
  ),
  damage(PARTS, "snapshots/", (scene) => scene.restorePart("hot", scene.hurt, "snapshots"), {
    image: "snapshots",
  }),
  damage(PARTS, "identity.json", (scene) => scene.restorePart("cold", scene.hurt, "identity.json")),
  damage(PARTS, "memory", (scene) => scene.restorePart("cold", scene.hurt, "memory")),
  damage(PARTS, "log/end", (scene) => scene.restorePart("hot", scene.hurt, "log/end")),
  damage(PARTS, "all but memory", (scene) => {
    scene.restore("hot", scene.hurt);
    scene.restorePart("end", scene.hurt, "memory");
  }),
];
