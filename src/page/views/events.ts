/** Marks in words, related ones as one event: an election is one event, not one for each of the nodes. */
import { unreachable } from "../../base/index.ts";
import type { Mark } from "../cluster-view.ts";
import { nodesText } from "./format.ts";

export interface ShownEvent {
  readonly at: number;
  readonly kind: Mark["kind"];
  /** In words, a sentence without its end. */
  readonly text: string;
}

/** The page hears of a change from each node at another time. */
const TOGETHER_MS = 1500;
const GATHERED: readonly Mark["kind"][] = ["follows", "down", "back", "link", "healed"];

/** Oldest first, as the marks are. */
export function eventsOf(marks: readonly Mark[]): ShownEvent[] {
  const groups: Mark[][] = [];
  for (const mark of marks) {
    const group = groups.findLast(([first]) => first !== undefined && belongs(mark, first));
    if (group === undefined) groups.push([mark]);
    else group.push(mark);
  }
  return groups.flatMap((group) => {
    const [first] = group;
    return first === undefined ? [] : [{ at: first.at, kind: first.kind, text: textOf(group) }];
  });
}

/** "node 2 leads with ballot 4.0.2". */
export function markText(mark: Mark): string {
  return textOf([mark]);
}

function belongs(mark: Mark, first: Mark): boolean {
  return (
    GATHERED.includes(mark.kind) &&
    mark.kind === first.kind &&
    mark.text === first.text &&
    mark.at - first.at <= TOGETHER_MS
  );
}

function textOf(group: readonly Mark[]): string {
  const [first] = group;
  if (first === undefined) return "";
  const { kind, text } = first;
  switch (kind) {
    case "deed":
      return text;
    case "link":
    case "healed": {
      const links = group.map(({ nodes }) => nodes.join("–"));
      return `${links.length === 1 ? "link" : "links"} ${links.join(", ")} ${text}`;
    }
    case "leads":
    case "follows":
    case "ballot":
    case "down":
    case "back": {
      const nodes = [...new Set(group.flatMap((mark) => mark.nodes))].sort((a, b) => a - b);
      return `${nodesText(nodes)} ${nodes.length === 1 ? text : plural(text)}`;
    }
    default:
      return unreachable(kind, "kind");
  }
}

/** "follows node 2" → "follow node 2". */
function plural(text: string): string {
  return text.replace(/^follows\b/, "follow").replace(/^is\b/, "are");
}
