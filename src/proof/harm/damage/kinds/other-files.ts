/** Damage to snapshots, identity and memory, and to directories in use. */
import { readFileSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import {
  edit,
  flipBit,
  newestSegment,
  overwrite,
  remove,
  replaceByFile,
  snapshotFiles,
  truncate,
} from "../files.ts";
import { damage, story, type Kind } from "../kind.ts";
import { copyDirectory } from "../places.ts";
import { pause } from "../../../../measure/index.ts";
import type { Scene } from "../scene.ts";

const SNAPSHOTS = "Snapshots";
const IDENTITY = "identity.json and memory";
const RUNNING = "The directory of a node that runs";
const WITH = { image: "snapshots" } as const;

/** The newest ones matter: older ones are kept for peers. */
function each(data: string, act: (path: string) => void): void {
  for (const path of snapshotFiles(data)) act(path);
}

/** Something is done to the directory in use; then the node is started again with what is there. */
async function whileItRuns(scene: Scene, act: (data: string) => void): Promise<void> {
  const data = scene.data(scene.hurt);
  await scene.start([scene.hurt, ...scene.behind]);
  await scene.settle("before");
  act(data);
  await pause(1500);
  await scene.write();
  await scene.end([scene.hurt, ...scene.behind]);
}

export const otherFiles: readonly Kind[] = [
  damage(SNAPSHOTS, "a bit flipped", (_, data) => each(data, (path) => flipBit(path, 100)), WITH),
  damage(
    SNAPSHOTS,
    "a bit flipped in a value",
    (_, data) => each(data, (path) => flipBit(path, readFileSync(path).indexOf("value-") + 2)),
    WITH,
  ),
  damage(SNAPSHOTS, "removed", (_, data) => each(data, remove), WITH),
  damage(SNAPSHOTS, "cut in half", (_, data) => each(data, (path) => truncate(path, 200)), WITH),
  damage(SNAPSHOTS, "emptied", (_, data) => each(data, (path) => truncate(path, 0)), WITH),
  damage(
    SNAPSHOTS,
    "a file in the place of snapshots/",
    (_, data) => replaceByFile(join(data, "snapshots")),
    WITH,
  ),
  damage(
    SNAPSHOTS,
    "of another node",
    (scene) => {
      const [other = 0] = scene.knowing;
      const part = "snapshots";
      copyDirectory(join(scene.data(other), part), join(scene.data(scene.hurt), part));
    },
    WITH,
  ),
  damage(IDENTITY, "identity.json removed", (_, data) => remove(join(data, "identity.json"))),
  damage(
    IDENTITY,
    "all removed but snapshots/",
    (_, data) => {
      for (const part of ["identity.json", "memory", "log"]) remove(join(data, part));
    },
    WITH,
  ),
  damage(IDENTITY, "identity.json edited: another node", (_, data) =>
    edit(join(data, "identity.json"), '"nodeId":1', '"nodeId":2'),
  ),
  damage(IDENTITY, "identity.json edited: its log has not begun", (_, data) =>
    edit(join(data, "identity.json"), '"logBegun":1', '"logBegun":0'),
  ),
  damage(IDENTITY, "identity.json edited so, and log/ removed", (_, data) => {
    edit(join(data, "identity.json"), '"logBegun":1', '"logBegun":0');
    remove(join(data, "log"));
  }),
  damage(IDENTITY, "identity.json edited: it has not joined", (_, data) =>
    edit(join(data, "identity.json"), '"joined":1', '"joined":0'),
  ),
  story(IDENTITY, "identity.json of another node", async (scene) => {
    const [other = 0] = scene.behind;
    const part = "identity.json";
    copyDirectory(join(scene.data(other), part), join(scene.data(scene.hurt), part));
    scene.mend = async () => {
      await scene.end(scene.ids);
      scene.restorePart("end", scene.hurt, part);
      await scene.dangerousFirst();
    };
    await scene.dangerousFirst();
  }),
  damage(IDENTITY, "identity.json emptied", (_, data) => truncate(join(data, "identity.json"), 0)),
  damage(IDENTITY, "memory removed", (_, data) => remove(join(data, "memory"))),
  damage(IDENTITY, "memory zeroed", (_, data) => {
    const path = join(data, "memory");
    overwrite(path, 0, statSync(path).size, 0);
  }),
  damage(IDENTITY, "memory: one slot zeroed", (_, data) => {
    const path = join(data, "memory");
    overwrite(path, 0, statSync(path).size / 5, 0);
  }),
  damage(IDENTITY, "memory cut", (_, data) => truncate(join(data, "memory"), 5000)),
  damage(IDENTITY, "memory of another node", (scene, data) =>
    copyDirectory(join(scene.data(2), "memory"), join(data, "memory")),
  ),
  story(RUNNING, "removed", async (scene) => {
    await whileItRuns(scene, remove);
    await scene.dangerousFirst();
  }),
  story(RUNNING, "moved away and put back", async (scene) => {
    scene.intact = scene.size;
    await whileItRuns(scene, (data) => renameSync(data, `${data}-elsewhere`));
    renameSync(`${scene.data(scene.hurt)}-elsewhere`, scene.data(scene.hurt));
    await scene.dangerousFirst();
  }),
  story(RUNNING, "replaced by an older copy", async (scene) => {
    await whileItRuns(scene, (data) => {
      renameSync(data, `${data}-elsewhere`);
      scene.restore("hot", scene.hurt);
    });
    await scene.dangerousFirst();
  }),
  story(RUNNING, "its log/ removed", async (scene) => {
    await whileItRuns(scene, (data) => remove(join(data, "log")));
    await scene.dangerousFirst();
  }),
  story(RUNNING, "the newest segment of its log removed", async (scene) => {
    await whileItRuns(scene, (data) => remove(newestSegment(data).path));
    await scene.dangerousFirst();
  }),
  story(RUNNING, "the newest segment of its log emptied", async (scene) => {
    await whileItRuns(scene, (data) => truncate(newestSegment(data).path, 0));
    await scene.dangerousFirst();
  }),
  story(RUNNING, "the newest segment of its log replaced by a copy", async (scene) => {
    await whileItRuns(scene, (data) => {
      const { path } = newestSegment(data);
      copyDirectory(path, `${path}.copy`);
      renameSync(`${path}.copy`, path);
    });
    await scene.dangerousFirst();
  }),
  story(RUNNING, "its memory and log/end removed", async (scene) => {
    await whileItRuns(scene, (data) => {
      remove(join(data, "memory"));
      remove(join(data, "log/end"));
    });
    await scene.dangerousFirst();
  }),
];
