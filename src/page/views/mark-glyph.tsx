import type { ComponentChild } from "preact";
import type { Mark } from "../cluster-view.ts";

interface MarkGlyphProps {
  readonly kind: Mark["kind"];
  readonly x: number;
  readonly y: number;
}

/** Told apart by shape, not by colour alone. Around 0,0 in a box of 12 by 12. */
const SHAPES: Readonly<Record<Mark["kind"], string>> = {
  leads: "M-6 4 L-6 -3 L-3 0 L0 -5 L3 0 L6 -3 L6 4 Z",
  follows: "M-3.5 -4 L3.5 0 L-3.5 4 Z",
  ballot: "M0 -3.2 L3.2 0 L0 3.2 L-3.2 0 Z",
  down: "M-4 -4 L4 4 M4 -4 L-4 4",
  back: "M0 -5 L5 4 L-5 4 Z",
  link: "M-5 0 L-2 0 M2 0 L5 0 M-1.5 4 L1.5 -4",
  healed: "M-5 0 L5 0 M-2 -3 L-2 3 M2 -3 L2 3",
  deed: "M-3 6 L-3 -5 L5 -2.2 L-3 0.6",
};
const OUTLINED: readonly Mark["kind"][] = ["down", "link", "healed", "deed"];

export function MarkGlyph({ kind, x, y }: MarkGlyphProps): ComponentChild {
  const shape = SHAPES[kind];
  return (
    <g class={`mark mark-${kind}`} transform={`translate(${x} ${y})`}>
      <path class={OUTLINED.includes(kind) ? "mark-halo line" : "mark-halo"} d={shape} />
      <path class={OUTLINED.includes(kind) ? "mark-shape line" : "mark-shape"} d={shape} />
    </g>
  );
}
