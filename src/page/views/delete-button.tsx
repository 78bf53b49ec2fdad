import type { ComponentChild } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

interface DeleteButtonProps {
  readonly name: string;
  /** Why it cannot be done now; null: it can. */
  readonly why: string | null;
  readonly onDelete: () => void;
}

/** Asks first: at best the history brings the key back. The keyboard's focus goes to the question, and afterwards back to the button. */
export function DeleteButton({ name, why, onDelete }: DeleteButtonProps): ComponentChild {
  const [asks, setAsks] = useState(false);
  const first = useRef<HTMLButtonElement>(null);
  const keep = useRef<HTMLButtonElement>(null);
  const asked = useRef(false);
  useLayoutEffect(() => {
    if (asks) keep.current?.focus({ preventScroll: true });
    else if (asked.current) first.current?.focus({ preventScroll: true });
    asked.current = asks;
  }, [asks]);
  if (!asks) {
    return (
      <button
        ref={first}
        type="button"
        class="button danger"
        data-testid="delete-button"
        disabled={why !== null}
        title={why ?? undefined}
        onClick={() => setAsks(true)}
      >
        Delete
      </button>
    );
  }
  return (
    <div
      class="asks"
      role="alert"
      onKeyDown={({ key }) => {
        if (key === "Escape") setAsks(false);
      }}
    >
      <p>
        Delete <code>{name}</code>? Only the history still has it, for a while.
      </p>
      <button
        type="button"
        class="button small danger"
        data-testid="delete-yes"
        onClick={() => {
          setAsks(false);
          onDelete();
        }}
      >
        Delete it
      </button>
      <button
        ref={keep}
        type="button"
        class="button small"
        data-testid="delete-no"
        onClick={() => setAsks(false)}
      >
        Keep it
      </button>
    </div>
  );
}
