import type { LoadView } from "../../src/client/scenarios/steady-load.ts";
import type { LinkSide, LinkView, NodeView } from "../../src/page/cluster-view.ts";
import { statusOf } from "../prompt/admin-fixtures.ts";

export function nodeView(id: number, fields: Partial<NodeView> = {}): NodeView {
  return {
    id,
    address: `127.0.0.1:${4100 + id}`,
    reach: "live",
    reason: null,
    code: null,
    heardAt: 0,
    status: statusOf(id),
    appliedPerSecond: null,
    ...fields,
  };
}

export const NO_LOAD: LoadView = {
  perSecond: 0,
  answered: 0,
  failed: 0,
  heldBack: 0,
  waiting: 0,
  trouble: null,
};

export function side(fields: Partial<LinkSide> = {}): LinkSide {
  return { state: "connected", dropPermille: 0, delayMs: 0, messagesPerSecond: 0, ...fields };
}

export const BROKEN = side({ state: "broken", dropPermille: 1000 });

export function linkView(a: number, b: number, aToB = side(), bToA = side()): LinkView {
  return { a, b, aToB, bToA, roundTripMs: null };
}
