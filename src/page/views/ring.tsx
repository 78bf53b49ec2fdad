import type { ComponentChild } from "preact";
import { useMemo } from "preact/hooks";
import type { ClusterView } from "../cluster-view.ts";
import type { PageActions } from "../page-actions.ts";
import { LinkButton } from "./link-button.tsx";
import { LinkLines } from "./link-lines.tsx";
import { linkLook } from "./link-look.ts";
import { NodeCard } from "./node-card.tsx";
import { readOnlyText } from "./read-only.ts";
import { RingMenu } from "./ring-menu.tsx";
import { ringLayout } from "./ring-layout.ts";
import { TaskResult } from "./task-result.tsx";
import { useMenu } from "./use-menu.ts";
import { useTask, type Task } from "./use-task.ts";
import { useWidth } from "./use-width.ts";

interface RingProps {
  readonly view: ClusterView;
  readonly actions: PageActions;
  /** Isolation is told of where scenarios are. */
  readonly faults: Task;
  readonly selected: number | null;
  readonly onDetails: (node: number) => void;
}

/** The cluster as a picture. */
export function Ring({ view, actions, faults, selected, onDetails }: RingProps): ComponentChild {
  const [area, width] = useWidth();
  const task = useTask();
  const ids = view.nodes.map(({ id }) => id).join();
  const layout = useMemo(() => ringLayout(ids.split(",").map(Number), width), [ids, width]);
  const menu = useMenu(area);
  const readOnly = readOnlyText(view);
  const links = layout.links.flatMap((place) => {
    const link = view.links.find(({ a, b }) => a === place.a && b === place.b);
    const key = `link-${place.a}-${place.b}`;
    return link === undefined ? [] : [{ key, place, link, look: linkLook(link) }];
  });
  const centre = { x: width / 2, y: layout.height / 2 };
  return (
    <section class="card ring-card" aria-labelledby="ring-title">
      <div class="card-head">
        <h2 id="ring-title">Cluster</h2>
        <p class="hint">{readOnly ?? "Click a link to break it, a node to isolate it."}</p>
      </div>
      <div
        class={`ring${layout.compact ? " compact" : ""}${layout.nodes.size > 3 ? " crowded" : ""}`}
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
                  open={key === menu.opened}
                  onOpen={() => menu.toggle(key)}
                />
              ))}
            </svg>
            {view.nodes.map((node) => (
              <NodeCard
                key={node.id}
                node={node}
                at={view.at}
                place={layout.nodes.get(node.id) ?? centre}
                layout={layout}
                selected={node.id === selected}
                open={menu.opened === `node-${node.id}`}
                onOpen={() => menu.toggle(`node-${node.id}`)}
                buttonRef={menu.refOf(`node-${node.id}`)}
              />
            ))}
            {links.map(({ key, place, look }) => (
              <LinkButton
                key={key}
                place={place}
                look={look}
                open={key === menu.opened}
                onOpen={() => menu.toggle(key)}
                buttonRef={menu.refOf(key)}
              />
            ))}
            <RingMenu
              view={view}
              layout={layout}
              menu={menu}
              actions={actions}
              task={task}
              faults={faults}
              onDetails={onDetails}
            />
          </>
        )}
      </div>
      <TaskResult task={task} testId="link-result" />
    </section>
  );
}
