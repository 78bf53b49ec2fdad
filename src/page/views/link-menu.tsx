import type { ComponentChild } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { LinkView } from "../cluster-view.ts";
import type { PageActions } from "../page-actions.ts";
import { faultText, linkLook } from "./link-look.ts";
import { formatMs, formatRate } from "./format.ts";
import { keptInside, type LinkPlace, type RingLayout } from "./ring-layout.ts";
import type { Task } from "./use-task.ts";

interface LinkMenuProps {
  readonly link: LinkView;
  readonly place: LinkPlace;
  readonly layout: RingLayout;
  readonly faultsAllowed: boolean;
  readonly actions: PageActions;
  readonly task: Task;
  readonly onClose: () => void;
}

const WIDTH = 232;

export function LinkMenu(props: LinkMenuProps): ComponentChild {
  const { link, place, layout, faultsAllowed, actions, task, onClose } = props;
  const menu = useRef<HTMLDivElement>(null);
  // Before the menu is painted: a key pressed as soon as it is seen must find its first item in focus.
  useLayoutEffect(() => {
    const first = menu.current?.querySelector<HTMLElement>("button:not(:disabled)");
    (first ?? menu.current)?.focus({ preventScroll: true });
  }, []);
  const { a, b } = link;
  const act: Act = (doing, deed) => {
    onClose();
    task.run(doing, async () => {
      await deed();
      return null;
    });
  };
  const items = itemsOf(link, actions, act);
  const below = place.label.y < layout.height * 0.55;
  return (
    <div
      ref={menu}
      class="link-menu"
      role="menu"
      tabIndex={-1}
      aria-label={`Link ${a} – ${b}`}
      style={{
        width: `${WIDTH}px`,
        left: `${keptInside(place.label.x, WIDTH, layout.width)}px`,
        ...(below
          ? { top: `${place.label.y + 18}px` }
          : { bottom: `${layout.height - place.label.y + 18}px` }),
      }}
      onKeyDown={(event) => moveFocus(event, menu.current)}
    >
      <LinkFacts link={link} />
      {items.map(({ id, text, off, run }) => (
        <button
          key={id}
          type="button"
          role="menuitem"
          data-testid={id}
          disabled={!faultsAllowed || off}
          onClick={run}
        >
          {text}
        </button>
      ))}
      {faultsAllowed ? null : (
        <p class="menu-note">Read-only: the servers run without --allow-faults.</p>
      )}
    </div>
  );
}

type Act = (doing: string, deed: () => Promise<void>) => void;

interface Item {
  readonly id: string;
  readonly text: string;
  /** It would change nothing. */
  readonly off: boolean;
  readonly run: () => void;
}

function itemsOf(link: LinkView, actions: PageActions, act: Act): readonly Item[] {
  const { a, b } = link;
  const { state, passesTo } = linkLook(link);
  return [
    {
      id: "link-break",
      text: "Break both directions",
      off: state === "broken",
      run: () => act(`breaking ${a} – ${b}…`, () => actions.breakLink(a, b, "both")),
    },
    {
      id: "link-break-ab",
      text: `Break ${a} → ${b} only`,
      off: state === "broken" || passesTo === "a",
      run: () => act(`breaking ${a} → ${b}…`, () => actions.breakLink(a, b, "oneWay")),
    },
    {
      id: "link-break-ba",
      text: `Break ${b} → ${a} only`,
      off: state === "broken" || passesTo === "b",
      run: () => act(`breaking ${b} → ${a}…`, () => actions.breakLink(b, a, "oneWay")),
    },
    {
      id: "link-flaky",
      text: "Lose 30 % of the messages",
      off: state === "broken",
      run: () =>
        act(`making ${a} – ${b} flaky…`, () => actions.degradeLink(a, b, { dropPermille: 300 })),
    },
    {
      id: "link-delay",
      text: "Delay by 50 ms",
      off: state === "broken",
      run: () => act(`delaying ${a} – ${b}…`, () => actions.degradeLink(a, b, { delayMs: 50 })),
    },
    {
      id: "link-restore",
      text: "Restore",
      off: state === "connected",
      run: () => act(`restoring ${a} – ${b}…`, () => actions.restoreLink(a, b, "both")),
    },
  ];
}

function LinkFacts({ link }: { readonly link: LinkView }): ComponentChild {
  const { a, b, aToB, bToA, roundTripMs } = link;
  const sides = [
    { name: `${a} → ${b}`, side: aToB },
    { name: `${b} → ${a}`, side: bToA },
  ];
  return (
    <dl class="menu-facts">
      {sides.map(({ name, side }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            {side.state === "connected" || side.state === "faulty"
              ? `${formatRate(side.messagesPerSecond)}/s`
              : side.state}
            {side.state === "faulty" ? `, ${faultText(side)}` : ""}
          </dd>
        </div>
      ))}
      <div>
        <dt>round trip</dt>
        <dd>{roundTripMs === null ? "–" : formatMs(roundTripMs)}</dd>
      </div>
    </dl>
  );
}

/** Arrows go round the items, as in any menu. */
function moveFocus(event: KeyboardEvent, menu: HTMLElement | null): void {
  const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
  if (step === 0 || menu === null) return;
  event.preventDefault();
  const items = [...menu.querySelectorAll<HTMLElement>("button:not(:disabled)")];
  const at = items.findIndex((item) => item === document.activeElement);
  items[(at + step + items.length) % items.length]?.focus();
}
