import type { ComponentChild, Ref } from "preact";
import { Icon } from "./icons.tsx";
import type { LinkLook } from "./link-look.ts";
import type { LinkPlace } from "./ring-layout.ts";

interface LinkButtonProps {
  readonly place: LinkPlace;
  readonly look: LinkLook;
  readonly open: boolean;
  readonly onOpen: () => void;
  readonly buttonRef: Ref<HTMLButtonElement>;
}

/** The label in the middle of a link; a button that opens its menu. What is seen of it is part of its name. */
export function LinkButton(props: LinkButtonProps): ComponentChild {
  const { place, look, open, onOpen, buttonRef } = props;
  return (
    <button
      ref={buttonRef}
      type="button"
      class={`link-button link-button-${look.state}`}
      data-testid={`link-${place.a}-${place.b}`}
      data-state={look.state}
      aria-haspopup="dialog"
      aria-expanded={open}
      title={look.spoken}
      style={{ left: `${place.label.x}px`, top: `${place.label.y}px` }}
      onClick={onOpen}
    >
      {look.state === "broken" || look.state === "oneWay" ? <Icon name="broken" /> : null}
      <span class="link-label">
        {look.label.map((line, i) => (
          <span key={i}>{line}</span>
        ))}
      </span>
      <span class="visually-hidden">. {look.spoken}</span>
    </button>
  );
}
