/** The advice in a sentence of a server, as an operator reads it who knows nothing else. */
import type { Said } from "./server.ts";

/** What a sentence tells to do. */
type Advice =
  | { readonly kind: "rejoin" }
  /** Or a path within the data directory. */
  | { readonly kind: "moveAway"; readonly path: string }
  /** Whether others are right is for people to say, so nothing is done. */
  | { readonly kind: "keep" }
  /** Correct what was given to the server, or do nothing. */
  | { readonly kind: "correct" }
  | { readonly kind: "none" };

export function adviceOf({ text }: Said): Advice {
  const inTheWay = /([^\s:]+): there is a file where a directory has to be/.exec(text)?.[1];
  if (inTheWay !== undefined) return { kind: "moveAway", path: inTheWay };
  // Of the two the server numbers its segments one by one, so the copy is the one with the later name.
  const copy = /log\/\d+\.log and (log\/\d+\.log) hold the same part of the log/.exec(text)?.[1];
  if (copy !== undefined) return { kind: "moveAway", path: copy };
  if (/[Ii]f the others are right:/.test(text)) return { kind: "keep" };
  if (/keep this one until that one serves/.test(text)) return { kind: "keep" };
  if (/--rejoin/.test(text)) return { kind: "rejoin" };
  if (
    /correct --|start that version|start it with|start all with|give both|stop it|put (?:it )?back|start (?:it|this node) again|make room|make a copy with files of its own/i.test(
      text,
    )
  ) {
    return { kind: "correct" };
  }
  return { kind: "none" };
}
