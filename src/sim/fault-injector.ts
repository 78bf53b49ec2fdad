/** Carries out the faults of a plan, and ends them. */
import { unreachable } from "../base/assert.ts";
import { DIRECTIONS, NO_FAULT, type Direction, type LinkFault } from "../links/drop-table.ts";
import { describeFault, type Fault, type TimedFault } from "./fault-plan.ts";
import { Paths, type PathFault } from "./paths.ts";
import { brokenPairs } from "./shapes.ts";
import { hostOf, type SimWorld } from "./sim-world.ts";

type End = () => void;

export class FaultInjector {
  readonly #world: SimWorld;
  readonly #paths: Paths;
  /** What is in force. */
  readonly #ends = new Set<End>();
  /** Faults of drop tables in force, by node, peer and direction. */
  readonly #links = new Map<string, Set<LinkFault>>();

  constructor(world: SimWorld) {
    this.#world = world;
    this.#paths = new Paths(world.network, world.plan);
  }

  schedule(faults: readonly TimedFault[]): void {
    const { clock, trace, coverage } = this.#world;
    for (const timed of faults) {
      clock.after(timed.atMs, () => {
        trace.event("fault", describeFault(timed).trim());
        coverage.hit(`fault ${timed.fault.kind}`);
        this.inject(timed.fault);
      });
    }
  }

  /** Ends every fault that is in force; machines are the world's. */
  heal(): void {
    this.#world.trace.event("fault", "all faults end");
    for (const end of this.#ends) end();
    this.#ends.clear();
    for (const node of this.#world.nodes) node.heal();
  }

  inject(fault: Fault): void {
    const { nodes, network } = this.#world;
    switch (fault.kind) {
      case "crash":
        return nodes[fault.node]?.crash(fault);
      case "crashAtDisk":
        return nodes[fault.node]?.crashAtDisk(fault.operations, { ...fault, silent: false });
      case "crashAll":
        for (const node of nodes) node.crash({ ...fault, silent: false });
        return;
      case "stop":
        return nodes[fault.node]?.stop(fault.downMs);
      case "pause":
        nodes[fault.node]?.pause();
        return this.#until(fault.ms, () => nodes[fault.node]?.resume());
      case "blackHole":
        return this.#path(fault, { cut: "blackHole" });
      case "reset":
        this.#path({ from: fault.a, to: fault.b, ms: fault.ms }, { cut: "reset" });
        return this.#path({ from: fault.b, to: fault.a, ms: fault.ms }, { cut: "reset" });
      case "breakConnections":
        return network.breakConnections(hostOf(fault.a), hostOf(fault.b));
      case "breakClient":
        return network.breakConnections(`c${fault.client}`, hostOf(fault.node));
      case "slowPath":
        return this.#path(fault, { delayMs: fault.delayMs });
      case "flakyPath":
        return this.#path(fault, { breakPermille: fault.permille });
      case "unfaithfulPath":
        return this.#path(fault, {
          losePermille: fault.lose,
          duplicatePermille: fault.duplicate,
          reorderPermille: fault.reorder,
        });
      case "deposeLeader":
        return this.#depose(fault);
      case "dropLink":
      case "shape":
        return this.#linkFault(fault);
      case "slowDisk":
      case "failSync":
      case "diskFull":
        return this.#disk(fault);
      default:
        return unreachable(fault, "fault");
    }
  }

  #linkFault(fault: Extract<Fault, { kind: "dropLink" | "shape" }>): void {
    if (fault.kind === "dropLink") {
      const { node, peer, direction, permille, delayMs, ms } = fault;
      const directions = direction === "both" ? DIRECTIONS : [direction];
      const what = { dropPermille: permille, delayMs };
      for (const each of directions) this.#dropTable(node, peer, each, what, ms);
      return;
    }
    for (const [a, b] of brokenPairs(this.#world.plan.nodes, fault.links)) {
      this.#cut(a, b, fault.via, fault.ms);
    }
  }

  #depose({ first, via, ms, moreMs }: Extract<Fault, { kind: "deposeLeader" }>): void {
    const { leader, plan } = this.#world;
    if (leader === null) return;
    for (let node = 0; node < plan.nodes; node++) {
      if (node !== leader) this.#cut(leader, node, via, node === first ? ms : ms + moreMs);
    }
  }

  /** Silence both ways. */
  #cut(a: number, b: number, via: "dropTable" | "wire", ms: number): void {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      if (via === "wire") this.#path({ from, to, ms }, { cut: "blackHole" });
      else {
        for (const each of DIRECTIONS) {
          this.#dropTable(from, to, each, { dropPermille: 1000, delayMs: 0 }, ms);
        }
      }
    }
  }

  #disk(fault: Extract<Fault, { kind: "slowDisk" | "failSync" | "diskFull" }>): void {
    const node = this.#world.nodes[fault.node];
    if (node === undefined) return;
    const { disk } = node;
    switch (fault.kind) {
      case "slowDisk":
        disk.syncMs = fault.syncMs;
        return this.#until(fault.ms, () => {
          disk.syncMs = this.#world.plan.syncMs;
        });
      case "failSync":
        return node.failSync({ ...fault, silent: false });
      case "diskFull":
        disk.capacityBytes = disk.usedBytes;
        return this.#until(fault.ms, () => {
          disk.capacityBytes = Number.POSITIVE_INFINITY;
        });
      default:
        return unreachable(fault, "fault");
    }
  }

  #path(
    { from, to, ms }: { readonly from: number; readonly to: number; readonly ms: number },
    fault: PathFault,
  ): void {
    this.#until(ms, this.#paths.add(hostOf(from), hostOf(to), fault));
  }

  /** A node that restarts meanwhile has whole links again, as in production. */
  #dropTable(node: number, peer: number, direction: Direction, fault: LinkFault, ms: number): void {
    const key = `${node} ${peer} ${direction}`;
    const active = this.#links.get(key) ?? new Set();
    this.#links.set(key, active);
    const apply = (): void => {
      const links = this.#world.nodes[node]?.node?.links;
      let worst: LinkFault = NO_FAULT;
      for (const { dropPermille, delayMs } of active) {
        worst = {
          dropPermille: Math.max(worst.dropPermille, dropPermille),
          delayMs: Math.max(worst.delayMs, delayMs),
        };
      }
      links?.setFault(peer + 1, [direction], worst);
    };
    active.add(fault);
    apply();
    this.#until(ms, () => {
      active.delete(fault);
      apply();
    });
  }

  #until(ms: number, end: End): void {
    this.#ends.add(end);
    this.#world.clock.after(ms, () => {
      if (this.#ends.delete(end)) end();
    });
  }
}
