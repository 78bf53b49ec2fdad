/** Links as both of their ends report them. A node that is not live contributes nothing. */
import { formatMs } from "./views/format.ts";
import { BROKEN_PERMILLE } from "../base/index.ts";
import type { AdminLink } from "../protocol/admin/index.ts";
import type { LinkSide, LinkView, NodeView } from "./cluster-view.ts";
import { linkTo, type NodeMeter } from "./node-meter.ts";

/** One end of a link: what its node says now. */
interface End {
  readonly link: AdminLink;
  readonly meter: NodeMeter;
  readonly peer: number;
}

export function linkViews(
  nodes: readonly NodeView[],
  meters: ReadonlyMap<number, NodeMeter>,
): LinkView[] {
  const endOf = (node: NodeView, peer: number): End | null => {
    const meter = meters.get(node.id);
    if (node.reach !== "live" || node.status === null || meter === undefined) return null;
    const link = linkTo(node.status, peer);
    return link === undefined ? null : { link, meter, peer };
  };
  return nodes.flatMap((a, i) =>
    nodes.slice(i + 1).map((b): LinkView => {
      const atA = endOf(a, b.id);
      const atB = endOf(b, a.id);
      return {
        a: a.id,
        b: b.id,
        aToB: side(atA, atB),
        bToA: side(atB, atA),
        roundTripMs: atA?.link.roundTripMs ?? atB?.link.roundTripMs ?? null,
      };
    }),
  );
}

/** A message passes the drop tables of both ends: losses and delays add up. */
function side(from: End | null, to: End | null): LinkSide {
  const out = from?.link.dropPermilleOut ?? 0;
  const into = to?.link.dropPermilleIn ?? 0;
  const dropPermille = 1000 - Math.floor(((1000 - out) * (1000 - into)) / 1000);
  const delayMs = (from?.link.delayMsOut ?? 0) + (to?.link.delayMsIn ?? 0);
  const messagesPerSecond =
    from?.meter.messagesPerSecond(from.peer, "out") ??
    to?.meter.messagesPerSecond(to.peer, "in") ??
    0;
  return {
    state: state(from, to, dropPermille, delayMs),
    dropPermille,
    delayMs,
    messagesPerSecond,
  };
}

function state(
  from: End | null,
  to: End | null,
  dropPermille: number,
  delayMs: number,
): LinkSide["state"] {
  if (from === null && to === null) return "unknown";
  if (from?.link.state === "down" || to?.link.state === "down") return "down";
  if (dropPermille === BROKEN_PERMILLE) return "broken";
  return dropPermille > 0 || delayMs > 0 ? "faulty" : "connected";
}

/** "loses 30 %, 50 ms late"; empty: whole. */
export function faultText({ dropPermille, delayMs }: LinkSide): string {
  const words: string[] = [];
  if (dropPermille > 0) words.push(`loses ${dropPermille / 10} %`);
  if (delayMs > 0) words.push(`${formatMs(delayMs)} late`);
  return words.join(", ");
}
