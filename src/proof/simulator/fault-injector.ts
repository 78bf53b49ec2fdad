/** Carries out the faults of a plan, and ends them. */
import { BROKEN, type LinkFault, NO_FAULT, unreachable } from "../../base/index.ts";
import { type Direction, DIRECTIONS } from "../../links/index.ts";
import { compareBallots, type Ballot } from "../../omnipaxos/index.ts";
import { describeFault } from "./fault-plan.ts";
import type { Fault, TimedFault } from "./plan.ts";
import { Paths, type PathFault } from "./paths.ts";
import { brokenPairs, type LinkPair } from "./shapes.ts";
import { hostOf, type SimWorld } from "./sim-world.ts";

type End = () => void;

/** Between two looks at what a node has promised. */
const LOOK_MS = 1;
const FOR_GOOD_MS = 1e9;

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
        this.#until(fault.ms, () => nodes[fault.node]?.resume());
        return;
      case "blackHole":
        this.#path(fault, { cut: "blackHole" });
        return;
      case "reset":
        this.#path({ from: fault.a, to: fault.b, ms: fault.ms }, { cut: "reset" });
        this.#path({ from: fault.b, to: fault.a, ms: fault.ms }, { cut: "reset" });
        return;
      case "breakConnections":
        return network.breakConnections(hostOf(fault.a), hostOf(fault.b));
      case "breakClient":
        return network.breakConnections(`c${fault.client}`, hostOf(fault.node));
      case "slowPath":
        this.#path(fault, { delayMs: fault.delayMs });
        return;
      case "flakyPath":
        this.#path(fault, { breakPermille: fault.permille });
        return;
      case "unfaithfulPath":
        this.#path(fault, {
          losePermille: fault.lose,
          duplicatePermille: fault.duplicate,
          reorderPermille: fault.reorder,
        });
        return;
      case "deposeLeader":
        return this.#depose(fault);
      case "restartAsker":
        return this.#restartAsker(fault);
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

  /** On the wire only these links stay whole until all faults end. @returns ends it before */
  leave(links: readonly LinkPair[]): End {
    const broken = brokenPairs(this.#world.plan.nodes, links);
    const ends = broken.map(([a, b]) => this.#cut(a, b, "wire", FOR_GOOD_MS));
    return () => {
      for (const end of ends) end();
    };
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

  #depose({ first, via, ends, ms, moreMs }: Extract<Fault, { kind: "deposeLeader" }>): void {
    const { leader, plan } = this.#world;
    if (leader === null) return;
    const deposed = this.#promise(leader);
    for (let node = 0; node < plan.nodes; node++) {
      if (node === leader) continue;
      if (via === "slow") {
        this.#path({ from: node, to: leader, ms: ms + moreMs }, { delayMs: ms });
        continue;
      }
      const late = node !== first || ends === "promise";
      const end = this.#cut(leader, node, via, late ? ms + moreMs : ms);
      if (node === first && ends === "promise") this.#endAtPromise(node, deposed, end);
    }
  }

  #restartAsker(fault: Extract<Fault, { kind: "restartAsker" }>): void {
    const { node, asks, afterMs, downMs, ms } = fault;
    const { leader, nodes } = this.#world;
    const death = { silent: false, power: false, downMs };
    if (asks === "neighbour" && leader !== null && leader !== node) {
      this.#cut(leader, node, "wire", ms);
    }
    nodes[node]?.crash(death);
    let over = false;
    this.#ends.add(() => (over = true));
    const wanted = asks === "leader" ? "readRequest" : "relayRequest";
    const stop = this.#world.watch((from, to, message) => {
      if (from !== node || message.type !== wanted) return;
      end();
      // What is sent has left by then.
      this.#world.clock.after(0, () => {
        if (over) return;
        this.#isolateWith(node, to, fault);
        this.#world.clock.after(afterMs, () => {
          if (over) return;
          this.#world.coverage.hit(`asker of a ${asks} restarted`);
          nodes[node]?.crash(death);
        });
      });
    });
    const end = this.#until(ms, stop);
  }

  /** Two nodes, one of which hears the others late and the other not at all. */
  #isolateWith(
    asker: number,
    asked: number,
    { holdMs, ms }: Extract<Fault, { kind: "restartAsker" }>,
  ): void {
    for (let node = 0; node < this.#world.plan.nodes; node++) {
      if (node === asker || node === asked) continue;
      this.#path({ from: node, to: asked, ms }, { delayMs: holdMs });
      this.#cut(node, asker, "wire", ms);
    }
  }

  /** The node hears the old leader again right after it has promised itself to another one. */
  #endAtPromise(node: number, deposed: Ballot | null, end: End): void {
    let over = false;
    this.#ends.add(() => (over = true));
    const look = (): void => {
      if (over) return;
      const promise = this.#promise(node);
      if (promise !== null && deposed !== null && compareBallots(promise, deposed) > 0) end();
      else this.#world.clock.after(LOOK_MS, look);
    };
    look();
  }

  #promise(node: number): Ballot | null {
    return this.#world.nodes[node]?.node?.replica.core.promise ?? null;
  }

  /** Silence both ways. */
  #cut(a: number, b: number, via: "dropTable" | "wire", ms: number): End {
    const ends: End[] = [];
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      if (via === "wire") ends.push(this.#path({ from, to, ms }, { cut: "blackHole" }));
      else {
        for (const each of DIRECTIONS) {
          ends.push(this.#dropTable(from, to, each, BROKEN, ms));
        }
      }
    }
    return () => {
      for (const end of ends) end();
    };
  }

  #disk(fault: Extract<Fault, { kind: "slowDisk" | "failSync" | "diskFull" }>): void {
    const node = this.#world.nodes[fault.node];
    if (node === undefined) return;
    const { disk } = node;
    switch (fault.kind) {
      case "slowDisk":
        disk.syncMs = fault.syncMs;
        this.#until(fault.ms, () => {
          disk.syncMs = this.#world.plan.syncMs;
        });
        return;
      case "failSync":
        return node.failSync({ ...fault, silent: false });
      case "diskFull":
        disk.capacityBytes = disk.usedBytes;
        this.#until(fault.ms, () => {
          disk.capacityBytes = Number.POSITIVE_INFINITY;
        });
        return;
      default:
        return unreachable(fault, "fault");
    }
  }

  #path(
    { from, to, ms }: { readonly from: number; readonly to: number; readonly ms: number },
    fault: PathFault,
  ): End {
    return this.#until(ms, this.#paths.add(hostOf(from), hostOf(to), fault));
  }

  /** A node that restarts meanwhile has whole links again, as in production. */
  #dropTable(node: number, peer: number, direction: Direction, fault: LinkFault, ms: number): End {
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
    return this.#until(ms, () => {
      active.delete(fault);
      apply();
    });
  }

  /** @returns ends it before its time */
  #until(ms: number, end: End): End {
    const once = (): void => {
      if (this.#ends.delete(once)) end();
    };
    this.#ends.add(once);
    this.#world.clock.after(ms, once);
    return once;
  }
}
