import type { Actor } from "../../store/index.ts";
import { AnswerWriter } from "../../protocol/client/index.ts";
import type { Route } from "./route.ts";
import { RouteLoad } from "./route-load.ts";

/** For what a node asks of itself, on its own behalf or on that of who manages it: there is no connection behind it. */
export function innerRoute(
  id: number,
  actor: Actor | null,
  isOpen: () => boolean,
  deliver: (frame: Uint8Array) => void,
): Route {
  return {
    id,
    actor,
    // It is this node's state or log that it is about.
    relayed: true,
    answers: new AnswerWriter(),
    load: new RouteLoad(),
    isOpen,
    deliver,
  };
}
