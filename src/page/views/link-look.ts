/** How a link is shown: one word of state, a short label, and a sentence for a user who cannot see the line. */
import { faultText, shortFaults } from "../link-views.ts";
import type { LinkSide, LinkView } from "../cluster-view.ts";
import { formatMs, formatRate } from "./format.ts";

type ShownLinkState = "connected" | "broken" | "oneWay" | "faulty" | "down" | "unknown";
/** How much passes, for the speed of its dots. */
type Flow = "none" | "slow" | "steady" | "fast";

export interface LinkLook {
  readonly state: ShownLinkState;
  /** At most two short lines. */
  readonly label: readonly string[];
  readonly spoken: string;
  readonly flowToB: Flow;
  readonly flowToA: Flow;
  /** Where messages still go on a one-way link. */
  readonly passesTo: "a" | "b" | null;
}

export function linkLook(link: LinkView): LinkLook {
  const state = stateOf(link);
  const { a, b, aToB, bToA } = link;
  const passesTo = state !== "oneWay" ? null : aToB.state === "broken" ? "a" : "b";
  const moves = state !== "down" && state !== "unknown";
  const flow = (side: LinkSide): Flow =>
    moves && side.state !== "broken" ? flowOf(side.messagesPerSecond) : "none";
  return {
    state,
    label: labelOf(link, state, passesTo),
    spoken: `Link between node ${a} and node ${b}: ${sentence(link, state, passesTo)}`,
    flowToB: flow(aToB),
    flowToA: flow(bToA),
    passesTo,
  };
}

function stateOf({ aToB, bToA }: LinkView): ShownLinkState {
  const states = [aToB.state, bToA.state];
  if (states.includes("down")) return "down";
  if (states.includes("unknown")) return "unknown";
  const broken = states.filter((state) => state === "broken").length;
  if (broken > 0) return broken === 2 ? "broken" : "oneWay";
  return states.includes("faulty") ? "faulty" : "connected";
}

function labelOf(
  { a, b, aToB, bToA }: LinkView,
  state: ShownLinkState,
  passesTo: LinkLook["passesTo"],
): readonly string[] {
  if (state === "oneWay") {
    // Beside the cross stands what is broken; the rest of the label is of the direction that passes.
    const side = passesTo === "b" ? aToB : bToA;
    const broken = passesTo === "b" ? `${b} → ${a}` : `${a} → ${b}`;
    return [broken, ...shortFaults([side]).slice(0, 1)];
  }
  if (state === "faulty") return shortFaults([aToB, bToA]);
  if (state === "connected") {
    return [`${formatRate(aToB.messagesPerSecond + bToA.messagesPerSecond)}/s`];
  }
  if (state === "unknown") return ["?"];
  return [state];
}

function sentence(
  { a, b, aToB, bToA, roundTripMs }: LinkView,
  state: ShownLinkState,
  passesTo: LinkLook["passesTo"],
): string {
  switch (state) {
    case "broken":
      return "broken on purpose";
    case "down":
      return "no connection";
    case "unknown":
      return "unknown, neither end says anything";
    case "oneWay": {
      const [from, to] = passesTo === "b" ? [a, b] : [b, a];
      const faults = faultText(passesTo === "b" ? aToB : bToA);
      return `messages pass from node ${from} to node ${to} only${faults === "" ? "" : ` (${faults})`}`;
    }
    default: {
      const trip = roundTripMs === null ? "" : `, round trip ${formatMs(roundTripMs)}`;
      const there = describeSide(b, aToB);
      const back = describeSide(a, bToA);
      return `${state === "faulty" ? "faulty" : "connected"}, ${there}, ${back}${trip}`;
    }
  }
}

function describeSide(to: number, side: LinkSide): string {
  const faults = faultText(side);
  const rate = `${formatRate(side.messagesPerSecond)} messages/s to node ${to}`;
  return faults === "" ? rate : `${rate} (${faults})`;
}

function flowOf(perSecond: number): Flow {
  if (perSecond < 0.5) return "none";
  if (perSecond < 40) return "slow";
  return perSecond < 400 ? "steady" : "fast";
}
