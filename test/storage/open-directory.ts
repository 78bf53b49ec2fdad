import { expect } from "vitest";
import { silentLogger } from "../../src/machine/ports/logger.ts";
import {
  openDataDirectory,
  type DataDirectory,
  type DirectoryOwner,
} from "../../src/storage/data-directory.ts";
import { seededRandom } from "../conformance/seeded-random.ts";
import type { World } from "./world.ts";

/** As node 1 of three. */
export function openDirectory(
  world: World,
  seed = 1,
  owner: Partial<DirectoryOwner> = {},
): DataDirectory {
  return openDataDirectory(world.disk, {
    clusterId: "blue",
    nodeId: 1,
    members: [1, 2, 3],
    random: seededRandom(seed),
    clock: world.process,
    logger: silentLogger,
    onFailure: (error) => expect.unreachable(error.message),
    ...owner,
  });
}
