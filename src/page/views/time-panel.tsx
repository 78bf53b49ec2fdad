import type { ComponentChild } from "preact";
import { useMemo, useState } from "preact/hooks";
import type { ClusterView } from "../cluster-view.ts";
import { formatMs, formatRate } from "./format.ts";
import { Plot, type PlotSeries } from "./plot.tsx";
import { Segmented } from "./segmented.tsx";
import { Strips } from "./strips.tsx";
import { decadeScale, linearScale, sampleColumns, WINDOWS_MS } from "./time-shapes.ts";
import { useWidth } from "./use-width.ts";

interface TimePanelProps {
  readonly view: ClusterView;
  readonly colours: string;
}

const APPLIED: readonly PlotSeries[] = [
  { label: "applied", colour: "--plot-1", filled: true, rest: 0 },
];
const LATENCY: readonly PlotSeries[] = [
  { label: "p50", colour: "--plot-2", rest: null },
  { label: "p99", colour: "--plot-3", dash: [5, 4], rest: null },
];

const PLOT_HEIGHT = 88;

/** What happened over the last minutes: two plots and the strips under them, on one time axis. */
export function TimePanel({ view, colours }: TimePanelProps): ComponentChild {
  const [area, width] = useWidth();
  const [spanMs, setSpanMs] = useState(WINDOWS_MS[0] ?? 60_000);
  const shown = useMemo(() => ({ from: view.at - spanMs, to: view.at }), [view.at, spanMs]);
  const columns = useMemo(() => sampleColumns(view.samples, shown), [view.samples, shown]);
  const applied = linearScale(Math.max(0, ...columns.applied));
  const latency = decadeScale([...columns.p50, ...columns.p99]);
  const last = view.samples.at(-1);
  return (
    <section class="card time-card" aria-labelledby="time-title">
      <div class="card-head">
        <h2 id="time-title">Time</h2>
        <Segmented
          label="How far back"
          name="window"
          value={String(spanMs)}
          choices={WINDOWS_MS.map((ms) => [String(ms), `${ms / 60_000} min`] as const)}
          onChange={(ms) => setSpanMs(Number(ms))}
        />
      </div>
      <div class="time-area" ref={area}>
        {width === 0 ? null : (
          <>
            <Legend
              title="Commands applied per second"
              entries={[{ series: APPLIED[0], value: formatRate(last?.appliedPerSecond ?? 0) }]}
            />
            <Plot
              label="Commands applied per second"
              width={width}
              height={PLOT_HEIGHT}
              window={shown}
              at={columns.at}
              columns={[columns.applied]}
              series={APPLIED}
              scale={{ min: 0, ...applied, logarithmic: false, format: formatRate }}
              colours={colours}
            />
            <Legend
              title="Write latency"
              entries={[
                { series: LATENCY[0], value: latencyText(last?.writeP50Ms) },
                { series: LATENCY[1], value: latencyText(last?.writeP99Ms) },
              ]}
            />
            <Plot
              label="Write latency, median and 99th percentile"
              width={width}
              height={PLOT_HEIGHT}
              window={shown}
              at={columns.at}
              columns={[columns.p50, columns.p99]}
              series={LATENCY}
              scale={{ ...latency, logarithmic: true, format: formatMs }}
              colours={colours}
            />
            <Strips view={view} window={shown} width={width} />
          </>
        )}
      </div>
    </section>
  );
}

interface LegendProps {
  readonly title: string;
  readonly entries: readonly {
    readonly series: PlotSeries | undefined;
    readonly value: string;
  }[];
}

function Legend({ title, entries }: LegendProps): ComponentChild {
  return (
    <div class="legend">
      <span class="legend-title">{title}</span>
      {entries.map(({ series, value }) =>
        series === undefined ? null : (
          <span key={series.label} class="legend-entry">
            <svg width="18" height="8" aria-hidden="true">
              <line
                x1="0"
                y1="4"
                x2="18"
                y2="4"
                stroke-width="2.5"
                stroke-dasharray={series.dash?.join(" ")}
                style={{ stroke: `var(${series.colour})` }}
              />
            </svg>
            {series.label} <b>{value}</b>
          </span>
        ),
      )}
    </div>
  );
}

function latencyText(ms: number | null | undefined): string {
  return ms === null || ms === undefined ? "–" : formatMs(ms);
}
