import type { ComponentChild } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { ClusterView } from "../cluster-view.ts";

interface SecretDialogProps {
  readonly needs: ClusterView["needsSecret"];
  readonly onGive: (secret: string) => void;
  /** Where access control is on, users need no secret. */
  readonly onSignIn: () => void;
}

/** Asks for the cluster's secret. It is kept in the page's memory only, and forgotten here once it was given. */
export function SecretDialog({ needs, onGive, onSignIn }: SecretDialogProps): ComponentChild {
  const dialog = useRef<HTMLDialogElement>(null);
  const [secret, setSecret] = useState("");
  const wanted = needs !== "no";
  useLayoutEffect(() => {
    if (wanted) dialog.current?.showModal();
  }, [wanted]);
  if (!wanted) return null;
  return (
    <dialog
      ref={dialog}
      class="secret-dialog"
      aria-labelledby="secret-title"
      onCancel={(event) => event.preventDefault()}
    >
      <form
        autocomplete="off"
        onSubmit={(event) => {
          event.preventDefault();
          if (secret === "") return;
          onGive(secret);
          setSecret("");
        }}
      >
        <h2 id="secret-title">This cluster has a secret</h2>
        <p>Without it the nodes tell nothing. It stays in this page’s memory, and is not sent.</p>
        <input
          type="password"
          data-testid="secret-input"
          aria-label="Secret"
          autocomplete="off"
          autofocus
          value={secret}
          onInput={(event) => setSecret(event.currentTarget.value)}
        />
        <p class="secret-wrong" role="alert" data-testid="secret-wrong">
          {needs === "wrong" ? "The nodes refused that secret." : ""}
        </p>
        <button type="submit" class="button primary" disabled={secret === ""}>
          Connect
        </button>
        <button type="button" class="button quiet" data-testid="as-user" onClick={onSignIn}>
          Sign in as a user instead
        </button>
      </form>
    </dialog>
  );
}
