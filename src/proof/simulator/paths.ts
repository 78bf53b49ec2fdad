/** Faults of the wire that overlap in time, summed up per direction: ending one leaves the others in force. */
import { HEALTHY_PATH, type PathFaults, type SimNetwork } from "./sim-network.ts";

export interface PathFault {
  readonly cut?: "blackHole" | "reset";
  readonly delayMs?: number;
  readonly breakPermille?: number;
  readonly losePermille?: number;
  readonly duplicatePermille?: number;
  readonly reorderPermille?: number;
}

export class Paths {
  readonly #network: SimNetwork;
  readonly #base: PathFaults;
  readonly #active = new Map<string, Set<PathFault>>();

  constructor(network: SimNetwork, base: Pick<PathFaults, "delayMinMs" | "delayMaxMs">) {
    this.#network = network;
    this.#base = { ...HEALTHY_PATH, ...base };
  }

  /** @returns ends this fault */
  add(from: string, to: string, fault: PathFault): () => void {
    const key = `${from} ${to}`;
    const active = this.#active.get(key) ?? new Set();
    this.#active.set(key, active);
    active.add(fault);
    this.#apply(from, to);
    return () => {
      if (active.delete(fault)) this.#apply(from, to);
    };
  }

  #apply(from: string, to: string): void {
    const faults = [...(this.#active.get(`${from} ${to}`) ?? [])];
    const cuts = faults.map((fault) => fault.cut);
    const worst = (name: Exclude<keyof PathFault, "cut">): number =>
      Math.max(0, ...faults.map((fault) => fault[name] ?? 0));
    this.#network.setPath(from, to, {
      delayMinMs: this.#base.delayMinMs + worst("delayMs"),
      delayMaxMs: this.#base.delayMaxMs + worst("delayMs"),
      breakPermille: worst("breakPermille"),
      losePermille: worst("losePermille"),
      duplicatePermille: worst("duplicatePermille"),
      reorderPermille: worst("reorderPermille"),
      cut: cuts.includes("reset") ? "reset" : cuts.includes("blackHole") ? "blackHole" : "none",
    });
  }
}
