/**
 * Line charts as SVG text, for the documents: panels one above the other that share the horizontal axis. The background is
 * white on pages of any theme, and nothing refers to anything outside the file.
 *
 *   lineChart({
 *     title: "Writes a second",
 *     x: { label: "keys", unit: "count", scale: "log" },
 *     panels: [{ y: { label: "a second", unit: "count" }, series: [{ name: "put", points: [[1, 20], [10, 30]] }] }],
 *   });
 */
import { formatValue, linearTicks, logTicks, type Scale, type Unit } from "./units.ts";

export interface Axis {
  readonly label: string;
  readonly unit: Unit;
  /** Linear by default. On a log axis points at or below zero are left out. */
  readonly scale?: Scale;
  /** Where the axis begins or ends at the latest; by default linear vertical axes begin at 0. */
  readonly min?: number;
  readonly max?: number;
}

/** Ascending by the first value. Null: a gap in the line. */
export type Point = readonly [x: number, y: number | null];

export interface Series {
  /** Written at the right end of the line. */
  readonly name: string;
  readonly points: readonly Point[];
  readonly dashed?: boolean;
  /** A number of the palette, so that what belongs together looks alike in all panels; default: its place in the panel. */
  readonly color?: number;
}

export interface Panel {
  readonly y: Axis;
  readonly series: readonly Series[];
  /** Pixels; 150. */
  readonly height?: number;
}

/** A vertical line through all panels. */
interface Mark {
  readonly x: number;
  readonly label: string;
}

export interface ChartOptions {
  readonly title: string;
  readonly subtitle?: string;
  readonly x: Axis;
  readonly panels: readonly Panel[];
  readonly marks?: readonly Mark[];
  /** Pixels; 880. */
  readonly width?: number;
}

/** Can be told apart with any kind of colour vision, and are dark enough for thin lines on white. */
const PALETTE = ["#0072b2", "#d55e00", "#00805f", "#b0528f", "#8a6d00", "#444444"];
const LEFT = 84;
const TOP = 70;
const BOTTOM = 50;
const PANEL_HEIGHT = 150;
const PANEL_GAP = 40;
const TEXT = "#24292f";
const MUTED = "#57606a";
const LABEL_LINE = 14;
const CHARACTER = 6.6;
/** With more points than this, each is not worth a dot. */
const DOTS_MAX = 40;

interface Mapped {
  readonly ticks: readonly number[];
  readonly at: (value: number) => number;
}

/** @returns the SVG document */
export function lineChart(options: ChartOptions): string {
  const { title, subtitle, x, panels, marks = [], width = 880 } = options;
  const names = panels.flatMap(({ series }) => series.map(({ name }) => name.length));
  const right = width - 24 - CHARACTER * Math.max(4, ...names);
  const heights = panels.map(({ height = PANEL_HEIGHT }) => height + PANEL_GAP);
  const height = TOP + heights.reduce((a, b) => a + b, 0) - PANEL_GAP + BOTTOM;
  const xs = [...panels.flatMap(valuesOf(0)), ...marks.map((mark) => mark.x)];
  const across = mapAxis(x, xs, LEFT, right, Math.floor((right - LEFT) / 90), false);
  const parts = [text(LEFT, 24, title, `font-size="16" font-weight="600" fill="${TEXT}"`)];
  if (subtitle !== undefined) parts.push(text(LEFT, 43, subtitle, `fill="${MUTED}"`));
  let top = TOP + 8;
  for (const panel of panels) {
    parts.push(...drawPanel(panel, x, across, top, right));
    top += (panel.height ?? PANEL_HEIGHT) + PANEL_GAP;
  }
  const bottom = top - PANEL_GAP;
  for (const tick of across.ticks) {
    parts.push(
      text(across.at(tick), bottom + 18, formatValue(x.unit, tick), 'text-anchor="middle"'),
    );
  }
  parts.push(text((LEFT + right) / 2, bottom + 38, x.label, `text-anchor="middle" fill="${TEXT}"`));
  for (const { x: value, label } of marks) {
    const at = round(across.at(value));
    const line = `M${at} ${TOP + 8}V${bottom}`;
    parts.push(`<path d="${line}" stroke="${MUTED}" stroke-dasharray="2 3" fill="none"/>`);
    parts.push(text(at + 4, TOP + 20, label, `fill="${MUTED}" ${HALO}`));
  }
  const size = `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img" font-family="system-ui, sans-serif" font-size="12" fill="${MUTED}">`,
    `<title>${escape(title)}</title>`,
    `<rect width="100%" height="100%" rx="6" fill="#ffffff"/>`,
    ...parts,
    "</svg>\n",
  ].join("\n");
}

const HALO = 'paint-order="stroke" stroke="#ffffff" stroke-width="3"';

function drawPanel(panel: Panel, x: Axis, across: Mapped, top: number, right: number): string[] {
  const { y, series, height = PANEL_HEIGHT } = panel;
  const up = mapAxis(y, valuesOf(1)(panel), top + height, top, Math.floor(height / 32), true);
  const parts = [text(LEFT, top - 10, y.label, `fill="${TEXT}" font-weight="600"`)];
  for (const tick of up.ticks) {
    const at = round(up.at(tick));
    parts.push(`<path d="M${LEFT} ${at}H${round(right)}" stroke="#d8dee4"/>`);
    parts.push(text(LEFT - 8, at + 4, formatValue(y.unit, tick), 'text-anchor="end"'));
  }
  for (const tick of across.ticks) {
    parts.push(`<path d="M${round(across.at(tick))} ${top}v${height}" stroke="#eef1f4"/>`);
  }
  const labels = series.map(({ name, points, dashed, color }, place) => {
    const stroke = PALETTE[(color ?? place) % PALETTE.length] ?? TEXT;
    const lines = pixels(points, { x, y }, across, up);
    const style = `fill="none" stroke="${stroke}" stroke-width="1.5" stroke-linejoin="round"`;
    const d = lines.map((line) => `M${line.map((point) => point.join(" ")).join("L")}`).join("");
    parts.push(`<path d="${d}" ${style}${dashed === true ? ' stroke-dasharray="5 3"' : ""}/>`);
    const dots = lines.flat();
    if (dots.length <= DOTS_MAX) {
      parts.push(
        ...dots.map(([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="3" fill="${stroke}"/>`),
      );
    }
    return { name, stroke, wanted: lines.at(-1)?.at(-1)?.[1] ?? top + height };
  });
  parts.push(...drawLabels(labels, top, top + height, right));
  return parts;
}

interface Label {
  readonly name: string;
  readonly stroke: string;
  /** The height of the line's end. */
  readonly wanted: number;
}

/** At the ends of their lines, moved apart where they would overlap. */
function drawLabels(
  labels: readonly Label[],
  top: number,
  bottom: number,
  right: number,
): string[] {
  const sorted = labels.toSorted((a, b) => a.wanted - b.wanted);
  const places: number[] = [];
  for (const { wanted } of sorted) {
    places.push(Math.max(wanted, (places.at(-1) ?? top - LABEL_LINE) + LABEL_LINE));
  }
  let ceiling = bottom + LABEL_LINE / 2;
  for (let i = places.length - 1; i >= 0; i--) {
    const place = Math.min(places[i] ?? ceiling, ceiling);
    places[i] = place;
    ceiling = place - LABEL_LINE;
  }
  return sorted.flatMap(({ name, stroke, wanted }, i) => {
    const place = places[i] ?? wanted;
    return [
      `<path d="M${round(right + 2)} ${round(wanted)}L${round(right + 10)} ${round(place)}" stroke="${stroke}" fill="none"/>`,
      text(right + 13, place + 4, name, `fill="${stroke}"`),
    ];
  });
}

type Pixel = readonly [number, number];

/** Of the many points that fall on one column of pixels, the least and the greatest are drawn: no peak is lost. */
function pixels(
  points: readonly Point[],
  axes: { readonly x: Axis; readonly y: Axis },
  across: Mapped,
  up: Mapped,
): Pixel[][] {
  const lines: Pixel[][] = [[]];
  let column: Pixel[] = [];
  const flush = (): void => {
    const low = column.reduce((a, b) => (b[1] > a[1] ? b : a), column[0] ?? [0, 0]);
    const high = column.reduce((a, b) => (b[1] < a[1] ? b : a), column[0] ?? [0, 0]);
    const kept = new Set([low, high]);
    lines.at(-1)?.push(...column.filter((pixel) => kept.has(pixel)));
    column = [];
  };
  for (const [x, y] of points) {
    if (y === null || !drawable(axes.x, x) || !drawable(axes.y, y)) {
      flush();
      lines.push([]);
      continue;
    }
    const pixel: Pixel = [round(across.at(x)), round(up.at(y))];
    const [first = pixel] = column;
    if (Math.floor(pixel[0]) !== Math.floor(first[0])) flush();
    column.push(pixel);
  }
  flush();
  return lines.filter((line) => line.length > 0);
}

function drawable(axis: Axis, value: number): boolean {
  return Number.isFinite(value) && (axis.scale !== "log" || value > 0);
}

function mapAxis(
  axis: Axis,
  values: readonly number[],
  from: number,
  to: number,
  wanted: number,
  vertical: boolean,
): Mapped {
  const log = axis.scale === "log";
  const all = values.filter((value) => drawable(axis, value));
  const least = all.reduce((a, b) => Math.min(a, b), Infinity);
  const greatest = all.reduce((a, b) => Math.max(a, b), -Infinity);
  const fallback = log ? 1 : 0;
  const found = all.length === 0 ? fallback : least;
  const min = Math.min(axis.min ?? Infinity, vertical && !log ? Math.min(0, found) : found);
  const max = Math.max(axis.max ?? -Infinity, all.length === 0 ? 1 : greatest);
  const position = log ? Math.log : (value: number): number => value;
  const ticks = (log ? logTicks : linearTicks)(axis.unit, min, max, Math.max(2, wanted));
  // A vertical axis ends at ticks; a horizontal one where the values end, so that no room is lost.
  const [start, end] =
    vertical || max === min ? [ticks[0] ?? min, ticks.at(-1) ?? max] : [min, max];
  const span = position(end) - position(start);
  return {
    ticks: ticks.filter((tick) => tick >= start - 1e-9 && tick <= end * (1 + 1e-9)),
    at: (value) => from + ((position(value) - position(start)) / span) * (to - from),
  };
}

function valuesOf(which: 0 | 1): (panel: Panel) => number[] {
  return ({ series }) =>
    series.flatMap(({ points }) =>
      points.filter(([, y]) => y !== null).map((point) => point[which] ?? 0),
    );
}

function text(x: number, y: number, content: string, attributes: string): string {
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escape(content)}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escape(content: string): string {
  return content.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
