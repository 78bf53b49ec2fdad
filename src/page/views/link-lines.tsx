import type { ComponentChild } from "preact";
import type { LinkLook } from "./link-look.ts";
import { beside, between, type LinkPlace, type Point } from "./ring-layout.ts";

interface LinkLinesProps {
  readonly place: LinkPlace;
  readonly look: LinkLook;
  readonly open: boolean;
  readonly onOpen: () => void;
}

/** Between the two directions, pixels from the middle. */
const BESIDE = 4;

/** The line of a link, with dots for what passes. Its label is the button; the line is a larger target for pointers. */
export function LinkLines({ place, look, open, onOpen }: LinkLinesProps): ComponentChild {
  const { from, to } = place;
  return (
    <g class={`link link-${look.state}${open ? " link-open" : ""}`}>
      <line class="link-hit" {...ends(from, to)} onClick={onOpen} />
      {look.state === "oneWay" ? (
        <OneWay from={from} to={to} passesTo={look.passesTo} />
      ) : (
        <line class="link-line" {...ends(from, to)} />
      )}
      {look.flowToB === "none" ? null : (
        <line class={`flow flow-${look.flowToB}`} {...ends(...beside(from, to, BESIDE))} />
      )}
      {look.flowToA === "none" ? null : (
        <line class={`flow flow-${look.flowToA}`} {...ends(...beside(to, from, BESIDE))} />
      )}
    </g>
  );
}

interface OneWayProps {
  readonly from: Point;
  readonly to: Point;
  readonly passesTo: LinkLook["passesTo"];
}

/** The direction that passes as an arrow, the other as a broken line beside it. */
function OneWay({ from, to, passesTo }: OneWayProps): ComponentChild {
  const [start, end] = passesTo === "b" ? [from, to] : [to, from];
  const [passStart, passEnd] = beside(start, end, BESIDE);
  const [brokenStart, brokenEnd] = beside(end, start, BESIDE);
  const length = Math.hypot(end.x - start.x, end.y - start.y) || 1;
  const base = between(passEnd, passStart, 11 / length);
  const [left, right] = [beside(base, passEnd, 6)[0], beside(base, passEnd, -6)[0]];
  const arrow = [passEnd, left, right].map(({ x, y }) => `${x},${y}`).join(" ");
  return (
    <>
      <line class="link-line link-line-broken" {...ends(brokenStart, brokenEnd)} />
      <line class="link-line link-passes" {...ends(passStart, base)} />
      <polygon class="link-arrow" points={arrow} />
    </>
  );
}

function ends(from: Point, to: Point): { x1: number; y1: number; x2: number; y2: number } {
  return { x1: from.x, y1: from.y, x2: to.x, y2: to.y };
}
