/** Nodes on the simulated network. */
import type { Address } from "../../src/machine/ports/network.ts";
import { SimClock } from "../../src/proof/simulator/sim-clock.ts";
import { SimNetwork, type PathFaults } from "../../src/proof/simulator/sim-network.ts";
import { seededRandom } from "../conformance/seeded-random.ts";
import { LinkNode, type LinkNodeOptions } from "./harness.ts";

export class World {
  readonly clock = new SimClock();
  readonly network: SimNetwork;
  readonly addresses = new Map<number, Address>();
  readonly nodes = new Map<number, LinkNode>();

  constructor(ids: readonly number[] = [1, 2], path: Partial<PathFaults> = {}, seed = 1) {
    this.network = new SimNetwork({
      clock: this.clock,
      random: seededRandom(seed),
      path: { delayMinMs: 1, delayMaxMs: 1, breakPermille: 0, cut: "none", ...path },
      halfOpenMs: 5000,
    });
    for (const id of ids) this.addresses.set(id, { host: `n${id}`, port: 7000 });
  }

  start(id: number, options: Partial<LinkNodeOptions> = {}): LinkNode {
    const network = this.network.host(`n${id}`);
    const node = new LinkNode({
      id,
      peers: this.addresses,
      network,
      clock: this.clock.fork(),
      ...options,
    });
    this.nodes.set(id, node);
    network.listen(this.addresses.get(id)!, ["peer"], node.accept, () => {});
    node.links.start();
    return node;
  }

  cut(a: number, b: number, cut: PathFaults["cut"]): void {
    this.network.setPath(`n${a}`, `n${b}`, { cut });
    this.network.setPath(`n${b}`, `n${a}`, { cut });
  }
}

/** Nodes 1 and 2, connected. */
export function pair(options: Partial<LinkNodeOptions> = {}, path: Partial<PathFaults> = {}) {
  const world = new World([1, 2], path);
  const one = world.start(1, options);
  const two = world.start(2, options);
  const connected = (): boolean => one.links.isConnected(2) && two.links.isConnected(1);
  if (!world.clock.runUntil(connected, 5000)) throw new Error("the nodes did not connect");
  world.clock.run(5);
  return { world, one, two };
}
