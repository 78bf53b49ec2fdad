/** Other lists of nodes on the same data. */
import { story, type Kind } from "../kind.ts";
import type { Scene } from "../scene.ts";

const GROUP = "Another list of nodes on the same data";

/** Started so, and then as it should be. */
async function startAs(scene: Scene, list: readonly number[], back = true): Promise<void> {
  const { ids } = scene;
  // A list of fewer nodes has none that are not in it.
  const nodes = ids.filter((id) => list.includes(id));
  scene.intact = scene.size;
  scene.mend = async () => {
    await scene.end(ids, "SIGTERM");
    await scene.start(ids);
    await scene.settle("with the right list");
  };
  await scene.start(nodes, { list });
  await scene.settle("with another list");
  if (!back) return;
  await scene.mend();
  scene.mend = null;
}

function upTo(size: number): readonly number[] {
  return Array.from({ length: size }, (_, i) => i + 1);
}

export const sizes: readonly Kind[] = [
  story(GROUP, "one node alone (3 → 1, 5 → 1)", (scene) => startAs(scene, [1], false)),
  story(
    GROUP,
    "fewer nodes (5 → 3), as the run scripts do after `start --size 5`",
    (scene) => startAs(scene, upTo(3), false),
    {
      sizes: [5],
    },
  ),
  story(GROUP, "more nodes (3 → 5, 5 → 7)", (scene) => startAs(scene, upTo(scene.size + 2), false)),
  story(GROUP, "more nodes and back (3 → 5 → 3, 5 → 7 → 5)", (scene) =>
    startAs(scene, upTo(scene.size + 2)),
  ),
  story(GROUP, "fewer nodes and back (5 → 3 → 5)", (scene) => startAs(scene, upTo(3)), {
    sizes: [5],
  }),
  story(
    GROUP,
    "a single node's data in a cluster (1 → 3, 1 → 5)",
    async (scene) => {
      // The new ones are a majority and serve an empty cluster of their own, beside node 1 which refuses.
      scene.intact = scene.size;
      scene.whole = [1];
      await scene.start(scene.ids);
      scene.mend = async () => {
        await scene.end(scene.ids, "SIGTERM");
        await scene.start([1], { list: [1] });
        await scene.settle("alone");
      };
    },
    { image: "single" },
  ),
  story(GROUP, "another id in the place of one", (scene) =>
    startAs(scene, [...upTo(scene.size - 1), scene.size + 2], false),
  ),
  story(GROUP, "one node with a longer list, the others with the right one", async (scene) => {
    scene.intact = scene.size;
    await scene.start([scene.hurt], { list: upTo(scene.size + 2) });
    await scene.start([...scene.behind, ...scene.knowing]);
    await scene.settle("without it");
    scene.mend = async () => {
      await scene.end([scene.hurt]);
      await scene.start([scene.hurt]);
      await scene.settle("with the right list");
    };
  }),
  story(GROUP, "an empty node with a longer list, the others with the right one", async (scene) => {
    scene.moveAway(scene.hurt);
    await scene.start([scene.hurt], { list: upTo(scene.size + 2) });
    await scene.start(scene.behind);
    await scene.settle("without those who know");
    await scene.start(scene.knowing);
    await scene.settle("with all");
    scene.mend = async () => {
      await scene.end([scene.hurt]);
      scene.moveAway(scene.hurt);
      await scene.start([scene.hurt], { flags: ["--rejoin"] });
      await scene.settle("with the right list");
    };
  }),
  story(GROUP, "the same list in another order", async (scene) => {
    scene.intact = scene.size;
    const list = scene.ids.toReversed();
    await scene.start([scene.hurt, ...scene.behind], { list });
    await scene.settle("without those who know");
    await scene.start(scene.knowing);
    await scene.settle("with all");
  }),
];
