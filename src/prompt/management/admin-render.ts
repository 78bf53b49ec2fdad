/** What nodes tell management, in words. Pure. */
import { printable } from "../../base/index.ts";
import { alarmText } from "../../client/admin/index.ts";
import { type AdminLink, type AdminStatus, ballotText } from "../../protocol/admin/index.ts";
import { formatDuration, type Style } from "../terminal/index.ts";

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

/** The broken links first, then the state of each. */
export function renderLinks(node: number, links: readonly AdminLink[], style: Style): string {
  const broken = links.filter((link) => brokenDirection(link) !== null);
  const list = broken.map((link) => `${link.peer}${brokenDirection(link) ?? ""}`).join(", ");
  const summary = broken.length === 0 ? "no broken links" : `broken links: ${style.warn(list)}`;
  const width = Math.max(0, ...links.map((link) => stateOf(link).length));
  const lines = links.map((link) => {
    const state = paintFor(link, style)(stateOf(link).padEnd(width));
    return `  to node ${link.peer}  ${state}  ${detailsOf(link).join(" · ")}`;
  });
  return [`${style.node(`node ${node}`)}: ${summary}`, ...lines].join("\n");
}

/** "" when both directions are broken; null when none is. */
function brokenDirection({ brokenIn, brokenOut }: AdminLink): string | null {
  if (brokenIn && brokenOut) return "";
  if (brokenIn) return " (in)";
  return brokenOut ? " (out)" : null;
}

function stateOf(link: AdminLink): string {
  const direction = brokenDirection(link);
  return direction === null ? link.state : `broken on purpose${direction}`;
}

function paintFor(link: AdminLink, style: Style): (text: string) => string {
  if (brokenDirection(link) !== null) return style.warn;
  return link.state === "connected" ? style.good : style.bad;
}

function detailsOf(link: AdminLink): readonly string[] {
  const { state, sinceMs, roundTripMs, droppedIn, droppedOut } = link;
  const address = printable(link.address);
  const reason = link.reason === null ? null : printable(link.reason);
  const broken = brokenDirection(link) !== null;
  const since = `for ${formatDuration(sinceMs)}`;
  const faults = [
    // What is broken loses everything, which has been said.
    faultText(
      "loses",
      link.brokenIn ? 0 : link.dropPermilleIn,
      link.brokenOut ? 0 : link.dropPermilleOut,
      (n) => `${n / 10} %`,
    ),
    faultText("delays", link.delayMsIn, link.delayMsOut, (n) => `${n} ms`),
  ].filter((text) => text !== "");
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
    ...faults,
    ...(droppedIn + droppedOut === 0 ? [] : [`dropped ${droppedIn} in, ${droppedOut} out`]),
  ];
}

function faultText(
  verb: string,
  inward: number,
  outward: number,
  amount: (n: number) => string,
): string {
  if (inward === 0 && outward === 0) return "";
  if (inward === outward) return `${verb} ${amount(inward)}`;
  return `${verb} ${amount(inward)} in, ${amount(outward)} out`;
}
