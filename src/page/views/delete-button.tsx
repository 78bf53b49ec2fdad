import type { ComponentChild } from "preact";
import { useState } from "preact/hooks";

interface DeleteButtonProps {
  readonly name: string;
  /** Why it cannot be done now; null: it can. */
  readonly why: string | null;
  readonly onDelete: () => void;
}

/** Asks first: what is deleted does not come back. */
export function DeleteButton({ name, why, onDelete }: DeleteButtonProps): ComponentChild {
  const [asks, setAsks] = useState(false);
  if (!asks) {
    return (
      <button
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
    <div class="asks" role="alert">
      <p>
        Delete <code>{name}</code>? It does not come back.
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
      <button type="button" class="button small" onClick={() => setAsks(false)}>
        Keep it
      </button>
    </div>
  );
}
