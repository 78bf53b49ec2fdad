/** What every torture has: so many seconds, lines that say when, and servers that are gone at its end. */
import type { OmnikvCluster } from "../../../measure/index.ts";

export interface Run {
  readonly isOver: () => boolean;
  /** A line with the seconds that have passed. */
  readonly say: (text: string) => void;
}

/** From now on. */
export function runFor(seconds: number): Run {
  const startedMs = performance.now();
  return {
    isOver: () => performance.now() > startedMs + seconds * 1000,
    say: (text) => {
      const at = ((performance.now() - startedMs) / 1000).toFixed(1);
      console.log(`${at.padStart(6)} s  ${text}`);
    },
  };
}

/** @param isRemoved else data and logs stay, and it says where */
export async function endCluster(cluster: OmnikvCluster, isRemoved: boolean): Promise<void> {
  await Promise.all(cluster.nodes.map(({ id }) => cluster.kill(id)));
  if (isRemoved) return cluster.remove();
  await cluster.stop();
  console.log(`data and logs: ${cluster.dataDirectory}`);
}
