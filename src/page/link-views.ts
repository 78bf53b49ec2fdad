/** Links as both of their ends report them. A node that is not live contributes nothing. */
import { formatMs } from "./views/format.ts";
import { BROKEN_PERMILLE, isWhole, type LinkFault, NO_FAULT } from "../base/index.ts";
import { type AdminLink, toldFault } from "../protocol/admin/index.ts";
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
  const out = from === null ? NO_FAULT : toldFault(from.link, "out");
  const into = to === null ? NO_FAULT : toldFault(to.link, "in");
  const fault: LinkFault = {
    dropPermille:
      1000 - Math.floor(((1000 - out.dropPermille) * (1000 - into.dropPermille)) / 1000),
    delayMs: out.delayMs + into.delayMs,
  };
  const messagesPerSecond =
    from?.meter.messagesPerSecond(from.peer, "out") ??
    to?.meter.messagesPerSecond(to.peer, "in") ??
    0;
  return {
    state: state(from, to, fault),
    ...fault,
    messagesPerSecond,
  };
}

function state(from: End | null, to: End | null, fault: LinkFault): LinkSide["state"] {
  if (from === null && to === null) return "unknown";
  if (from?.link.state === "down" || to?.link.state === "down") return "down";
  if (fault.dropPermille === BROKEN_PERMILLE) return "broken";
  return isWhole(fault) ? "connected" : "faulty";
}

/** A kind of fault that is added does not compile without its words here. */
const WORDS: Readonly<
  Record<keyof LinkFault, { long: (value: number) => string; short: (value: number) => string }>
> = {
  dropPermille: {
    long: (permille) => `loses ${permille / 10} %`,
    short: (permille) => `${permille / 10} %`,
  },
  delayMs: { long: (ms) => `${formatMs(ms)} late`, short: formatMs },
};
const KINDS = Object.keys(WORDS) as readonly (keyof LinkFault)[];

/** "loses 30 %, 50 ms late"; empty: whole. */
export function faultText(fault: LinkFault): string {
  return KINDS.filter((kind) => fault[kind] > 0)
    .map((kind) => WORDS[kind].long(fault[kind]))
    .join(", ");
}

/** Of each kind the worse of these directions, in short: "30 %", "50 ms". Kinds that there are none of are left out. */
export function shortFaults(sides: readonly LinkFault[]): readonly string[] {
  return KINDS.flatMap((kind) => {
    const worst = Math.max(...sides.map((side) => side[kind]));
    return worst > 0 ? [WORDS[kind].short(worst)] : [];
  });
}
