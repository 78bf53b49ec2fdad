import type { ComponentChild } from "preact";
import { useState } from "preact/hooks";
import type { ClusterView, Stretch } from "../cluster-view.ts";
import { EventList } from "./event-list.tsx";
import { eventsOf } from "./events.ts";
import { formatClock } from "./format.ts";
import { MarkGlyph } from "./mark-glyph.tsx";
import { AXIS_WIDTH, RIGHT_PADDING } from "./plot.tsx";
import { keptInside } from "./ring-layout.ts";
import {
  marksNear,
  marksWithin,
  roleAt,
  stretchShapes,
  timeTicks,
  type TimeWindow,
} from "./time-shapes.ts";

interface StripsProps {
  readonly view: ClusterView;
  readonly window: TimeWindow;
  readonly width: number;
}

const ROW = 30;
const BAR = 18;
/** Where the text of a stretch begins, and where it ends at the latest. */
const LABEL_AT = 14;
const LABEL_END = 80;
const TIP_WIDTH = 230;
/** A mark is hit within so many pixels. */
const REACH = 9;

const ROLE_TEXT: Readonly<Record<Stretch["role"], string>> = {
  leader: "leader",
  follower: "follower",
  cutOff: "cut off",
  down: "down",
  unknown: "not heard",
};

/** A strip for each node: what it was, with marks where something happened. */
export function Strips({ view, window: shown, width }: StripsProps): ComponentChild {
  const [hover, setHover] = useState<{ readonly row: number; readonly x: number } | null>(null);
  const inner = Math.max(1, width - AXIS_WIDTH - RIGHT_PADDING);
  const height = view.nodes.length * ROW;
  const marks = marksWithin(view.marks, shown);
  const xOf = (at: number): number =>
    AXIS_WIDTH + ((at - shown.from) / (shown.to - shown.from)) * inner;
  const point = (event: PointerEvent): void => {
    const target = event.currentTarget;
    if (!(target instanceof Element)) return;
    const box = target.getBoundingClientRect();
    const x = Math.max(AXIS_WIDTH, Math.min(event.clientX - box.left, AXIS_WIDTH + inner));
    const row = Math.floor((event.clientY - box.top) / ROW);
    setHover(row >= 0 && row < view.nodes.length ? { row, x } : null);
  };
  return (
    <div class="strips">
      <svg
        width={width}
        height={height}
        role="img"
        aria-label="Roles of the nodes over time. The list of events says the same."
        onPointerMove={point}
        onPointerDown={point}
        onPointerLeave={() => setHover(null)}
      >
        <Patterns />
        {view.nodes.map(({ id }, row) => (
          <g key={id} transform={`translate(0 ${row * ROW})`}>
            <text class="strip-name" x={AXIS_WIDTH - 10} y={ROW / 2} text-anchor="end">
              node {id}
            </text>
            <Strip
              strip={view.strips.get(id) ?? []}
              window={shown}
              inner={inner}
              marked={marks.filter(({ nodes }) => nodes.includes(id)).map(({ at }) => xOf(at))}
            />
            {marks
              .filter(({ nodes }) => nodes.includes(id))
              .map((mark, i) => (
                <MarkGlyph key={i} kind={mark.kind} x={xOf(mark.at)} y={ROW / 2} />
              ))}
          </g>
        ))}
        {marks
          .filter(({ kind }) => kind === "deed")
          .map(({ at }, i) => (
            <line key={i} class="strip-deed" x1={xOf(at)} x2={xOf(at)} y1={0} y2={height} />
          ))}
        {hover === null ? null : (
          <line class="strip-cursor" x1={hover.x} x2={hover.x} y1={0} y2={height} />
        )}
      </svg>
      <div class="time-axis" style={{ marginLeft: `${AXIS_WIDTH}px`, width: `${inner}px` }}>
        {timeTicks(shown.to - shown.from).map(({ part, label }) => (
          <span key={part} style={{ left: `${part * 100}%` }}>
            {label}
          </span>
        ))}
      </div>
      {hover === null ? null : (
        <Tip view={view} window={shown} row={hover.row} x={hover.x} inner={inner} width={width} />
      )}
    </div>
  );
}

interface StripProps {
  readonly strip: readonly Stretch[];
  readonly window: TimeWindow;
  readonly inner: number;
  /** Where marks are: no text under them. */
  readonly marked: readonly number[];
}

function Strip({ strip, window: shown, inner, marked }: StripProps): ComponentChild {
  const y = (ROW - BAR) / 2;
  return (
    <>
      <rect class="strip-empty" x={AXIS_WIDTH} y={y} width={inner} height={BAR} rx="4" />
      {stretchShapes(strip, shown).map(({ from, to, role }) => {
        const x = AXIS_WIDTH + from * inner;
        const width = (to - from) * inner;
        const hidden =
          width < LABEL_END ||
          marked.some((mark) => mark > x + LABEL_AT - REACH && mark < x + LABEL_END);
        return (
          <g key={`${from}-${role}`} class={`stretch stretch-${role}`}>
            <rect class="stretch-bar" x={x} y={y} width={width} height={BAR} />
            {role === "leader" || role === "follower" ? null : (
              <rect x={x} y={y} width={width} height={BAR} fill={`url(#hatch-${role})`} />
            )}
            {hidden ? null : (
              <text x={x + LABEL_AT} y={ROW / 2}>
                {ROLE_TEXT[role]}
              </text>
            )}
          </g>
        );
      })}
    </>
  );
}

function Patterns(): ComponentChild {
  return (
    <defs>
      {(["cutOff", "down", "unknown"] as const).map((role) => (
        <pattern
          key={role}
          id={`hatch-${role}`}
          class={`hatch hatch-${role}`}
          width="7"
          height="7"
          patternUnits="userSpaceOnUse"
          patternTransform={role === "down" ? "rotate(-45)" : "rotate(45)"}
        >
          <line x1="0" y1="0" x2="0" y2="7" />
        </pattern>
      ))}
    </defs>
  );
}

interface TipProps extends StripsProps {
  readonly row: number;
  readonly x: number;
  readonly inner: number;
}

function Tip({ view, window: shown, row, x, inner, width }: TipProps): ComponentChild {
  const node = view.nodes[row];
  if (node === undefined) return null;
  const msPerPixel = (shown.to - shown.from) / inner;
  const at = shown.from + (x - AXIS_WIDTH) * msPerPixel;
  const near = marksNear(view.marks, node.id, at, REACH * msPerPixel);
  const role = roleAt(view.strips.get(node.id) ?? [], at);
  return (
    <div
      class="strip-tip"
      data-testid="strip-tip"
      style={{
        width: `${TIP_WIDTH}px`,
        left: `${keptInside(x, TIP_WIDTH, width)}px`,
        bottom: `${(view.nodes.length - row) * ROW + 24}px`,
      }}
    >
      <strong>
        node {node.id}: {role === null ? "nothing is known" : ROLE_TEXT[role]}
      </strong>
      <span class="tip-at">{formatClock(at)}</span>
      <EventList events={eventsOf(near).slice(-5)} />
    </div>
  );
}
