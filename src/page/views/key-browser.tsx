import type { ComponentChild } from "preact";
import { useState } from "preact/hooks";
import type { PageActions } from "../page-actions.ts";
import { TaskResult } from "./task-result.tsx";
import { useTask } from "./use-task.ts";

interface KeyBrowserProps {
  readonly node: number;
  readonly actions: PageActions;
  readonly onPick: (key: string) => void;
}

interface Listed {
  readonly node: number;
  readonly prefix: string;
  readonly keys: readonly string[];
  readonly more: boolean;
  readonly unreadable: number;
}

/** Keys by prefix, as the chosen node has them. */
export function KeyBrowser({ node, actions, onPick }: KeyBrowserProps): ComponentChild {
  const [prefix, setPrefix] = useState("");
  const [listed, setListed] = useState<Listed | null>(null);
  const task = useTask();
  const list = (before: Listed | null): void => {
    const asked = before ?? { node, prefix, keys: [], more: false, unreadable: 0 };
    task.run("asking…", async () => {
      const answer = await actions.keys(asked.node, asked.prefix, asked.keys.at(-1) ?? null);
      const keys = [...asked.keys, ...answer.keys];
      const unreadable = asked.unreadable + answer.unreadable;
      setListed({ ...asked, keys, unreadable, more: answer.more });
      return keys.length === 0 ? `node ${asked.node} has no such keys` : null;
    });
  };
  return (
    <div class="key-browser">
      <form
        class="key-browser-form"
        onSubmit={(event) => {
          event.preventDefault();
          list(null);
        }}
      >
        <label class="field">
          <span>Browse keys that begin with</span>
          <input
            type="text"
            data-testid="prefix-input"
            value={prefix}
            placeholder="any"
            autocomplete="off"
            autocapitalize="none"
            spellcheck={false}
            onInput={(event) => setPrefix(event.currentTarget.value)}
          />
        </label>
        <button type="submit" class="button" data-testid="list-button">
          List
        </button>
      </form>
      <TaskResult task={task} testId="list-result" />
      {listed === null || listed.keys.length === 0 ? null : (
        <div class="key-list">
          <p class="hint">
            {listed.keys.length}
            {listed.more ? "+" : ""} keys of node {listed.node}
            {listed.unreadable > 0 ? `, and ${listed.unreadable} that are no text` : ""}
          </p>
          <ul data-testid="key-list">
            {listed.keys.map((key) => (
              <li key={key}>
                <button type="button" onClick={() => onPick(key)}>
                  {key === "" ? "(empty key)" : key}
                </button>
              </li>
            ))}
          </ul>
          {listed.more ? (
            <button
              type="button"
              class="button small"
              data-testid="more-keys"
              onClick={() => list(listed)}
            >
              More
            </button>
          ) : null}
        </div>
      )}
    </div>
  );
}
