import type { ComponentChild } from "preact";
import type { Mark } from "../cluster-view.ts";
import { formatSpan } from "./format.ts";
import { MarkGlyph } from "./mark-glyph.tsx";
import { markText } from "./time-shapes.ts";

interface MarkListProps {
  readonly marks: readonly Mark[];
  readonly at: number;
  readonly testId?: string;
}

export function MarkList({ marks, at, testId }: MarkListProps): ComponentChild {
  if (marks.length === 0) return null;
  return (
    <ul class="mark-list" data-testid={testId}>
      {marks.map((mark, i) => (
        <li key={`${mark.at}-${i}`}>
          <svg width="14" height="14" viewBox="-7 -7 14 14" aria-hidden="true">
            <MarkGlyph kind={mark.kind} x={0} y={0} />
          </svg>
          <span class="mark-text">{markText(mark)}</span>
          <span class="mark-ago">{formatSpan(at - mark.at)} ago</span>
        </li>
      ))}
    </ul>
  );
}
