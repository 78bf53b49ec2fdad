import type { ComponentChild } from "preact";
import type { LinkView } from "../cluster-view.ts";
import type { PageActions } from "../page-actions.ts";
import { FaultFields } from "./fault-fields.tsx";
import { formatMs, formatRate } from "./format.ts";
import { faultText } from "../link-views.ts";
import { linkLook } from "./link-look.ts";
import { Popover, PopoverItem } from "./popover.tsx";
import type { LinkPlace, RingLayout } from "./ring-layout.ts";
import type { Task } from "./use-task.ts";

interface LinkMenuProps {
  readonly link: LinkView;
  readonly place: LinkPlace;
  readonly layout: RingLayout;
  /** Why nothing can be done to links; null: it can. */
  readonly readOnly: string | null;
  readonly actions: PageActions;
  readonly task: Task;
  readonly onClose: () => void;
}

/** Half the height of the label that it hangs on. */
const LABEL = 12;

export function LinkMenu(props: LinkMenuProps): ComponentChild {
  const { link, place, layout, readOnly, actions, task, onClose } = props;
  const { a, b } = link;
  const act: Act = (doing, deed) => {
    onClose();
    task.run(doing, async () => {
      await deed();
      return null;
    });
  };
  const { x, y } = place.label;
  return (
    <Popover
      label={`Link ${a}–${b}`}
      anchor={{ x, top: y - LABEL, bottom: y + LABEL }}
      layout={layout}
    >
      <LinkFacts link={link} />
      {itemsOf(link, actions, act).map(({ id, text, why, run }) => (
        <PopoverItem key={id} id={id} text={text} why={readOnly === null ? why : ""} onRun={run} />
      ))}
      <FaultFields
        link={link}
        disabled={readOnly !== null}
        onApply={(fault) => act(`degrading ${a}–${b}…`, () => actions.degradeLink(a, b, fault))}
      />
      {readOnly === null ? null : <p class="popover-note">{readOnly}</p>}
    </Popover>
  );
}

type Act = (doing: string, deed: () => Promise<void>) => void;

interface Item {
  readonly id: string;
  readonly text: string;
  /** It would change nothing, and why; null: it would. */
  readonly why: string | null;
  readonly run: () => void;
}

function itemsOf(link: LinkView, actions: PageActions, act: Act): readonly Item[] {
  const { a, b } = link;
  const { state, passesTo } = linkLook(link);
  const already = "is broken already";
  return [
    {
      id: "link-break",
      text: "Break both directions",
      why: state === "broken" ? already : null,
      run: () => act(`breaking ${a}–${b}…`, () => actions.breakLink(a, b, "both")),
    },
    {
      id: "link-break-ab",
      text: `Break ${a} → ${b} only`,
      why: state === "broken" || passesTo === "a" ? already : null,
      run: () => act(`breaking ${a} → ${b}…`, () => actions.breakLink(a, b, "oneWay")),
    },
    {
      id: "link-break-ba",
      text: `Break ${b} → ${a} only`,
      why: state === "broken" || passesTo === "b" ? already : null,
      run: () => act(`breaking ${b} → ${a}…`, () => actions.breakLink(b, a, "oneWay")),
    },
    {
      id: "link-restore",
      text: "Restore",
      why: state === "connected" ? "is whole" : null,
      run: () => act(`restoring ${a}–${b}…`, () => actions.restoreLink(a, b, "both")),
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
    <dl class="popover-facts">
      {sides.map(({ name, side }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            {side.state === "connected" || side.state === "faulty"
              ? `${formatRate(side.messagesPerSecond)} messages/s`
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
