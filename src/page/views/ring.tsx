import type { ComponentChild } from "preact";
import { useCallback, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { ClusterView } from "../cluster-view.ts";
import type { PageActions } from "../page-actions.ts";
import { LinkButton } from "./link-button.tsx";
import { LinkLines } from "./link-lines.tsx";
import { linkLook } from "./link-look.ts";
import { LinkMenu } from "./link-menu.tsx";
import { NodeCard } from "./node-card.tsx";
import { ringLayout } from "./ring-layout.ts";
import { TaskResult } from "./task-result.tsx";
import { useTask } from "./use-task.ts";
import { useWidth } from "./use-width.ts";

interface RingProps {
  readonly view: ClusterView;
  readonly actions: PageActions;
  readonly selected: number | null;
  readonly onSelect: (node: number) => void;
}

/** The cluster as a picture. */
export function Ring({ view, actions, selected, onSelect }: RingProps): ComponentChild {
  const [area, width] = useWidth();
  const task = useTask();
  const ids = view.nodes.map(({ id }) => id).join();
  const layout = useMemo(() => ringLayout(ids.split(",").map(Number), width), [ids, width]);
  const { openLink, open, close, buttons } = useLinkMenu(area);
  const links = layout.links.flatMap((place) => {
    const link = view.links.find(({ a, b }) => a === place.a && b === place.b);
    const key = `${place.a}-${place.b}`;
    return link === undefined ? [] : [{ key, place, link, look: linkLook(link) }];
  });
  const menu = links.find(({ key }) => key === openLink);
  return (
    <section class="card ring-card" aria-labelledby="ring-title">
      <div class="card-head">
        <h2 id="ring-title">Cluster</h2>
        <p class="hint">
          {view.faultsAllowed ? "Click a link to break it, a node for details." : "Read-only."}
        </p>
      </div>
      <div
        class={layout.compact ? "ring compact" : "ring"}
        ref={area}
        style={{ height: `${layout.height}px` }}
      >
        {width === 0 ? null : (
          <>
            <svg class="ring-lines" width={width} height={layout.height} aria-hidden="true">
              {links.map(({ key, place, look }) => (
                <LinkLines
                  key={key}
                  place={place}
                  look={look}
                  open={key === openLink}
                  onOpen={() => open(key)}
                />
              ))}
            </svg>
            {view.nodes.map((node) => (
              <NodeCard
                key={node.id}
                node={node}
                at={view.at}
                place={layout.nodes.get(node.id) ?? { x: 0, y: 0 }}
                layout={layout}
                selected={node.id === selected}
                onSelect={() => onSelect(node.id)}
              />
            ))}
            {links.map(({ key, place, look }) => (
              <LinkButton
                key={key}
                place={place}
                look={look}
                open={key === openLink}
                onOpen={() => (key === openLink ? close(true) : open(key))}
                buttonRef={(button) => {
                  if (button === null) buttons.delete(key);
                  else buttons.set(key, button);
                }}
              />
            ))}
            {menu === undefined ? null : (
              <LinkMenu
                key={menu.key}
                link={menu.link}
                place={menu.place}
                layout={layout}
                faultsAllowed={view.faultsAllowed}
                actions={actions}
                task={task}
                onClose={() => close(true)}
              />
            )}
          </>
        )}
      </div>
      <TaskResult task={task} testId="link-result" />
    </section>
  );
}

interface OpenMenu {
  /** "1-2"; null: none. */
  readonly openLink: string | null;
  readonly open: (link: string) => void;
  /** `refocus`: back to the link's button, for whoever goes on by keyboard. */
  readonly close: (refocus: boolean) => void;
  readonly buttons: Map<string, HTMLButtonElement>;
}

/** Closed by Escape and by a click elsewhere. */
function useLinkMenu(area: { readonly current: HTMLElement | null }): OpenMenu {
  const [openLink, setOpenLink] = useState<string | null>(null);
  const buttons = useRef(new Map<string, HTMLButtonElement>()).current;
  const close = useCallback(
    (refocus: boolean): void => {
      setOpenLink((link) => {
        if (refocus && link !== null) buttons.get(link)?.focus({ preventScroll: true });
        return null;
      });
    },
    [buttons],
  );
  useLayoutEffect(() => {
    if (openLink === null) return undefined;
    const onKey = (event: KeyboardEvent): void => {
      if (event.key === "Escape") close(true);
    };
    const onPointer = (event: PointerEvent): void => {
      const at = event.target;
      const inside =
        at instanceof Element && at.closest(".link-menu, .link-button, .link-hit") !== null;
      if (!inside || area.current?.contains(at) !== true) close(false);
    };
    document.addEventListener("keydown", onKey);
    document.addEventListener("pointerdown", onPointer);
    return () => {
      document.removeEventListener("keydown", onKey);
      document.removeEventListener("pointerdown", onPointer);
    };
  }, [openLink, close, area]);
  return { openLink, open: setOpenLink, close, buttons };
}
