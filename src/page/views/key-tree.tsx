import type { ComponentChild } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { joinedLevels, type KeyItem, type KeyLevel, type ShownLevel } from "../key-level.ts";
import type { PageActions, ReadMode, Through } from "../page-actions.ts";
import { Icon } from "./icons.tsx";
import { formatCount } from "./format.ts";
import { failureText } from "./operation-text.ts";

interface KeyTreeProps {
  readonly prefix: string;
  readonly through: Through;
  readonly mode: ReadMode;
  /** The tree is listed anew when this changes. */
  readonly epoch: string;
  readonly hasLeader: boolean;
  readonly actions: PageActions;
  /** The key that is edited. */
  readonly shown: string;
  readonly onPick: (key: string) => void;
}

/** One level of the tree of keys; folders that are opened are trees of their own. */
export function KeyTree(props: KeyTreeProps): ComponentChild {
  const { shown, onPick } = props;
  const { level, asking, failure, more, first } = useLevel(props);
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const toggle = (folder: string): void => {
    const next = new Set(open);
    if (!next.delete(folder)) next.add(folder);
    setOpen(next);
  };
  return (
    <>
      {level === null || level.gone === 0 ? null : (
        <p class="hint key-note">
          {formatCount(level.gone)} before these{" "}
          <button
            type="button"
            class="button small"
            data-testid="first-keys"
            disabled={asking}
            onClick={first}
          >
            To the first
          </button>
        </p>
      )}
      {level === null ? null : (
        <ul>
          {level.items.map((item) =>
            item.kind === "key" ? (
              <li key={`k${item.key}`}>
                <KeyRow item={item} chosen={item.key === shown} onPick={onPick} />
              </li>
            ) : (
              <li key={`f${item.prefix}`}>
                <button
                  type="button"
                  class="key-row-button key-folder"
                  aria-expanded={open.has(item.prefix)}
                  onClick={() => toggle(item.prefix)}
                >
                  <Icon name={open.has(item.prefix) ? "opened" : "folded"} />
                  <span class="key-name">{item.name}</span>
                </button>
                {open.has(item.prefix) ? <KeyTree {...props} prefix={item.prefix} /> : null}
              </li>
            ),
          )}
        </ul>
      )}
      {failure === null ? null : <p class="task-failed key-note">{failure}</p>}
      {level === null || level.items.length > 0 ? null : <p class="hint key-note">No such keys.</p>}
      {level === null || level.unreadable === 0 ? null : (
        <p class="hint key-note">and {formatCount(level.unreadable)} whose names are no text</p>
      )}
      {level?.resume === null || level === null ? null : (
        <button
          type="button"
          class="button small key-note"
          data-testid="more-keys"
          disabled={asking}
          onClick={more}
        >
          More
        </button>
      )}
    </>
  );
}

interface KeyRowProps {
  readonly item: KeyItem & { readonly kind: "key" };
  readonly chosen: boolean;
  readonly onPick: (key: string) => void;
}

function KeyRow({ item, chosen, onPick }: KeyRowProps): ComponentChild {
  const { key, name, modRevision } = item;
  return (
    <button
      type="button"
      class={chosen ? "key-row-button chosen" : "key-row-button"}
      aria-current={chosen}
      title={key}
      onClick={() => onPick(key)}
    >
      <span class="key-name">{name === "" ? "(no more)" : name}</span>
      <span class="key-revision">revision {modRevision}</span>
    </button>
  );
}

interface LevelState {
  readonly level: ShownLevel | null;
  readonly asking: boolean;
  readonly failure: string | null;
  readonly more: () => void;
  readonly first: () => void;
}

/** Lists at once, and anew when something changed; the old list stays until the answer comes. */
function useLevel(props: KeyTreeProps): LevelState {
  const { prefix, through, mode, epoch, hasLeader, actions } = props;
  const [level, setLevel] = useState<ShownLevel | null>(null);
  const [asking, setAsking] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const latest = useRef(0);
  const ask = useCallback(
    (before: ShownLevel | null): void => {
      latest.current += 1;
      const own = latest.current;
      const end = (then: () => void): void => {
        if (own !== latest.current) return;
        setAsking(false);
        then();
      };
      const listed = (page: KeyLevel): void =>
        end(() => {
          setFailure(null);
          setLevel(before === null ? { ...page, gone: 0 } : joinedLevels(before, page));
        });
      const failed = (error: unknown): void => end(() => setFailure(failureText(error)));
      setAsking(true);
      actions.keyLevel(through, mode, prefix, before?.resume ?? null).then(listed, failed);
    },
    [actions, through, mode, prefix],
  );
  useEffect(() => ask(null), [ask, epoch]);
  useEffect(() => {
    if (hasLeader && failure !== null) ask(null);
    // The page tries a failed list again when a leader comes, and not whenever it fails.
  }, [hasLeader]);
  useEffect(
    () => () => {
      latest.current += 1;
    },
    [],
  );
  return { level, asking, failure, more: () => ask(level), first: () => ask(null) };
}
