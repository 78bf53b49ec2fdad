/**
 * How many sessions clients may open. Each costs every node some microseconds and, in a full table, another client its session.
 *
 * Why here and not in the replicated table: only this node knows which client asks. An owner in the log would be a connection
 * (and a client that wants more owners connects again) or an address (which clients behind one router share).
 */
import { OP } from "../../store/operations/index.ts";
import { Allowance } from "../requests/allowance.ts";
import { CommandCursor, NO_SESSION } from "../../store/index.ts";

/** Of one frame. A client needs one. */
export const OPENINGS_PER_FRAME_MAX = 4;
/** Over one connection: so many at once, and then one in so many ticks. A client needs one, and one more when it expired. */
const CONNECTION_AT_ONCE = 16;
const CONNECTION_TICKS = 25;
/** At this node: as many as may start together, and then so many a tick; at 10 ms, a full table in 17 seconds by three nodes. */
const NODE_AT_ONCE = 1000;
const NODE_PER_TICK = 2;

export interface OpeningRefusal {
  readonly code: "BAD_REQUEST" | "OVERLOADED";
  readonly reason: string;
}

export class Openings {
  readonly #node = new Allowance(NODE_AT_ONCE, NODE_PER_TICK, 0);
  /** Of connections that have opened a session. */
  readonly #routes = new Map<number, Allowance>();

  /**
   * @param group checked
   * @returns why this node refuses it; null: it may go on, and is counted
   */
  refuse(routeId: number, group: Uint8Array, tick: number): OpeningRefusal | null {
    // The session comes first, and takes one byte if it is none.
    if (group[0] !== NO_SESSION) return null;
    const count = openingsIn(group);
    if (count === 0) return null;
    if (count > OPENINGS_PER_FRAME_MAX) {
      const reason = `a frame opens at most ${OPENINGS_PER_FRAME_MAX} sessions, this one ${count}`;
      return { code: "BAD_REQUEST", reason };
    }
    let own = this.#routes.get(routeId);
    if (own === undefined) {
      own = new Allowance(CONNECTION_AT_ONCE, 1 / CONNECTION_TICKS, tick);
      this.#routes.set(routeId, own);
    }
    const isOwn = own.left(tick) < count;
    if (isOwn || this.#node.left(tick) < count) {
      const where = isOwn ? "over this connection" : "at this node";
      return {
        code: "OVERLOADED",
        reason: `too many sessions were opened ${where} in a short time`,
      };
    }
    own.take(count);
    this.#node.take(count);
    return null;
  }

  /** The connection is gone. */
  forget(routeId: number): void {
    this.#routes.delete(routeId);
  }
}

function openingsIn(group: Uint8Array): number {
  const cursor = new CommandCursor();
  cursor.resetToGroup(group);
  let count = 0;
  while (cursor.next()) if (cursor.op === OP.openSession) count += 1;
  return count;
}
