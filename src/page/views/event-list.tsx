import type { ComponentChild } from "preact";
import type { ShownEvent } from "./events.ts";
import { formatClock } from "./format.ts";
import { MarkGlyph } from "./mark-glyph.tsx";

interface EventListProps {
  readonly events: readonly ShownEvent[];
  readonly testId?: string;
  /** It may be longer than its place: the keyboard must reach it. */
  readonly scrolls?: boolean;
}

export function EventList({ events, testId, scrolls = false }: EventListProps): ComponentChild {
  if (events.length === 0) return null;
  return (
    <ul class="event-list" data-testid={testId} {...(scrolls ? { tabIndex: 0 } : {})}>
      {events.map(({ at, kind, text }, i) => (
        <li key={`${at}-${i}`}>
          <time class="event-at">{formatClock(at)}</time>
          <svg width="14" height="14" viewBox="-7 -7 14 14" aria-hidden="true">
            <MarkGlyph kind={kind} x={0} y={0} />
          </svg>
          <span class="event-text">{text}</span>
        </li>
      ))}
    </ul>
  );
}
