import type { ComponentChild } from "preact";
import { unreachable } from "../../base/assert.ts";
import type { NodeView } from "../cluster-view.ts";
import { ballotText } from "../timeline.ts";
import { formatCount } from "./format.ts";
import { Icon, type IconName } from "./icons.tsx";
import { nodeAlarms, nodeLook, type ShownRole } from "./node-look.ts";
import type { Point, RingLayout } from "./ring-layout.ts";

interface NodeCardProps {
  readonly node: NodeView;
  readonly at: number;
  readonly place: Point;
  readonly layout: RingLayout;
  readonly selected: boolean;
  readonly onSelect: () => void;
}

/** A node in the ring; a button that shows its details. */
export function NodeCard(props: NodeCardProps): ComponentChild {
  const { node, at, place, layout, selected, onSelect } = props;
  const look = nodeLook(node, at);
  const { card, compact } = layout;
  const { status } = node;
  const alarms = nodeAlarms(node);
  return (
    <button
      type="button"
      class={`node-card role-${look.role}${look.stale ? " stale" : ""}${selected ? " selected" : ""}`}
      data-testid={`node-${node.id}`}
      data-role={look.role}
      aria-expanded={selected}
      aria-label={spoken(node, look.title, alarms[0] ?? look.note)}
      title={alarms[0] ?? node.reason ?? look.note ?? undefined}
      style={{
        left: `${place.x - card.width / 2}px`,
        top: `${place.y - card.height / 2}px`,
        width: `${card.width}px`,
        height: `${card.height}px`,
      }}
      onClick={onSelect}
    >
      <span class="node-head">
        <span class="node-id">{node.id}</span>
        <span class="node-role">
          <span class="node-title">
            <Icon name={iconOf(look.role)} />
            {look.title}
          </span>
          {alarms.length > 0 ? (
            <span class="node-note node-alarm" data-testid={`alarm-${node.id}`}>
              {alarms.join("; ")}
            </span>
          ) : look.note === null ? (
            <span class="node-phase">{status === null ? "" : phaseText(status.phase)}</span>
          ) : (
            <span class="node-note">{look.note}</span>
          )}
        </span>
      </span>
      <span class="node-facts">
        <span>
          <span class="fact-name">{compact ? "blt" : "ballot"}</span>
          <span class="fact-value">{status === null ? "–" : ballotText(status.promise)}</span>
        </span>
        <span>
          <span class="fact-name">{compact ? "dec" : "decided"}</span>
          <span class="fact-value">{status === null ? "–" : formatCount(status.decidedIdx)}</span>
        </span>
      </span>
    </button>
  );
}

export function phaseText(phase: "none" | "prepare" | "accept" | "recover"): string {
  return phase === "none" ? "no phase" : `${phase} phase`;
}

function iconOf(role: ShownRole): IconName {
  switch (role) {
    case "leader":
      return "crown";
    case "follower":
      return "follow";
    case "cutOff":
      return "cut";
    case "down":
      return "off";
    case "silent":
      return "quiet";
    case "unknown":
      return "question";
    default:
      return unreachable(role, "role");
  }
}

function spoken({ id, status, reach }: NodeView, title: string, note: string | null): string {
  const words = [`Node ${id}: ${title}`];
  if (note !== null) words.push(note);
  if (status !== null) {
    const past = reach === "live" ? "" : "last heard: ";
    words.push(
      `${past}${phaseText(status.phase)}, ballot ${ballotText(status.promise)}, decided ${status.decidedIdx}`,
    );
  }
  return `${words.join(", ")}. Details`;
}
