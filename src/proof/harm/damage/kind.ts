/** One kind of damage or mistake. */
import type { ImageName } from "./image.ts";
import type { Scene } from "./scene.ts";

export interface Kind {
  /** What was done, as the table has it. */
  readonly name: string;
  readonly group: string;
  /** Default: 3 and 5. */
  readonly sizes?: readonly number[];
  /** Default: "killed". */
  readonly image?: ImageName;
  /** Only run when it is asked for by name: a test of the script itself. */
  readonly hidden?: boolean;
  /** No node can notice it, as docs/proof.md says below the table: only run with `--limits`, or by name. */
  readonly limit?: boolean;
  play(scene: Scene): Promise<void>;
}

export type Options = Pick<Kind, "sizes" | "image" | "hidden" | "limit">;

/** Done to disks while nothing runs; then the dangerous order. */
export function damage(
  group: string,
  name: string,
  act: (scene: Scene, data: string) => void,
  options: Options = {},
): Kind {
  return {
    ...options,
    group,
    name,
    play: async (scene) => {
      act(scene, scene.data(scene.hurt));
      await scene.dangerousFirst();
    },
  };
}

export function story(
  group: string,
  name: string,
  play: (scene: Scene) => Promise<void>,
  options: Options = {},
): Kind {
  return { ...options, group, name, play };
}
