import type { ComponentChild } from "preact";
import type { ClusterView, NodeView } from "../cluster-view.ts";
import { nodeLook } from "./node-look.ts";
import { Popover, PopoverItem } from "./popover.tsx";
import type { Point, RingLayout } from "./ring-layout.ts";

interface NodeMenuProps {
  readonly view: ClusterView;
  readonly node: NodeView;
  readonly place: Point;
  readonly layout: RingLayout;
  readonly readOnly: string | null;
  readonly onDetails: () => void;
  readonly onIsolate: () => void;
  readonly onRestore: () => void;
}

/** What can be done to a node, beside it. */
export function NodeMenu(props: NodeMenuProps): ComponentChild {
  const { view, node, place, layout, readOnly, onDetails, onIsolate, onRestore } = props;
  const half = layout.card.height / 2;
  const sides = view.links
    .filter(({ a, b }) => a === node.id || b === node.id)
    .flatMap(({ aToB, bToA }) => [aToB, bToA]);
  const alone = sides.every(({ state }) => state === "broken");
  const whole = sides.every(({ state }) => state === "connected");
  return (
    <Popover
      label={`Node ${node.id}`}
      anchor={{ x: place.x, top: place.y - half, bottom: place.y + half }}
      layout={layout}
    >
      <dl class="popover-facts">
        <div>
          <dt>node {node.id}</dt>
          <dd>{nodeLook(node, view.at).title}</dd>
        </div>
        <div>
          <dt>address</dt>
          <dd>{node.address}</dd>
        </div>
      </dl>
      <PopoverItem id="node-show-details" text="Show details" why={null} onRun={onDetails} />
      <PopoverItem
        id="isolate"
        text="Isolate: break all its links"
        why={readOnly === null ? (alone ? "are broken already" : null) : ""}
        onRun={onIsolate}
      />
      <PopoverItem
        id="restore-links"
        text="Restore its links"
        why={readOnly === null ? (whole ? "are whole" : null) : ""}
        onRun={onRestore}
      />
      {readOnly === null ? null : <p class="popover-note">{readOnly}</p>}
    </Popover>
  );
}
