/** Why a node is out of sight, and what to do about it, in words for people. */
import type { NodeView } from "./cluster-view.ts";

/** The page shows the node and its address beside every cause, so these beginnings of the client's messages go. */
const PREFIXES = [
  /^cannot connect to node \d+ at \S+: /,
  /^the connection to node \d+ at \S+ was lost: /,
  /^node \d+ at \S+: /,
];

/** Short; null: nothing is known of it. */
export function causeOf({ reason }: Pick<NodeView, "reason">): string | null {
  if (reason === null) return null;
  const bare = PREFIXES.reduce((text, prefix) => text.replace(prefix, ""), reason);
  return bare.replace(/[.\s]+$/, "");
}

/** What may help, a sentence. */
export function adviceOf({ code, address }: Pick<NodeView, "code" | "address">): string {
  switch (code) {
    case "UNAUTHORIZED":
      return "Give the secret that its server was started with.";
    case "UNSUPPORTED_VERSION":
      return "Reload the page: its server was updated.";
    case "WRONG_CLUSTER":
      return `Another cluster's server has the address ${address}.`;
    case "OVERLOADED":
      return "It has too many connections: close other pages and clients.";
    case "TIMEOUT":
      return "Its process may stand still: its log says more.";
    default:
      return `Does a server run at ${address}? Its log says why it ended, or why it refuses this page.`;
  }
}
