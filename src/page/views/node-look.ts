/** How a node is shown: which of its values are live, which are past, and in which words. */
import { unreachable } from "../../base/index.ts";
import { alarmText } from "../../client/admin/index.ts";
import { adviceOf, causeOf } from "../causes.ts";
import type { ClusterView, NodeView } from "../cluster-view.ts";
import { whyNotManage } from "../rights.ts";
import { isLeading, refusesToSay } from "../timeline.ts";
import { capitalised, formatSpan, nodesText } from "./format.ts";
import { linkLook } from "./link-look.ts";

export type ShownRole = "leader" | "follower" | "cutOff" | "down" | "silent" | "unknown";

export interface NodeLook {
  readonly role: ShownRole;
  /** One or two words, for its card. */
  readonly title: string;
  /** Why it is not live, short; null while it is. */
  readonly note: string | null;
  /** Its values are from the past. */
  readonly stale: boolean;
}

/** The faults in its data that it tells of, while it is live. */
export function nodeAlarms({ reach, status }: NodeView): readonly string[] {
  return reach === "live" && status !== null ? status.alarms.map(alarmText) : [];
}

export function nodeLook(node: NodeView, at: number): NodeLook {
  const stale = node.reach !== "live";
  const age = node.heardAt === null ? null : formatSpan(at - node.heardAt);
  switch (node.reach) {
    case "connecting":
      return { role: "unknown", title: "not heard", note: "connecting", stale };
    case "silent":
      return { role: "silent", title: "silent", note: `nothing heard for ${age ?? "–"}`, stale };
    case "refused":
      return {
        role: "down",
        title: "refuses",
        note: causeOf(node) ?? "refuses this page",
        stale,
      };
    case "down":
      return { role: "down", title: "down", note: causeOf(node) ?? "no connection", stale };
    case "live":
      if (isLeading(node)) return { role: "leader", title: "leader", note: null, stale };
      if (node.status?.standing === "cutOff") {
        const note = node.status.quorumConnected ? "no leader to follow" : "hears no quorum";
        return { role: "cutOff", title: "cut off", note, stale };
      }
      return { role: "follower", title: "follower", note: null, stale };
    default:
      return unreachable(node.reach, "reach");
  }
}

export interface BannerLine {
  readonly key: string;
  readonly text: string;
  readonly tone: "warning" | "error";
}

/** What the page can no longer see, and what no longer works; empty: all is well. */
export function bannerLines(view: ClusterView): BannerLine[] {
  if (view.needsSecret !== "no") return [];
  const rights = rightsLine(view);
  if (rights !== null) return [rights];
  const lost = view.nodes.filter(({ reach }) => reach !== "live" && reach !== "connecting");
  const lines = lost.map((node): BannerLine => {
    const tone = node.reach === "silent" ? "warning" : "error";
    return { key: `node-${node.id}`, text: lostText(node, view.at), tone };
  });
  if (lost.length === view.nodes.length && lost.length > 1) {
    const text = "No node can be reached: nothing on this page is live.";
    return [{ key: "all", text, tone: "error" }, ...lines];
  }
  const someLive = view.nodes.some(({ reach }) => reach === "live");
  for (const node of view.nodes) {
    nodeAlarms(node).forEach((text, i) =>
      lines.unshift({
        key: `alarm-${node.id}-${i}`,
        text: `Node ${node.id}: ${text}.`,
        tone: "error",
      }),
    );
  }
  if (view.leader === null && someLive) {
    const text = "No node leads that this page can see: writes wait, or fail, until one does.";
    lines.unshift({ key: "leader", text, tone: "warning" });
  }
  return lines;
}

/** The nodes answer, and tell this page's user nothing: everything that is missing is missing for want of rights. */
export function isRefused({ nodes }: ClusterView): boolean {
  return (
    nodes.some(refusesToSay) &&
    nodes.every((node) => refusesToSay(node) || node.reach === "connecting")
  );
}

/** Null: something else is the reason. */
function rightsLine(view: ClusterView): BannerLine | null {
  const why = whyNotManage(view.who);
  if (why === null || !isRefused(view)) return null;
  return { key: "rights", text: `${why}: the nodes do not say how they are.`, tone: "warning" };
}

/** While nothing is wrong. */
export function wellText(view: ClusterView): string {
  const { nodes, leader, needsSecret } = view;
  if (needsSecret !== "no") return "The nodes say nothing until the secret is given.";
  const waits = nodes.filter(({ reach }) => reach === "connecting").map(({ id }) => id);
  if (waits.length > 0) return `Waiting for ${nodesText(waits)}…`;
  const who = leader === null ? "" : `, node ${leader} leads`;
  const size = nodes.length === 1 ? "The node answers" : `All ${nodes.length} nodes answer`;
  return `${size}${who}${brokenText(view)}.`;
}

function brokenText({ links }: ClusterView): string {
  const states = links.map((link) => linkLook(link).state);
  const whole = states.filter((state) => state === "connected").length;
  if (whole === states.length) return "";
  const faulty = states.length - whole;
  return `; ${faulty} of ${states.length} links ${faulty === 1 ? "is" : "are"} not whole`;
}

function lostText(node: NodeView, at: number): string {
  const age = node.heardAt === null ? null : formatSpan(at - node.heardAt);
  const past =
    age === null
      ? "nothing is known of it"
      : node.reach === "silent"
        ? "what is shown of it is from before"
        : `what is shown of it is ${age} old`;
  const name = `Node ${node.id}`;
  switch (node.reach) {
    case "silent":
      return `${name} has not answered for ${age ?? "a while"}: ${past}.`;
    case "refused":
      return `${name} refuses this page${because(node)} ${adviceOf(node)} ${capitalised(past)}.`;
    default:
      return `${name} cannot be reached${because(node)} ${adviceOf(node)} ${capitalised(past)}.`;
  }
}

function because(node: NodeView): string {
  const cause = causeOf(node);
  return cause === null ? "." : `: ${cause}.`;
}
