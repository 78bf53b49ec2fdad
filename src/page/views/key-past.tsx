import type { ComponentChild } from "preact";
import { useEffect, useState } from "preact/hooks";
import { isMixed } from "../key-draft.ts";
import type { ShownHistory, ShownVersion } from "../page-actions.ts";
import { formatCount } from "./format.ts";
import { TaskResult } from "./task-result.tsx";
import { useTask } from "./use-task.ts";

interface KeyPastProps {
  readonly name: string;
  /** The revision at which the key was last seen to change; null: it was not seen. A change makes the page ask again for what it shows. */
  readonly revision: number | null;
  /** Why it cannot be asked for; null: it can. */
  readonly why: string | null;
  readonly onAsk: (key: string) => Promise<ShownHistory>;
  /** What stands in the editor and is not saved; null: nothing. */
  readonly unsaved: string | null;
  /** An old value is to be edited, and saved if one likes. */
  readonly onTake: (text: string) => void;
}

/** What the key was before, as far back as it is kept. Of another key nothing of it stays: see its `key` where it is used. */
export function KeyPast(props: KeyPastProps): ComponentChild {
  const { name, revision, why, onAsk } = props;
  const [past, setPast] = useState<ShownHistory | null>(null);
  const task = useTask();
  const ask = (): void =>
    task.run("asking…", async () => {
      const told = await onAsk(name);
      setPast(told);
      return summary(told);
    });
  useEffect(() => {
    if (past !== null && why === null) ask();
    // The page asks again when the key changed, and not because an answer came.
  }, [revision]);
  return (
    <details class="cas">
      <summary data-testid="history-open">History</summary>
      <div class="key-count">
        <button
          type="button"
          class="button small"
          data-testid="history-button"
          disabled={why !== null || task.doing !== null}
          title={why ?? undefined}
          onClick={ask}
        >
          {past === null ? "Show what it was" : "Show again"}
        </button>
        <TaskResult task={task} testId="history-result" idle="" />
      </div>
      {past === null || past.versions.length === 0 ? null : (
        <ol class="versions" data-testid="history-list" tabIndex={0}>
          {past.versions.map((version) => (
            <Version
              key={version.revision}
              version={version}
              isUnsaved={isOwn(props.unsaved, past)}
              onTake={props.onTake}
            />
          ))}
        </ol>
      )}
    </details>
  );
}

function summary({ versions, more }: ShownHistory): string {
  if (versions.length === 0) return "nothing is kept";
  const count = `${versions.length} ${versions.length === 1 ? "version" : "versions"}`;
  return more ? `the last ${count}` : `${count}, all that is kept`;
}

/** What was typed, and is none of the versions: it would be lost if one of them took its place. */
function isOwn(unsaved: string | null, { versions }: ShownHistory): boolean {
  return unsaved !== null && !versions.some(({ value }) => value?.text === unsaved);
}

interface VersionProps {
  readonly version: ShownVersion;
  readonly isUnsaved: boolean;
  readonly onTake: (text: string) => void;
}

function Version({
  version: { revision, version, value },
  isUnsaved,
  onTake,
}: VersionProps): ComponentChild {
  const at = `revision ${revision}`;
  if (value === null) {
    return (
      <li>
        <span class="result-more">{at}: deleted</span>
      </li>
    );
  }
  const { text, hex } = value;
  return (
    <li>
      <span class="result-more">
        {at}, version {formatCount(version)}
      </span>
      <code class="result-value" tabIndex={0}>
        {text === "" ? "(empty)" : (text ?? `0x${hex}`)}
      </code>
      {text === null || isMixed(text) ? null : (
        <TakeButton isUnsaved={isUnsaved} onTake={() => onTake(text)} />
      )}
    </li>
  );
}

/** Asks first, in its own place, when something would be lost. */
function TakeButton({
  isUnsaved,
  onTake,
}: {
  readonly isUnsaved: boolean;
  readonly onTake: () => void;
}): ComponentChild {
  const [asked, setAsked] = useState(false);
  const asks = asked && isUnsaved;
  const take = (): void => {
    setAsked(isUnsaved && !asks);
    if (!isUnsaved || asks) onTake();
  };
  return (
    <button
      type="button"
      class={`button small${asks ? " danger" : ""}`}
      onClick={take}
      onBlur={() => setAsked(false)}
    >
      {asks ? "Replace what you typed?" : "Edit this value"}
    </button>
  );
}
