import uPlot from "uplot";
import type { ComponentChild } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { lonePoints, type TimeWindow } from "./time-shapes.ts";

export interface PlotSeries {
  readonly label: string;
  /** Name of a custom property of the style sheet. */
  readonly colour: string;
  readonly dash?: readonly number[];
  readonly filled?: boolean;
  /** What it shows while nothing happens: what stands alone in that gets a point. */
  readonly rest: number | null;
}

interface PlotScale {
  readonly min: number;
  readonly max: number;
  readonly ticks: readonly number[];
  readonly logarithmic: boolean;
  readonly format: (value: number) => string;
}

interface PlotProps {
  readonly label: string;
  readonly width: number;
  readonly height: number;
  readonly window: TimeWindow;
  readonly at: readonly number[];
  readonly columns: readonly (readonly (number | null)[])[];
  readonly series: readonly PlotSeries[];
  readonly scale: PlotScale;
  /** Changes when the colours do. */
  readonly colours: string;
}

/** Room left of the plots and strips, for labels; and right of them. */
export const AXIS_WIDTH = 62;
export const RIGHT_PADDING = 10;
/** Vertical lines of the grid. */
const COLUMNS = 4;

/** One plot over the common time axis. The library draws on a canvas; we only hand it data. */
export function Plot(props: PlotProps): ComponentChild {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  useEffect(() => {
    if (host.current === null) return undefined;
    plot.current = new uPlot(options(host.current, latest), [[], []], host.current);
    feed(plot.current, latest.current);
    return () => {
      plot.current?.destroy();
      plot.current = null;
    };
    // Series and colours are fixed when a plot is made; the rest is handed to it as it changes.
  }, [props.colours]);
  const { width, height, window: shown, at } = props;
  useEffect(() => {
    plot.current?.setSize({ width, height });
  }, [width, height]);
  useEffect(() => {
    if (plot.current !== null) feed(plot.current, latest.current);
  }, [shown.from, shown.to, at]);
  return <div ref={host} class="plot" role="img" aria-label={props.label} />;
}

function feed(plot: uPlot, { at, columns, window: shown }: PlotProps): void {
  plot.batch(() => {
    plot.setData([[...at], ...columns.map((column) => [...column])], false);
    plot.setScale("x", { min: shown.from, max: shown.to });
  });
}

function options(host: HTMLElement, latest: { readonly current: PlotProps }): uPlot.Options {
  const { width, height, series, scale } = latest.current;
  const colour = (name: string): string => resolved(host, name);
  const grid = { stroke: colour("--grid"), width: 1 };
  const axis = {
    stroke: colour("--muted"),
    font: "11px system-ui, sans-serif",
    ticks: { show: false },
  };
  return {
    width,
    height,
    padding: [8, RIGHT_PADDING, 6, 0],
    legend: { show: false },
    cursor: {
      show: true,
      y: false,
      drag: { x: false, y: false },
      sync: { key: "time" },
      points: { size: 6 },
    },
    scales: {
      x: { time: false, auto: false, range: () => windowOf(latest.current) },
      y: {
        distr: scale.logarithmic ? 3 : 1,
        range: () => [latest.current.scale.min, latest.current.scale.max],
      },
    },
    axes: [
      {
        ...axis,
        size: 0,
        grid,
        splits: () => columnsOf(windowOf(latest.current)),
        values: (_plot, splits) => splits.map(() => ""),
      },
      {
        ...axis,
        size: AXIS_WIDTH,
        gap: 8,
        grid,
        splits: () => [...latest.current.scale.ticks],
        values: (_plot, splits) => splits.map((value) => latest.current.scale.format(value)),
        filter: (_plot, splits) => splits,
      },
    ],
    series: [
      {},
      ...series.map((line): uPlot.Series => ({
        label: line.label,
        stroke: colour(line.colour),
        width: 2,
        points: {
          show: true,
          size: 6,
          width: 1.5,
          fill: colour(line.colour),
          filter: (plot, column) => lonePoints(plot.data[column] as (number | null)[], line.rest),
        },
        spanGaps: false,
        ...(line.dash === undefined ? {} : { dash: [...line.dash] }),
        ...(line.filled === true ? { fill: colour(`${line.colour}-soft`) } : {}),
      })),
    ],
  };
}

function windowOf({ window: { from, to } }: PlotProps): [number, number] {
  return [from, to];
}

function columnsOf([from, to]: [number, number]): number[] {
  return Array.from({ length: COLUMNS + 1 }, (_, i) => from + ((to - from) * i) / COLUMNS);
}

/** A canvas knows no custom properties, and none that depends on the theme. */
function resolved(host: HTMLElement, name: string): string {
  host.style.color = `var(${name})`;
  const { color } = getComputedStyle(host);
  host.style.color = "";
  return color;
}
