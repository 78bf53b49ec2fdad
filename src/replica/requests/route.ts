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
   * The user that asks over it, which matters only while access control is on; left out or null: the client has not signed in, and
   * may do nothing then. Stays the same, but for the generation, from the first frame on that the replica gets.
   */
  readonly actor?: Actor | null;
  /** See Asking of the store. */
  readonly onlyWhileOn?: boolean;
  /** Answers of this turn; they leave at its end (`TurnEffects.answers`). */
  readonly answers: AnswerWriter;
  /** Kept by the replica. */
  readonly load: RouteLoad;
  /** Its reads took much work, and other clients want the node, or it does not read its answers: the rest of its reads waits. Left out: never. */
  isResting?(): boolean;
  /** False once the client is gone, or the session with the neighbour that relayed it: its answers are dropped. */
  isOpen(): boolean;
  /**
   * The host calls it with a turn's answers for a client of its own. The replica calls it with those of `relayed` routes: the frame
   * becomes a message to a neighbour, or is for this node itself.
   */
  deliver(frame: Uint8Array): void;
}
