/** Directories and processes of one node taken for those of another. */
import { linkSync, mkdirSync, readdirSync, renameSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { swap } from "../files.ts";
import { damage, story, type Kind } from "../kind.ts";
import { copyDirectory } from "../places.ts";
import type { Scene } from "../scene.ts";
import { pause } from "../../../../measure/index.ts";

const GROUP = "Mixed up";

/** A mistake of the operator who starts the server, undone by starting it as it should be. */
function wronglyStarted(
  name: string,
  start: (scene: Scene) => Promise<void>,
  undo: (scene: Scene) => void = () => {},
): Kind {
  return story(GROUP, name, async (scene) => {
    scene.intact = scene.size;
    await start(scene);
    await scene.settle("wrongly started");
    scene.mend = async () => {
      await scene.end(scene.ids);
      undo(scene);
      await scene.dangerousFirst();
    };
  });
}

function hasFailed(scene: Scene, id: number): boolean {
  return scene.server(id)?.failed === true;
}

function swapData(scene: Scene): void {
  const [other = 0] = scene.behind;
  swap(scene.data(scene.hurt), scene.data(other));
}

/** Every file gets a second name, below the other directory. */
function linkFiles(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [path, other] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) linkFiles(path, other);
    else linkSync(path, other);
  }
}

export const mixedUp: readonly Kind[] = [
  wronglyStarted(
    "data directories of two nodes swapped",
    (scene) => {
      swapData(scene);
      return scene.start(scene.ids);
    },
    swapData,
  ),
  damage(GROUP, "log/ of another node under this identity", (scene, data) => {
    const [other = 0] = scene.behind;
    copyDirectory(join(scene.data(other), "log"), join(data, "log"));
  }),
  damage(GROUP, "log/ of another node that knows all", (scene, data) => {
    const [other = 0] = scene.knowing;
    copyDirectory(join(scene.data(other), "log"), join(data, "log"));
  }),
  damage(GROUP, "all of another node but identity.json", (scene, data) => {
    const [other = 0] = scene.behind;
    for (const part of ["log", "memory", "snapshots"]) {
      copyDirectory(join(scene.data(other), part), join(data, part));
    }
  }),
  wronglyStarted("another --cluster-id, one node", async (scene) => {
    await scene.start([scene.hurt], { flags: ["--cluster-id", "another"] });
    await scene.start(scene.behind);
  }),
  wronglyStarted("another --cluster-id, all nodes", (scene) =>
    scene.start(scene.ids, { flags: ["--cluster-id", "another"] }),
  ),
  wronglyStarted("another --node on the directory", async (scene) => {
    const [other = 0] = scene.behind;
    await scene.start([other], { dataDirectory: scene.data(scene.hurt) });
    await scene.start(scene.knowing);
  }),
  story(GROUP, "the same directory started twice", async (scene) => {
    scene.intact = scene.size;
    await scene.dangerousFirst();
    const second = scene.spawn(scene.hurt, { flags: scene.otherPorts() });
    await second.ready();
    await scene.settle("with two processes");
    await second.end("SIGKILL");
  }),
  story(GROUP, "a copy of a directory whose log/ is a link, started beside it", async (scene) => {
    scene.intact = scene.size;
    const [data, elsewhere] = [scene.data(scene.hurt), `${scene.data(scene.hurt)}-log`];
    renameSync(join(data, "log"), elsewhere);
    symlinkSync(elsewhere, join(data, "log"));
    const dataDirectory = `${data}-copy`;
    copyDirectory(data, dataDirectory);
    await scene.dangerousFirst();
    const second = scene.spawn(scene.hurt, { dataDirectory, flags: scene.otherPorts() });
    await second.ready();
    await scene.settle("with two processes");
    await second.end("SIGKILL");
  }),
  wronglyStarted(
    "a copy with hard links (cp -al) is kept",
    (scene) => {
      linkFiles(scene.data(scene.hurt), `${scene.data(scene.hurt)}-linked`);
      return scene.start(scene.ids);
    },
    (scene) => copyDirectory(`${scene.data(scene.hurt)}-linked`, scene.data(scene.hurt)),
  ),
  story(GROUP, "a copy of a node started beside it", async (scene) => {
    // Of the node with the highest id: it dials all others, so both processes reach them.
    scene.intact = scene.size;
    const twice = scene.size;
    const dataDirectory = `${scene.data(twice)}-copy`;
    copyDirectory(scene.data(twice), dataDirectory);
    await scene.start([twice, ...scene.behind]);
    const second = scene.spawn(twice, { dataDirectory, flags: scene.otherPorts() });
    await second.ready();
    await scene.settle("with two of one node");
    await scene.start(
      scene.ids.filter((id) => !scene.running.includes(id) && !hasFailed(scene, id)),
    );
    await scene.settle("with two of one node, and all others");
    await second.end("SIGKILL");
    await scene.settle("after the second one");
  }),
  story(GROUP, "a copy of a node started on the other side of a cut", async (scene) => {
    // Those behind reach the one, those who know the other: two majorities that share a node by its name only.
    scene.intact = scene.size;
    const dataDirectory = `${scene.data(scene.hurt)}-copy`;
    copyDirectory(scene.data(scene.hurt), dataDirectory);
    await scene.start([scene.hurt, ...scene.behind]);
    await scene.settle("one side");
    await scene.end([scene.hurt, ...scene.behind]);
    await scene.start([scene.hurt], { dataDirectory });
    await scene.start(scene.knowing);
    await scene.settle("the other side");
    await scene.end([scene.hurt]);
    await pause(100);
    await scene.start([scene.hurt, ...scene.behind]);
    await scene.settle("together");
  }),
];
