/** Answers of nodes to management, in words. Pure. */
import { printable } from "../../base/index.ts";
import { alarmText } from "../../client/admin/index.ts";
import { type AdminLink, type AdminStatus, ballotText } from "../../protocol/admin/index.ts";
import { formatDuration, type Style } from "../terminal/index.ts";
import { faultDetails } from "./fault-words.ts";

export function renderStatus(status: AdminStatus, style: Style): string {
  const { nodeId, role, leader, phase, ballot, promise } = status;
  const roleText =
    role === "leader"
      ? style.good("leader")
      : leader === null
        ? style.warn("no leader known")
        : `follower of node ${leader}`;
  const hears = status.quorumConnected
    ? "hears a majority"
    : style.warn("hears no majority of the nodes");
  const serving =
    status.standing === "cutOff" ? style.warn("cannot serve by itself") : "serves requests";
  const full = status.storage?.isFull === true ? [style.bad("disk full")] : [];
  const alarms = status.alarms.map((alarm) => style.bad(`  ALARM: ${alarmText(alarm)}`));
  return [
    `${style.node(`node ${nodeId}`)}: ${[roleText, `phase ${phase}`, hears, serving, ...full].join(", ")}`,
    `  promised ballot ${ballotText(promise)} · own ballot ${ballotText(ballot)}`,
    `  decided ${status.decidedIdx} · accepted ${status.acceptedIdx} · applied ${status.appliedIdx} · compacted ${status.compactedIdx}`,
    `  ${count(status.keys, "key")} at revision ${status.revision} · ${count(status.clients, "client")} · up ${formatDuration(status.uptimeMs)} · version ${printable(status.version)}`,
    ...leasesText(status.leases),
    ...alarms,
  ].join("\n");
}

/** Nothing while there are none. */
function leasesText(leases: AdminStatus["leases"]): string[] {
  if (leases === undefined || leases.count === 0) return [];
  return [`  ${count(leases.count, "lease")} · clock ${formatDuration(leases.clockMs)}`];
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? "" : "s"}`;
}

/** The breaks at the other end of a link, in the drop table of that end. */
export type FarEnd = Pick<AdminLink, "brokenIn" | "brokenOut">;

/**
 * The broken links first, then the state of each.
 * @param far the answers of the other ends, by peer
 */
export function renderLinks(
  node: number,
  links: readonly AdminLink[],
  far: ReadonlyMap<number, FarEnd>,
  style: Style,
): string {
  const told = (link: AdminLink): string | null => brokenText(link, far.get(link.peer));
  const list = links.flatMap((link) => {
    const broken = told(link);
    return broken === null ? [] : [`${link.peer}${broken}`];
  });
  const summary =
    list.length === 0 ? "no broken links" : `broken links: ${style.warn(list.join(", "))}`;
  const states = links.map((link) => {
    const broken = told(link);
    return broken === null ? link.state : `broken on purpose${broken}`;
  });
  const width = Math.max(0, ...states.map(({ length }) => length));
  const lines = links.map((link, i) => {
    const state = paintFor(link, told(link), style)((states[i] ?? "").padEnd(width));
    return `  to node ${link.peer}  ${state}  ${detailsOf(link).join(" · ")}`;
  });
  return [`${style.node(`node ${node}`)}: ${summary}`, ...lines].join("\n");
}

/**
 * In which directions messages do not get through: " (in)", " (out)"; "" for both; null for none. A break at the other end only
 * is " (there)": the user restores it there.
 */
export function brokenText(
  { brokenIn, brokenOut }: FarEnd,
  far: FarEnd | undefined,
): string | null {
  // A message that the peer drops does not come in.
  const isIn = brokenIn || far?.brokenOut === true;
  const isOut = brokenOut || far?.brokenIn === true;
  if (!isIn && !isOut) return null;
  const notes = [
    ...(isIn && isOut ? [] : [isIn ? "in" : "out"]),
    ...(brokenIn || brokenOut ? [] : ["there"]),
  ];
  return notes.length === 0 ? "" : ` (${notes.join(", ")})`;
}

function paintFor(link: AdminLink, broken: string | null, style: Style): (text: string) => string {
  if (broken !== null) return style.warn;
  return link.state === "connected" ? style.good : style.bad;
}

function detailsOf(link: AdminLink): readonly string[] {
  const { state, sinceMs, roundTripMs, droppedIn, droppedOut } = link;
  const address = printable(link.address);
  const reason = link.reason === null ? null : printable(link.reason);
  const broken = link.brokenIn || link.brokenOut;
  const since = `for ${formatDuration(sinceMs)}`;
  const socket =
    state === "connected"
      ? `${broken ? "socket up " : ""}${since}`
      : `${broken ? "socket down " : ""}${since}${reason === null ? "" : `: ${reason}`}`;
  return [
    address,
    socket,
    ...(roundTripMs === null || state !== "connected"
      ? []
      : [`round trip ${formatDuration(roundTripMs)}`]),
    ...faultDetails(link),
    ...(droppedIn + droppedOut === 0 ? [] : [`dropped ${droppedIn} in, ${droppedOut} out`]),
  ];
}
