/** A copy of a node's disk runs as the same node for a while, beside the original. */
import type { DiskImage, SimNode } from "./sim-node.ts";
import { hostOf, type SimWorld, TWIN_HOST } from "./sim-world.ts";
import type { Side, Twinned } from "./twin-plan.ts";

export interface TwinTools {
  readonly later: (ms: number, action: () => void) => void;
  /** Ends its process, which stays down. */
  readonly end: (machine: SimNode, done: () => void) => void;
}

/**
 * @param done when the twin is gone for good. `change`: what the original's machine, whose process has ended, must hold now; null: its
 *     process goes on, if it has nothing against that. `other`: the disk that is not the node's any more
 */
export function playTwin(
  world: SimWorld,
  scene: Twinned,
  copy: DiskImage,
  { later, end }: TwinTools,
  done: (change: DiskImage | null, other: DiskImage) => void,
): void {
  const { node, address, breaks, bothMs, left, aloneMs, brokenAlone, inTheEnd } = scene;
  const { network, nodes, coverage } = world;
  const original = nodes[node];
  if (original === undefined) throw new RangeError(`there is no node ${node}`);
  const host = hostOf(node);
  const leadTo = (side: Side): void => network.lead(host, side === "twin" ? TWIN_HOST : null);
  const heal = breakLinks(world, scene);
  leadTo(address);
  const peers = nodes.filter(({ index }) => index !== node);
  if (breaks) for (const peer of peers) network.breakConnections(host, peer.host);
  const twin = world.startTwin(node, copy);
  const machines = { original, twin };
  const over = (): void => {
    heal();
    leadTo("original");
    const other = machines[inTheEnd === "twin" ? "original" : "twin"].image();
    coverage.hit(`mistake twin, ${inTheEnd} ${left === null ? "put back" : "left"}`);
    done(inTheEnd === left && inTheEnd === "original" ? null : machines[inTheEnd].image(), other);
  };
  const endBoth = (): void =>
    end(twin, () => {
      if (left === "original") over();
      else end(original, over);
    });
  later(bothMs, () => {
    if (!brokenAlone) heal();
    if (!original.isOut && !twin.isOut) coverage.hit("mistake twin, both ran to the end");
    if (left === null) return endBoth();
    end(machines[left === "twin" ? "original" : "twin"], () => {
      leadTo(left);
      later(aloneMs, endBoth);
    });
  });
}

/** @returns makes them whole again */
function breakLinks(world: SimWorld, { node, deafTo, apart }: Twinned): () => void {
  const { network } = world;
  const pairs: (readonly [string, string])[] = [
    ...deafTo.original.map((peer) => [hostOf(node), hostOf(peer)] as const),
    ...deafTo.twin.map((peer) => [TWIN_HOST, hostOf(peer)] as const),
    ...(apart ? between(deafTo.original, deafTo.twin) : []),
  ];
  const setAll = (cut: "blackHole" | "none"): void => {
    for (const [a, b] of pairs) {
      network.setPath(a, b, { cut });
      network.setPath(b, a, { cut });
    }
  };
  setAll("blackHole");
  return () => setAll("none");
}

function between(
  some: readonly number[],
  others: readonly number[],
): (readonly [string, string])[] {
  return some.flatMap((a) =>
    others.filter((b) => b !== a).map((b) => [hostOf(a), hostOf(b)] as const),
  );
}
