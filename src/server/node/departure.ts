/**
 * The last step of a node that was told to end: while it leads it asks a follower to lead in its place, and ends when that
 * follower does. Otherwise the others would have to notice its silence first, which takes them some election time-outs.
 *
 * Bounded: after an election time-out the node ends anyway, and is replaced as a leader that crashed.
 */
import type { NodeId, OmniPaxos } from "../../omnipaxos/index.ts";
import type { Logger } from "../../machine/ports/index.ts";

export type LeaderCore = Pick<
  OmniPaxos<unknown>,
  "role" | "phase" | "pid" | "leader" | "heirs" | "handOver"
>;

export interface DepartureOptions {
  readonly core: LeaderCore;
  readonly logger: Logger;
  /** Ticks of one election time-out. */
  readonly ticksMax: number;
  /**
   * Whether enough peers are connected that one of them may turn out able to lead. The core knows this only from the last heartbeat
   * round, which misses a peer that has just come back.
   */
  readonly mayHaveHeir: () => boolean;
  /** Called once. */
  readonly onOver: () => void;
}

/** Heirs that the node asks within this time: the first may be about to end, too. */
const HEIRS_ASKED_MAX = 3;

export class Departure {
  readonly #options: DepartureOptions;
  #asked: NodeId[] = [];
  #ticks = 0;
  #isOver = false;

  constructor(options: DepartureOptions) {
    this.#options = options;
  }

  begin(): void {
    const { core, logger, mayHaveHeir } = this.#options;
    if (core.role !== "leader") return this.#end();
    this.#ask();
    if (this.#asked.length > 0 || mayHaveHeir()) return;
    logger.info("leadership is not handed over: no follower could lead without this node");
    this.#end();
  }

  tick(): void {
    if (this.#isOver) return;
    this.#ticks += 1;
    const { ticksMax, logger } = this.#options;
    if (this.#ticks >= ticksMax) {
      logger.info("leadership is not handed over: no follower took it in time");
      this.#end();
    } else if (
      this.#asked.length === 0 ||
      this.#ticks % Math.ceil(ticksMax / HEIRS_ASKED_MAX) === 0
    ) {
      this.#ask();
    }
  }

  /** After each turn: another node may lead by now, and this node be in step with it. */
  look(): void {
    const { core, logger } = this.#options;
    if (this.#isOver || core.role === "leader" || core.phase !== "accept") return;
    logger.info("leadership is handed over", { to: core.leader()?.pid });
    this.#end();
  }

  /** Asks the best heir that was not asked yet; when all were, the best one again. */
  #ask(): void {
    const { core } = this.#options;
    const heirs = core.heirs();
    const heir = heirs.find((pid) => !this.#asked.includes(pid)) ?? heirs[0];
    if (heir !== undefined && core.handOver(heir).ok) this.#asked.push(heir);
  }

  #end(): void {
    this.#isOver = true;
    this.#options.onOver();
  }
}
