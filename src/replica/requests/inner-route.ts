import type { Actor } from "../../store/index.ts";
import { AnswerWriter } from "../../protocol/client/index.ts";
import type { Route } from "./route.ts";
import { RouteLoad } from "./route-load.ts";

/**
 * The route of a request that a node makes of itself, on its own behalf or a manager's: there is no connection behind it.
 * @param relayed true: the request is about this node's own state or log, and no neighbour may answer it
 */
export function innerRoute(
  id: number,
  actor: Actor | null,
  isOpen: () => boolean,
  deliver: (frame: Uint8Array) => void,
  relayed = true,
): Route {
  return {
    id,
    actor,
    relayed,
    answers: new AnswerWriter(),
    load: new RouteLoad(),
    isOpen,
    deliver,
  };
}
