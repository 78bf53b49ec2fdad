/** One run as a picture: acknowledged writes over time, what each node said of itself, and what was done to the links. */
import type { Timeline } from "../../../faults/experiment.ts";
import { formatMs } from "../../format.ts";
import { escapeHtml } from "./escape.ts";

const WIDTH = 1060;
const LEFT = 56;
const RIGHT = 12;
const TOP = 34;
const PLOT = 150;
const AXIS = 22;
const STRIP = 16;
const STRIP_GAP = 5;
/** Labels of marks nearer than this would lie on each other: they go to another line. */
const LABEL_ROOM = 110;
const TICKS_ABOUT = 12;

export interface TimelineOptions {
  readonly nodes: readonly number[];
  readonly electionTimeoutMs: number;
  /** The time without an acknowledged write, from the cut. */
  readonly downFromMs: number;
  readonly downMs: number;
}

export function timelineSvg(timeline: Timeline, options: TimelineOptions): string {
  const { nodes } = options;
  const stripsTop = TOP + PLOT + AXIS;
  const height = stripsTop + nodes.length * (STRIP + STRIP_GAP) + 6;
  const { startMs, endMs } = timeline;
  const x = (ms: number): number =>
    LEFT + ((ms - startMs) / (endMs - startMs)) * (WIDTH - LEFT - RIGHT);
  const down = formatMs(options.downMs);
  const label = `Acknowledged writes over time; none for ${down} after the cut`;
  return [
    `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escapeHtml(label)}">`,
    downArea(options, x),
    axis(timeline, options, x),
    writes(timeline, x),
    ...strips(timeline, nodes, stripsTop, x),
    marks(timeline, stripsTop + nodes.length * (STRIP + STRIP_GAP), x),
    "</svg>",
  ].join("\n");
}

type Scale = (ms: number) => number;

function downArea({ downFromMs, downMs }: TimelineOptions, x: Scale): string {
  const from = x(downFromMs);
  const width = Math.max(1, x(downFromMs + downMs) - from);
  return rect("down", from, TOP, width, PLOT, `no write acknowledged for ${formatMs(downMs)}`);
}

/** Time in election time-outs from the cut. */
function axis(timeline: Timeline, { electionTimeoutMs }: TimelineOptions, x: Scale): string {
  const { startMs, endMs, acknowledged, slotMs } = timeline;
  const base = TOP + PLOT;
  const span = (endMs - startMs) / electionTimeoutMs;
  const step = [1, 2, 5, 10, 20, 50, 100, 500].find((each) => span / each <= TICKS_ABOUT) ?? 1000;
  const parts: string[] = [line("axis", LEFT, base, WIDTH - RIGHT, base)];
  const first = Math.ceil(startMs / electionTimeoutMs / step) * step;
  for (let at = first; at * electionTimeoutMs <= endMs; at += step) {
    const px = x(at * electionTimeoutMs);
    parts.push(line("axis", px, base, px, base + 4));
    parts.push(text("", px, base + 16, `${at === 0 ? "" : at > 0 ? "+" : ""}${at}`, "middle"));
  }
  const most = Math.max(1, ...acknowledged);
  const perSecond = Math.round((most / slotMs) * 1000);
  parts.push(text("", LEFT - 6, TOP + 10, `${compact(perSecond)}/s`, "end"));
  parts.push(text("", LEFT - 6, base, "0", "end"));
  parts.push(text("", LEFT - 6, base + 16, "time", "end"));
  return parts.join("");
}

/** One step for each slot. */
function writes({ acknowledged, startMs, slotMs }: Timeline, x: Scale): string {
  const most = Math.max(1, ...acknowledged);
  const base = TOP + PLOT;
  let path = `M${px(x(startMs))} ${base}`;
  acknowledged.forEach((count, slot) => {
    const y = px(base - (count / most) * PLOT);
    path += `L${px(x(startMs + slot * slotMs))} ${y}L${px(x(startMs + (slot + 1) * slotMs))} ${y}`;
  });
  path += `L${px(x(startMs + acknowledged.length * slotMs))} ${base}Z`;
  return `<path class="writes" d="${path}"/>`;
}

function strips(
  { looks, startMs, endMs }: Timeline,
  nodes: readonly number[],
  top: number,
  x: Scale,
): readonly string[] {
  return nodes.map((node, row) => {
    const y = top + row * (STRIP + STRIP_GAP);
    const own = looks.filter((look) => look.node === node);
    const parts = own.map(({ atMs, standing, term }, i) => {
      const from = Math.max(startMs, atMs);
      const until = own[i + 1]?.atMs ?? endMs;
      const title = `node ${node}: ${STANDINGS[standing]}${term === null ? "" : `, ${term.text}`}, from ${formatSigned(from)}`;
      return rect(standing, x(from), y, Math.max(0.5, x(until) - x(from)), STRIP, title);
    });
    return `${text("", LEFT - 6, y + STRIP - 4, `node ${node}`, "end")}${parts.join("")}`;
  });
}

export const STANDINGS = {
  leading: "leads",
  following: "follows the leader",
  cutOff: "neither leads nor follows a leader",
  silent: "did not answer",
} as const;

function marks({ stepsMs, healMs, leaders }: Timeline, bottom: number, x: Scale): string {
  const all = [
    ...stepsMs.map((ms, i) => ({
      ms,
      name: "cut",
      label: i === stepsMs.length - 1 ? "cut" : "first link cut",
    })),
    ...leaders
      .filter(({ atMs }) => atMs > (stepsMs[0] ?? 0))
      .map(({ atMs, node, term }) => ({
        ms: atMs,
        name: "change",
        label: `${node} leads (${term})`,
      })),
    { ms: healMs, name: "heal", label: "healed" },
  ].sort((a, b) => a.ms - b.ms);
  const ends = [-Infinity, -Infinity];
  return all
    .map(({ ms, name, label }) => {
      const at = x(ms);
      const row = at - (ends[0] ?? 0) >= LABEL_ROOM ? 0 : 1;
      ends[row] = at;
      const atRight = at > WIDTH - LABEL_ROOM;
      const side = text(
        `mark ${name}`,
        at + (atRight ? -4 : 4),
        11 + row * 14,
        label,
        atRight ? "end" : "start",
      );
      return line(name, at, 2, at, bottom) + side;
    })
    .join("");
}

function rect(
  name: string,
  x: number,
  y: number,
  width: number,
  height: number,
  title: string,
): string {
  return `<rect class="${name}" x="${px(x)}" y="${px(y)}" width="${px(width)}" height="${height}"><title>${escapeHtml(title)}</title></rect>`;
}

function line(name: string, x1: number, y1: number, x2: number, y2: number): string {
  return `<line class="${name}" x1="${px(x1)}" y1="${px(y1)}" x2="${px(x2)}" y2="${px(y2)}"/>`;
}

function text(name: string, x: number, y: number, content: string, anchor: string): string {
  return `<text class="${name}" x="${px(x)}" y="${px(y)}" text-anchor="${anchor}">${escapeHtml(content)}</text>`;
}

function px(value: number): number {
  return Math.round(value * 10) / 10;
}

function compact(count: number): string {
  return count >= 10_000 ? `${Math.round(count / 1000)}k` : String(count);
}

function formatSigned(ms: number): string {
  return ms < 0 ? `${formatMs(-ms)} before the cut` : `${formatMs(ms)} after the cut`;
}
