/** A whole cluster in words: a table of its nodes, and what changed from one look to the next. Pure. */
import { type ErrorCode, type KvError, unreachable } from "../../base/index.ts";
import {
  alarmText,
  type ClusterLook,
  leaderIn,
  logsIn,
  type NodeLook,
} from "../../client/admin/index.ts";
import {
  type AdminAlarm,
  type AdminLink,
  type AdminStatus,
  ballotText,
} from "../../protocol/admin/index.ts";
import { formatDuration, type Paint, type Style, wrap } from "../terminal/index.ts";
import { brokenText } from "./admin-render.ts";
import { faultCells } from "./fault-words.ts";
import { type Cell, nodeTable } from "./node-table.ts";

/** Why a node said nothing: words behind its id. */
export type Reason = (node: number, error: KvError) => string;

/**
 * The table, below it one line that says who leads, and one for each alarm.
 * @param columns how wide the terminal is: no line is longer, unless a word is. Undefined: as long as need be
 */
export function renderTable(
  look: ClusterLook,
  reason: Reason,
  style: Style,
  columns?: number,
): readonly string[] {
  const leader = leaderIn(look);
  const rows = look.map(({ node, status, error }) => ({
    cells: status === null ? null : cellsOf(status, leader, style),
    node,
    ...(status === null
      ? { last: reason(node, error), paint: style.bad }
      : linksCell(status.links, farEnds(look, node), style)),
  }));
  const alarms = look.flatMap(({ node, status }) =>
    (status?.alarms ?? []).map((alarm) => style.bad(`ALARM: node ${node}: ${alarmText(alarm)}`)),
  );
  const below = [
    leaderLine(look, leader, style),
    ...strangers(look, style),
    ...otherLogs(look, style),
    ...alarms,
  ];
  return [...nodeTable(rows, columns, style), ...below.flatMap((line) => fitted(line, columns))];
}

/** In lines that are broken between words. */
export function fitted(line: string, columns: number | undefined): readonly string[] {
  return wrap(line, columns).split("\n");
}

/** Two clusters may have one name: on one machine, or when both were made by the same script. */
function otherLogs(look: ClusterLook, style: Style): readonly string[] {
  const logs = logsIn(look);
  if (logs.length < 2) return [];
  const groups = logs.map(
    (nodes) => `${nodes.length === 1 ? "node" : "nodes"} ${nodes.join(", ")}`,
  );
  const text = `these are ${logs.length} clusters, with a log each: ${groups.join("; ")}. Look at the addresses (\`nodes\` shows them)`;
  return [style.bad(text)];
}

/** The nodes know their cluster; a list that a user typed may leave some out. */
function strangers(look: ClusterLook, style: Style): readonly string[] {
  const asked = look.map(({ node }) => node);
  const members = look.flatMap(({ status }) => status?.links.map(({ peer }) => peer) ?? []);
  const missing = [...new Set(members)].filter((id) => !asked.includes(id)).sort((a, b) => a - b);
  if (missing.length === 0) return [];
  const [are, them] = missing.length === 1 ? ["is", "it"] : ["are", "them"];
  const text = `not shown: ${missing.join(", ")}, which ${are} of this cluster too (name ${them} with --nodes)`;
  return [style.warn(text)];
}

function cellsOf(status: AdminStatus, leader: number | null, style: Style): readonly Cell[] {
  const { nodeId, role, quorumConnected } = status;
  const stale = role === "leader" && nodeId !== leader;
  const roleCell: Cell =
    role === "leader"
      ? { text: stale ? "was leader" : "leader", paint: stale ? style.warn : style.good }
      : { text: status.standing === "cutOff" ? "cut off" : role, ...warnIf(status, style) };
  return [
    { text: String(nodeId), paint: style.node },
    roleCell,
    { text: status.leader === null ? "none" : String(status.leader) },
    { text: ballotText(status.promise) },
    { text: String(status.decidedIdx) },
    { text: String(status.appliedIdx) },
    quorumConnected ? { text: "heard" } : { text: "NOT heard", paint: style.warn },
    { text: String(status.keys) },
    { text: formatDuration(status.uptimeMs) },
  ];
}

function warnIf({ standing }: AdminStatus, style: Style): { readonly paint?: Paint } {
  return standing === "cutOff" ? { paint: style.warn } : {};
}

function leaderLine(look: ClusterLook, leader: number | null, style: Style): string {
  const status = look.find(({ node }) => node === leader)?.status;
  if (status === undefined || status === null) return style.warn(noLeaderText(look));
  if (status.quorumConnected) return style.good(`node ${leader ?? 0} leads`);
  return style.warn(`no node leads: node ${leader ?? 0} did, and hears no majority of the nodes`);
}

/** Without a node that says who leads, somebody may lead all the same. */
function noLeaderText(look: ClusterLook): string {
  if (look.every(({ status }) => status !== null)) return "no node leads";
  if (look.some(({ status }) => status !== null)) return "no node that answers leads";
  const has = (code: ErrorCode): boolean => look.some(({ error }) => error?.code === code);
  if (has("FORBIDDEN")) return "who leads is told to users with the role root only";
  if (has("UNAUTHENTICATED")) return "who leads is told to nobody who has not signed in";
  if (has("UNAUTHORIZED")) return "who leads is told to nobody without the cluster's secret";
  return "no node answers";
}

function linksCell(
  links: readonly AdminLink[],
  far: ReadonlyMap<number, AdminLink>,
  style: Style,
): { readonly last: string; readonly paint: Paint } {
  const last = linksText(links, far);
  return { last, paint: last === "whole" ? style.dim : style.warn };
}

/** What the peers of a node have done to their ends of its links, by peer. */
function farEnds(look: ClusterLook, self: number): ReadonlyMap<number, AdminLink> {
  const ends = look.flatMap(({ node, status }) => {
    const link = status?.links.find(({ peer }) => peer === self);
    return link === undefined ? [] : [[node, link] as const];
  });
  return new Map(ends);
}

/**
 * "broken 2, 3 (in) · to 4 30 % lost · from 4 +50 ms · down 5", or "whole". A break at the other end only is "2 (there)": no message
 * gets through, and the user restores it there.
 */
function linksText(
  links: readonly AdminLink[],
  far: ReadonlyMap<number, AdminLink> = new Map(),
): string {
  const texts = (of: (link: AdminLink) => string | null): readonly string[] =>
    links.flatMap((link) => {
      const text = of(link);
      return text === null ? [] : [text];
    });
  const broken = texts((link) => {
    const text = brokenText(link, far.get(link.peer));
    return text === null ? null : `${link.peer}${text}`;
  });
  const down = texts(({ peer, state }) => (state === "down" ? String(peer) : null));
  const parts = [
    ...(broken.length === 0 ? [] : [`broken ${broken.join(", ")}`]),
    ...faultCells(links),
    ...(down.length === 0 ? [] : [`down ${down.join(", ")}`]),
  ];
  return parts.length === 0 ? "whole" : parts.join(" · ");
}

/** What became different at one node, or of who leads. */
export type Change =
  | { readonly event: "leader"; readonly leader: number | null; readonly ballot: string | null }
  | { readonly event: "silent"; readonly node: number; readonly reason: string }
  | { readonly event: "answers"; readonly node: number }
  | { readonly event: "restarted"; readonly node: number }
  | { readonly event: "majority"; readonly node: number; readonly heard: boolean }
  | { readonly event: "follows"; readonly node: number; readonly leader: number | null }
  | { readonly event: "alarms"; readonly node: number; readonly alarms: readonly AdminAlarm[] }
  | { readonly event: "links"; readonly node: number; readonly links: string };

/** What has changed at one node, from one look at it to the next. */
export function changesOf(before: NodeLook, after: NodeLook, reason: Reason): readonly Change[] {
  const { node, status, error } = after;
  if (status === null) {
    return before.status === null ? [] : [{ event: "silent", node, reason: reason(node, error) }];
  }
  const was = before.status;
  if (was === null) return [{ event: "answers", node }];
  const changes: Change[] = [];
  if (status.uptimeMs < was.uptimeMs) changes.push({ event: "restarted", node });
  if (alarmsText(status) !== alarmsText(was)) {
    changes.push({ event: "alarms", node, alarms: status.alarms });
  }
  const links = linksText(status.links);
  if (links !== linksText(was.links)) changes.push({ event: "links", node, links });
  if (status.quorumConnected !== was.quorumConnected) {
    changes.push({ event: "majority", node, heard: status.quorumConnected });
  }
  if (status.leader !== was.leader && status.role === "follower") {
    changes.push({ event: "follows", node, leader: status.leader });
  }
  return changes;
}

function alarmsText({ alarms }: { readonly alarms: readonly AdminAlarm[] }): string {
  return alarms.map(alarmText).join(" · ");
}

/** How the leader has changed; null: it is still the same. */
export function leaderChange(before: ClusterLook, after: ClusterLook): Change | null {
  const leader = leaderIn(after);
  if (leader === leaderIn(before)) return null;
  const status = after.find(({ node }) => node === leader)?.status;
  const ballot = status === undefined || status === null ? null : ballotText(status.promise);
  return { event: "leader", leader, ballot };
}

export function renderChange(change: Change, style: Style): string {
  switch (change.event) {
    case "leader":
      return change.leader === null
        ? style.warn("no node leads")
        : style.good(`node ${change.leader} leads (ballot ${change.ballot ?? "unknown"})`);
    case "silent":
      return style.bad(`node ${change.node} ${change.reason}`);
    case "answers":
      return `node ${change.node} answers`;
    case "restarted":
      return `node ${change.node} was started again`;
    case "majority":
      return change.heard
        ? `node ${change.node} hears a majority again`
        : style.warn(`node ${change.node} hears no majority`);
    case "follows":
      return change.leader === null
        ? `node ${change.node} follows nobody`
        : `node ${change.node} follows node ${change.leader}`;
    case "alarms":
      return change.alarms.length === 0
        ? style.good(`node ${change.node}: no alarm any more`)
        : style.bad(`ALARM: node ${change.node}: ${alarmsText(change)}`);
    case "links":
      return `node ${change.node}: links ${change.links}`;
    default:
      return unreachable(change, "change");
  }
}
