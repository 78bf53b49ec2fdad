import type { ComponentChild, ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { keptInside, type RingLayout } from "./ring-layout.ts";

interface PopoverProps {
  readonly label: string;
  /** What it belongs to, in the picture: it opens below that, or above it where there is no room. */
  readonly anchor: { readonly x: number; readonly top: number; readonly bottom: number };
  readonly layout: RingLayout;
  readonly children: ComponentChildren;
}

const WIDTH = 264;
const GAP = 8;

/** What can be done to a node or a link, beside it. Arrows go round its buttons, as in any menu. */
export function Popover({ label, anchor, layout, children }: PopoverProps): ComponentChild {
  const box = useRef<HTMLDivElement>(null);
  const [height, setHeight] = useState(0);
  // Before it is painted: a key pressed as soon as it is seen must find its first item in focus.
  useLayoutEffect(() => {
    const first = box.current?.querySelector<HTMLElement>("button:not(:disabled)");
    (first ?? box.current)?.focus({ preventScroll: true });
    setHeight(box.current?.offsetHeight ?? 0);
  }, []);
  // The page goes on below the picture, and above it there is little.
  const below = anchor.bottom < layout.height * 0.6 || anchor.top - GAP - height < 0;
  const top = below ? anchor.bottom + GAP : anchor.top - GAP - height;
  return (
    <div
      ref={box}
      class="popover"
      role="dialog"
      tabIndex={-1}
      aria-label={label}
      style={{
        width: `${WIDTH}px`,
        left: `${keptInside(anchor.x, WIDTH, layout.width)}px`,
        top: `${top}px`,
      }}
      onKeyDown={(event) => moveFocus(event, box.current)}
    >
      {children}
    </div>
  );
}

interface PopoverItemProps {
  readonly id: string;
  readonly text: string;
  /** Why it cannot be done now; null: it can. */
  readonly why: string | null;
  readonly onRun: () => void;
}

export function PopoverItem({ id, text, why, onRun }: PopoverItemProps): ComponentChild {
  return (
    <button
      type="button"
      class="popover-item"
      data-testid={id}
      disabled={why !== null}
      onClick={onRun}
    >
      {text}
      {why === null ? null : <span class="popover-why">{why}</span>}
    </button>
  );
}

function moveFocus(event: KeyboardEvent, box: HTMLElement | null): void {
  const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
  // In a field of numbers the arrows count.
  if (step === 0 || box === null || event.target instanceof HTMLInputElement) return;
  event.preventDefault();
  const items = [...box.querySelectorAll<HTMLElement>("button:not(:disabled)")];
  const at = items.findIndex((item) => item === document.activeElement);
  items[(at + step + items.length) % items.length]?.focus();
}
