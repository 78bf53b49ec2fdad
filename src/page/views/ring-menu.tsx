import type { ComponentChild } from "preact";
import type { ClusterView } from "../cluster-view.ts";
import type { PageActions } from "../page-actions.ts";
import { LinkMenu } from "./link-menu.tsx";
import { NodeMenu } from "./node-menu.tsx";
import { readOnlyText } from "./read-only.ts";
import type { RingLayout } from "./ring-layout.ts";
import type { OpenMenu } from "./use-menu.ts";
import type { Task } from "./use-task.ts";

interface RingMenuProps {
  readonly view: ClusterView;
  readonly layout: RingLayout;
  readonly menu: OpenMenu;
  readonly actions: PageActions;
  /** What is done to links. */
  readonly task: Task;
  /** What is done to whole nodes. */
  readonly faults: Task;
  readonly onDetails: (node: number) => void;
}

/** The menu that is open, if any. */
export function RingMenu(props: RingMenuProps): ComponentChild {
  const { view, layout, menu, actions, task, faults, onDetails } = props;
  const readOnly = readOnlyText(view);
  const place = layout.links.find(({ a, b }) => menu.opened === `link-${a}-${b}`);
  const link = view.links.find(({ a, b }) => a === place?.a && b === place.b);
  if (place !== undefined && link !== undefined) {
    return (
      <LinkMenu
        key={menu.opened}
        link={link}
        place={place}
        layout={layout}
        readOnly={readOnly}
        actions={actions}
        task={task}
        onClose={() => menu.close(true)}
      />
    );
  }
  const node = view.nodes.find(({ id }) => menu.opened === `node-${id}`);
  const centre = node === undefined ? undefined : layout.nodes.get(node.id);
  if (node === undefined || centre === undefined) return null;
  const { id } = node;
  const deed = (doing: string, act: () => Promise<string>): void => {
    menu.close(true);
    faults.run(doing, act);
  };
  return (
    <NodeMenu
      key={menu.opened}
      view={view}
      node={node}
      place={centre}
      layout={layout}
      readOnly={readOnly}
      onDetails={() => {
        menu.close(false);
        onDetails(id);
      }}
      onIsolate={() => deed(`isolating node ${id}…`, () => actions.isolate(id))}
      onRestore={() => deed(`restoring node ${id}…`, () => actions.restoreLinksOf(id))}
    />
  );
}
