import type { ComponentChild, Ref } from "preact";
import { ballotText } from "../../protocol/admin/index.ts";
import { unreachable } from "../../base/index.ts";
import type { NodeView } from "../cluster-view.ts";
import { formatCount } from "./format.ts";
import { Icon, type IconName } from "./icons.tsx";
import { nodeAlarms, nodeLook, type ShownRole } from "./node-look.ts";
import type { Point, RingLayout } from "./ring-layout.ts";

interface NodeCardProps {
  readonly node: NodeView;
  readonly at: number;
  readonly place: Point;
  readonly layout: RingLayout;
  /** Its details are shown. */
  readonly selected: boolean;
  readonly open: boolean;
  readonly onOpen: () => void;
  readonly buttonRef: Ref<HTMLButtonElement>;
}

/** A node in the ring; a button that opens its menu. Its name is what is seen of it, with the words that a picture can do without. */
export function NodeCard(props: NodeCardProps): ComponentChild {
  const { node, at, place, layout, selected, open, onOpen, buttonRef } = props;
  const look = nodeLook(node, at);
  const { card, compact } = layout;
  const { status } = node;
  const alarms = nodeAlarms(node);
  return (
    <button
      ref={buttonRef}
      type="button"
      class={`node-card role-${look.role}${look.stale ? " stale" : ""}${selected ? " selected" : ""}`}
      data-testid={`node-${node.id}`}
      data-role={look.role}
      aria-haspopup="dialog"
      aria-expanded={open}
      title={alarms[0] ?? node.reason ?? look.note ?? undefined}
      style={{
        left: `${place.x - card.width / 2}px`,
        top: `${place.y - card.height / 2}px`,
        width: `${card.width}px`,
        height: `${card.height}px`,
      }}
      onClick={onOpen}
    >
      <span class="node-head">
        <span class="visually-hidden">Node </span>
        <span class="node-id">{node.id}</span>
        <span class="visually-hidden">: </span>
        <span class="node-role">
          <span class="node-title">
            <Icon name={iconOf(look.role)} />
            {look.title}
          </span>
          <span class="visually-hidden">, </span>
          {alarms.length > 0 ? (
            <span class="node-note node-alarm" data-testid={`alarm-${node.id}`}>
              {alarms.join("; ")}
            </span>
          ) : look.note === null ? (
            <span class="node-phase">
              {status === null ? "" : compact ? status.phase : phaseText(status.phase)}
            </span>
          ) : (
            <span class="node-note">{look.note}</span>
          )}
        </span>
      </span>
      <span class="node-facts">
        <span class="visually-hidden">, {look.stale ? "last heard: " : ""}</span>
        <span>
          <span class="fact-name">ballot </span>
          <span class="fact-value">{status === null ? "–" : ballotText(status.promise)}</span>
        </span>
        <span class="visually-hidden">, </span>
        <span>
          <span class="fact-name">decided </span>
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
