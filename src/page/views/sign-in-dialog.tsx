import type { ComponentChild } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

interface SignInDialogProps {
  /** Rejects with an error whose message can be shown. */
  readonly onSignIn: (user: string, password: string) => Promise<void>;
  readonly onClose: () => void;
}

/** Asks for a user and a password. Both are kept in the page's memory only, and forgotten here once they were right. */
export function SignInDialog({ onSignIn, onClose }: SignInDialogProps): ComponentChild {
  const dialog = useRef<HTMLDialogElement>(null);
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  const [asking, setAsking] = useState(false);
  const [wrong, setWrong] = useState("");
  useLayoutEffect(() => dialog.current?.showModal(), []);
  const submit = async (): Promise<void> => {
    setAsking(true);
    setWrong("");
    try {
      await onSignIn(user, password);
      onClose();
    } catch (error) {
      setWrong(error instanceof Error ? error.message : String(error));
      setPassword("");
      setAsking(false);
    }
  };
  return (
    <dialog
      ref={dialog}
      class="secret-dialog"
      aria-labelledby="sign-in-title"
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <form
        autocomplete="off"
        onSubmit={(event) => {
          event.preventDefault();
          if (user !== "" && password !== "" && !asking) void submit();
        }}
      >
        <h2 id="sign-in-title">Sign in</h2>
        <p>
          {location.protocol === "https:"
            ? "The password stays in this page’s memory, and goes to the nodes over TLS."
            : "The password stays in this page’s memory, and goes to the nodes as it is: this page is not in TLS."}
        </p>
        <label class="field">
          <span>User</span>
          <input
            type="text"
            data-testid="user-input"
            autocomplete="off"
            autocapitalize="none"
            spellcheck={false}
            autofocus
            value={user}
            onInput={(event) => setUser(event.currentTarget.value)}
          />
        </label>
        <label class="field">
          <span>Password</span>
          <input
            type="password"
            data-testid="password-input"
            autocomplete="off"
            value={password}
            onInput={(event) => setPassword(event.currentTarget.value)}
          />
        </label>
        <p class="secret-wrong" role="alert" data-testid="sign-in-wrong">
          {wrong}
        </p>
        <button
          type="submit"
          class="button primary"
          data-testid="sign-in-submit"
          disabled={user === "" || password === "" || asking}
        >
          {asking ? "Signing in…" : "Sign in"}
        </button>
        <button type="button" class="button quiet" onClick={onClose}>
          Cancel
        </button>
      </form>
    </dialog>
  );
}
