import type { Actor } from "../../store/index.ts";
import type { AnswerWriter } from "../../protocol/client/index.ts";
import type { RouteLoad } from "./route-load.ts";

/** Where the answers to one client connection go: a socket of this node, or the neighbour that relayed its frames. */
export interface Route {
  /** Unique on this node for as long as it runs. */
  readonly id: number;
  /** Relayed frames are never relayed again (ADR 0003). */
  readonly relayed: boolean;
  /**
   * Who asks over it. It is looked at only while access control is on; left out or null: nobody has said, and nothing is allowed
   * then. Stays the same, but for the generation, from the first frame on that the replica gets.
   */
  readonly actor?: Actor | null;
  /** Answers of this turn; they leave at its end (`TurnEffects.answers`). */
  readonly answers: AnswerWriter;
  /** Kept by the replica. */
  readonly load: RouteLoad;
  /** Much was looked at for it, and others are at work: what is left of its reads waits. Left out: never. */
  isResting?(): boolean;
  /** False once the client is gone, or the session with the neighbour that relayed it: its answers are dropped. */
  isOpen(): boolean;
  /**
   * For the host to call with what a turn has for a client of its own. With what it has for others, which are `relayed`, the
   * replica calls it: it becomes a message to a neighbour, or is for this node itself.
   */
  deliver(frame: Uint8Array): void;
}
