/** What happened when: marks where something changed, and for each node the stretches of its states. */
import { BROKEN_PERMILLE, unreachable } from "../base/index.ts";
import { ballotText } from "../protocol/admin/index.ts";
import { causeOf } from "./causes.ts";
import { faultText } from "./link-views.ts";
import type { LinkSide, LinkView, Mark, NodeView, Stretch } from "./cluster-view.ts";

/** Older than the plots reach back: forgotten. */
const KEPT_MS = 10 * 60_000;
const MARKS_MAX = 500;
/** Both ends of a link change one after the other: a state that is gone sooner is no change of its own. */
const LINK_SETTLES_MS = 250;

/** The node runs, and does not tell this page's user how it is. */
export function refusesToSay({ code }: NodeView): boolean {
  return code === "FORBIDDEN" || code === "UNAUTHENTICATED";
}

export function isLeading({ reach, status }: NodeView): boolean {
  return reach === "live" && status?.role === "leader" && status.standing === "leading";
}

/** The last state of a node. */
interface NodeTrace {
  seen: boolean;
  gone: boolean;
  /** "leads 4.0.2", "follows 4.0.2": of the last ballot in which it took part. */
  part: string;
  promise: string;
}

interface LinkTrace {
  shown: string;
  pending: { readonly key: string; readonly since: number } | null;
}

export class Timeline {
  #marks: readonly Mark[] = [];
  #strips: ReadonlyMap<number, readonly Stretch[]> = new Map();
  readonly #nodes = new Map<number, NodeTrace>();
  readonly #links = new Map<string, LinkTrace>();

  /** Oldest first; the same array until there is a new one. */
  get marks(): readonly Mark[] {
    return this.#marks;
  }

  get strips(): ReadonlyMap<number, readonly Stretch[]> {
    return this.#strips;
  }

  /** Something that the page did to the cluster. */
  note(at: number, text: string): void {
    this.#add([{ at, nodes: [], kind: "deed", text }], at);
  }

  advance(now: number, nodes: readonly NodeView[], links: readonly LinkView[]): void {
    const added: Mark[] = [];
    for (const node of nodes) {
      this.#stretch(now, node);
      this.#markNode(now, node, added);
    }
    for (const link of links) this.#markLink(now, link, added);
    this.#add(added, now);
  }

  #add(added: readonly Mark[], now: number): void {
    const oldest = now - KEPT_MS;
    if (added.length === 0 && (this.#marks[0]?.at ?? now) >= oldest) return;
    this.#marks = [...this.#marks, ...added]
      .filter(({ at }) => at >= oldest)
      .sort((a, b) => a.at - b.at)
      .slice(-MARKS_MAX);
  }

  #stretch(now: number, node: NodeView): void {
    const role = roleOf(node);
    const strip = this.#strips.get(node.id) ?? [];
    const last = strip.at(-1);
    if (last?.role === role) return;
    const closed = last === undefined ? [] : [...strip.slice(0, -1), { ...last, to: now }];
    const kept = closed.filter(({ to }) => to === null || to >= now - KEPT_MS);
    const next: Stretch = { from: now, to: null, role };
    this.#strips = new Map(this.#strips).set(node.id, [...kept, next]);
  }

  #markNode(at: number, node: NodeView, added: Mark[]): void {
    const { id, reach, status } = node;
    const trace = this.#nodes.get(id) ?? { seen: false, gone: false, part: "", promise: "" };
    this.#nodes.set(id, trace);
    if (reach !== "live" || status === null) {
      if (trace.seen && !trace.gone && reach !== "connecting") {
        trace.gone = true;
        const text =
          reach === "silent" ? "is silent" : `is gone: ${causeOf(node) ?? "no connection"}`;
        added.push({ at, nodes: [id], kind: "down", text });
      }
      return;
    }
    if (trace.gone) added.push({ at, nodes: [id], kind: "back", text: "is back" });
    trace.gone = false;
    const ballot = ballotText(status.promise);
    const part = isLeading(node)
      ? `leads with ballot ${ballot}`
      : status.standing === "following" && status.leader !== null
        ? `follows node ${status.leader}, ballot ${ballot}`
        : "";
    if (part !== "" && part !== trace.part) {
      // The first state that the page sees is no change.
      if (trace.seen) {
        const kind = isLeading(node) ? "leads" : "follows";
        added.push({ at, nodes: [id], kind, text: part });
      }
      trace.part = part;
    } else if (part === "" && trace.seen && trace.promise !== ballot) {
      added.push({ at, nodes: [id], kind: "ballot", text: `promises ballot ${ballot}` });
    }
    trace.promise = ballot;
    trace.seen = true;
  }

  #markLink(now: number, link: LinkView, added: Mark[]): void {
    // The state of a link without a connection is unknown.
    const key = [link.aToB, link.bToA].some(({ state }) => state === "down" || state === "unknown")
      ? null
      : `${sideText(link.aToB)}/${sideText(link.bToA)}`;
    const name = `${link.a}-${link.b}`;
    const trace = this.#links.get(name);
    if (trace === undefined) {
      if (key !== null) this.#links.set(name, { shown: key, pending: null });
      return;
    }
    if (key === null || key === trace.shown) {
      trace.pending = null;
      return;
    }
    if (trace.pending?.key !== key) trace.pending = { key, since: now };
    if (now - trace.pending.since < LINK_SETTLES_MS) return;
    const at = trace.pending.since;
    trace.shown = key;
    trace.pending = null;
    added.push(linkMark(at, link));
  }
}

function roleOf(node: NodeView): Stretch["role"] {
  switch (node.reach) {
    case "connecting":
    case "silent":
      return "unknown";
    case "down":
      return "down";
    case "refused":
      // A node that refuses the page's question runs.
      return refusesToSay(node) ? "unknown" : "down";
    case "live":
      if (isLeading(node)) return "leader";
      return node.status?.standing === "cutOff" ? "cutOff" : "follower";
    default:
      return unreachable(node.reach, "reach");
  }
}

/** "whole", "broken", "loses 30 %, 50 ms late". */
function sideText(side: LinkSide): string {
  if (side.dropPermille === BROKEN_PERMILLE) return "broken";
  return faultText(side) || "whole";
}

function bothSides(a: number, b: number, there: string, back: string): string {
  if (there === back) return there;
  if (back === "whole") return `${there} from ${a} to ${b} only`;
  if (there === "whole") return `${back} from ${b} to ${a} only`;
  return `${there} from ${a} to ${b}, ${back} from ${b} to ${a}`;
}

/** One for both ends: it is one link. */
function linkMark(at: number, { a, b, aToB, bToA }: LinkView): Mark {
  const nodes = [a, b];
  const [there, back] = [sideText(aToB), sideText(bToA)];
  if (there === "whole" && back === "whole") {
    return { at, nodes, kind: "healed", text: "whole again" };
  }
  return { at, nodes, kind: "link", text: bothSides(a, b, there, back) };
}
