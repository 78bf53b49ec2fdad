/**
 * Faults put into links on purpose: for each peer and direction, the table drops messages, some or all, or delays them. The link
 * asks it at one place, where a message between nodes enters or leaves; sockets, clients and management know nothing of it.
 * It lives as long as the process: a node that restarts has whole links.
 */
import {
  assert,
  BROKEN_PERMILLE,
  FAULT_DELAY_MS_MAX,
  isWhole,
  type LinkFault,
  NO_FAULT,
} from "../base/index.ts";
import type { NodeId } from "../omnipaxos/index.ts";

/** As seen from this node: `out` is what it sends to the peer. */
export type Direction = "in" | "out";
export const DIRECTIONS: readonly Direction[] = ["in", "out"];

export interface LinkFaultEntry extends LinkFault {
  readonly peer: NodeId;
  readonly direction: Direction;
}

export class DropTable {
  readonly #faults = new Map<NodeId, Record<Direction, LinkFault>>();

  /**
   * Replaces the fault of one direction. Idempotent.
   * @returns whether fewer messages are lost from now on than before: then both ends had better begin a new session
   */
  set(peer: NodeId, direction: Direction, fault: LinkFault): boolean {
    const { dropPermille, delayMs } = fault;
    assert(
      Number.isInteger(dropPermille) && dropPermille >= 0 && dropPermille <= BROKEN_PERMILLE,
      `dropPermille is an integer from 0 to ${BROKEN_PERMILLE}, got ${dropPermille}`,
    );
    assert(
      delayMs >= 0 && delayMs <= FAULT_DELAY_MS_MAX,
      `delayMs is from 0 to ${FAULT_DELAY_MS_MAX}, got ${delayMs}`,
    );
    const before = this.get(peer, direction);
    const faults = this.#faults.get(peer) ?? { in: NO_FAULT, out: NO_FAULT };
    faults[direction] = fault;
    this.#faults.set(peer, faults);
    return dropPermille < before.dropPermille;
  }

  get(peer: NodeId, direction: Direction): LinkFault {
    return this.#faults.get(peer)?.[direction] ?? NO_FAULT;
  }

  /** @param draw gives an integer from 0 to 2^32 - 1; asked only when the answer depends on it */
  drops(peer: NodeId, direction: Direction, draw: () => number): boolean {
    const { dropPermille } = this.get(peer, direction);
    if (dropPermille === 0) return false;
    return dropPermille === BROKEN_PERMILLE || draw() % 1000 < dropPermille;
  }

  /** Every direction that is not whole, by peer. */
  entries(): readonly LinkFaultEntry[] {
    return [...this.#faults.keys()]
      .sort((a, b) => a - b)
      .flatMap((peer) =>
        DIRECTIONS.map((direction) => ({ peer, direction, ...this.get(peer, direction) })),
      )
      .filter((entry) => !isWhole(entry));
  }
}
