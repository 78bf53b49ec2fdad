/** Lost disks, and `--rejoin` at the wrong time. */
import { renameSync } from "node:fs";
import { damage, story, type Kind } from "../kind.ts";
import type { Scene } from "../scene.ts";
import { pause } from "../../../../measure/index.ts";
import { canMount, mountSmall } from "../small-disk.ts";

const LOST = "Disks lost";
const GROUP = "--rejoin";
const REJOIN = { flags: ["--rejoin"] } as const;

function lose(scene: Scene, nodes: readonly number[]): void {
  for (const node of nodes) scene.moveAway(node);
  scene.intact = scene.size - nodes.length;
}

/** The others run; the damaged one's place is taken. */
async function rejoin(scene: Scene, others: readonly number[]): Promise<void> {
  lose(scene, [scene.hurt]);
  await scene.start(others);
  await scene.start([scene.hurt], REJOIN);
  await scene.settle("with the newcomer");
}

function others(scene: Scene): readonly number[] {
  return [...scene.behind, ...scene.knowing];
}

async function killedWithin(scene: Scene, moments: readonly number[]): Promise<void> {
  lose(scene, [scene.hurt]);
  await scene.start(others(scene));
  for (const ms of moments) {
    const server = scene.spawn(scene.hurt, REJOIN);
    await server.ready();
    await pause(ms);
    await server.end("SIGKILL");
  }
  await scene.start([scene.hurt], REJOIN);
  await scene.settle("in the end");
}

/** The old disk comes back to some who must not take it in. */
async function oldComesBack(scene: Scene, down: readonly number[]): Promise<void> {
  const up = others(scene).filter((id) => !down.includes(id));
  await scene.start(up);
  const old = scene.moveAway(scene.hurt);
  await scene.start([scene.hurt], REJOIN);
  await scene.settle("with the newcomer");
  await scene.end(scene.ids);
  const newcomer = scene.moveAway(scene.hurt);
  renameSync(old, scene.data(scene.hurt));
  await scene.start([scene.hurt, ...scene.behind]);
  await scene.settle("with the old disk, without those who know");
  await scene.start(scene.knowing);
  await scene.settle("with the old disk");
  scene.mend = async () => {
    await scene.end([scene.hurt]);
    scene.moveAway(scene.hurt);
    renameSync(newcomer, scene.data(scene.hurt));
    await scene.start([scene.hurt]);
    await scene.settle("with the directory that replaced it");
  };
}

/** Needs a file system of its own. */
const onSmallDisk: Kind = story(GROUP, "on a disk that is full", async (scene) => {
  lose(scene, [scene.hurt]);
  await scene.start(others(scene));
  await scene.start([scene.hurt], { ...REJOIN, wrap: mountSmall(scene.data(scene.hurt), 20) });
  await scene.settle("with a small disk");
  scene.mend = async () => {
    await scene.end([scene.hurt]);
    await scene.start([scene.hurt], REJOIN);
    await scene.settle("with room");
  };
});

export const rejoins: readonly Kind[] = [
  damage(LOST, "one, started empty without --rejoin", (scene) => lose(scene, [scene.hurt])),
  story(LOST, "one, started empty while those that know run", async (scene) => {
    lose(scene, [scene.hurt]);
    await scene.start([scene.hurt, ...scene.knowing]);
    await scene.settle("without those behind");
    await scene.start(scene.behind);
    await scene.settle("with all");
  }),
  damage(LOST, "a majority, started empty without --rejoin", (scene) =>
    lose(scene, [scene.hurt, ...scene.knowing]),
  ),
  story(LOST, "a majority, started with --rejoin", async (scene) => {
    const lost = [scene.hurt, ...scene.knowing];
    lose(scene, lost);
    await scene.start(lost, REJOIN);
    await scene.start(scene.behind);
    await scene.settle("with all");
  }),
  story(LOST, "a majority of those that know nothing, and those with --rejoin", async (scene) => {
    const lost = [scene.hurt, ...scene.behind];
    lose(scene, lost);
    await scene.start(lost, REJOIN);
    await scene.start(scene.knowing);
    await scene.settle("with all");
  }),
  story(LOST, "two, one after the other", async (scene) => {
    await rejoin(scene, others(scene));
    const [second = 0] = scene.knowing;
    await scene.end([second]);
    scene.moveAway(second);
    await scene.start([second], REJOIN);
    await scene.settle("with both");
  }),
  story(LOST, "one after the other, all of them", async (scene) => {
    await scene.start(scene.ids);
    for (const id of scene.ids) {
      await scene.end([id]);
      scene.moveAway(id);
      await scene.start([id], REJOIN);
      await scene.settle(`with another disk for node ${id}`);
    }
  }),
  story(GROUP, "as it should be", (scene) => rejoin(scene, others(scene))),
  story(GROUP, "on a directory that is whole", async (scene) => {
    scene.intact = scene.size;
    await scene.start([scene.hurt, ...scene.behind], REJOIN);
    await scene.settle("without those who know");
    await scene.start(scene.knowing, REJOIN);
    await scene.settle("with all");
  }),
  story(GROUP, "for a majority by mistake, and then with its disks", async (scene) => {
    scene.intact = scene.size;
    const nodes = [scene.hurt, ...scene.behind];
    const whole = nodes.map((id) => [id, scene.moveAway(id)] as const);
    await scene.start(nodes, REJOIN);
    await scene.start(scene.knowing);
    await scene.settle("with empty disks");
    await scene.end(nodes);
    for (const [id, disk] of whole) {
      scene.moveAway(id);
      renameSync(disk, scene.data(id));
    }
    await scene.start(nodes);
    await scene.settle("with their disks");
  }),
  story(GROUP, "while the old one is connected", async (scene) => {
    scene.intact = scene.size;
    await scene.dangerousFirst();
    const flags = [...REJOIN.flags, ...scene.otherPorts()];
    // Of the node with the highest id: it dials all others.
    const twice = scene.size;
    const second = scene.spawn(twice, { dataDirectory: `${scene.data(twice)}-new`, flags });
    await second.ready();
    await pause(1000);
    await scene.settle("with two");
    await second.end("SIGKILL");
    await scene.settle("after the second one");
  }),
  story(GROUP, "with too few others, who come later", async (scene) => {
    lose(scene, [scene.hurt]);
    await scene.start([scene.hurt], REJOIN);
    await scene.start(scene.behind.slice(0, -1));
    await pause(500);
    await scene.start(scene.behind.slice(-1));
    await pause(1000);
    await scene.start(scene.knowing);
    await scene.settle("with all");
  }),
  story(GROUP, "twice: the new disk is lost as well", async (scene) => {
    await rejoin(scene, others(scene));
    await scene.end([scene.hurt]);
    await rejoin(scene, []);
  }),
  story(GROUP, "and again with the same flag", async (scene) => {
    await rejoin(scene, others(scene));
    await scene.end(scene.ids);
    await scene.start([scene.hurt, ...scene.behind], REJOIN);
    await scene.settle("without those who know");
    await scene.start(scene.knowing);
    await scene.settle("with all");
  }),
  story(GROUP, "killed at several moments and repeated", (scene) =>
    killedWithin(scene, [0, 20, 80, 200]),
  ),
  story(GROUP, "killed and repeated with the newcomer's directory lost again", async (scene) => {
    await killedWithin(scene, [30]);
    await scene.end([scene.hurt]);
    scene.moveAway(scene.hurt);
    await scene.start([scene.hurt], REJOIN);
    await scene.settle("in the end");
  }),
  story(GROUP, "begun, and repeated without the flag", async (scene) => {
    lose(scene, [scene.hurt]);
    await scene.start([scene.hurt], REJOIN);
    await scene.end([scene.hurt]);
    await scene.dangerousFirst();
  }),
  story(GROUP, "while its peers are killed one after the other", async (scene) => {
    lose(scene, [scene.hurt]);
    await scene.start(others(scene));
    const server = scene.start([scene.hurt], REJOIN);
    for (const id of others(scene)) {
      await scene.end([id]);
      await scene.start([id]);
    }
    await server;
    await scene.settle("in the end");
  }),
  story(GROUP, "the old disk comes back to all", (scene) => oldComesBack(scene, [])),
  story(GROUP, "the old disk comes back to one that was down meanwhile", (scene) =>
    oldComesBack(scene, scene.size === 3 ? [] : scene.behind.slice(0, 1)),
  ),
  story(
    GROUP,
    "a node that was down meanwhile comes back",
    async (scene) => {
      const [down = 0] = scene.behind;
      await rejoin(
        scene,
        others(scene).filter((id) => id !== down),
      );
      await scene.end(scene.knowing);
      await scene.start([down]);
      await scene.settle("without those who know");
      await scene.start(scene.knowing);
      await scene.settle("with all");
    },
    { sizes: [5] },
  ),
  ...(canMount() ? [onSmallDisk] : []),
];
