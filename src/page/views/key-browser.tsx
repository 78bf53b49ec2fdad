import type { ComponentChild } from "preact";
import { useRef, useState } from "preact/hooks";
import type { ClusterView } from "../cluster-view.ts";
import type { PageActions, ReadMode, Through } from "../page-actions.ts";
import { readablePrefixes, whyNotPrefix } from "../rights.ts";
import { formatCount } from "./format.ts";
import { KeyTree } from "./key-tree.tsx";
import { TaskResult } from "./task-result.tsx";
import { useTask } from "./use-task.ts";

interface KeyBrowserProps {
  readonly view: ClusterView;
  readonly through: Through;
  readonly mode: ReadMode;
  /** Grows when keys may have come or gone. */
  readonly changes: number;
  readonly actions: PageActions;
  /** The key that is edited. */
  readonly shown: string;
  readonly onPick: (key: string) => void;
}

/** All keys as a tree, or those that begin with something. */
export function KeyBrowser(props: KeyBrowserProps): ComponentChild {
  const { view, through, mode, changes, actions, shown, onPick } = props;
  const [typed, setTyped] = useState("");
  const [prefix, setPrefix] = useState("");
  const [asked, setAsked] = useState(0);
  const whyNever = whyNotAllowed(view, prefix);
  const whyNotNow = canAnswer(view) ? null : "No node can be asked now";
  const whyNotAsk = whyNever ?? whyNotNow;
  // The list stays, with the opened folders, until a node can be asked again.
  const listed = useRef(false);
  listed.current = whyNever === null && (listed.current || whyNotNow === null);
  return (
    <div class="keys-column key-browser">
      <form
        class="key-row"
        onSubmit={(event) => {
          event.preventDefault();
          setPrefix(typed);
          setAsked(asked + 1);
        }}
      >
        <label class="field">
          <span>Keys that begin with</span>
          <input
            type="text"
            data-testid="prefix-input"
            value={typed}
            placeholder="anything"
            autocomplete="off"
            autocapitalize="none"
            spellcheck={false}
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
        </label>
        <button type="submit" class="button" data-testid="list-button">
          List
        </button>
      </form>
      {listed.current ? (
        <div class={`key-tree${whyNotNow === null ? "" : " past"}`} data-testid="key-list">
          {whyNotNow === null ? null : (
            <p class="hint key-note" data-testid="keys-past">
              {whyNotNow}: these are from before.
            </p>
          )}
          <KeyTree
            key={prefix}
            prefix={prefix}
            through={through}
            mode={mode}
            epoch={`${changes} ${asked}`}
            hasLeader={view.leader !== null}
            actions={actions}
            shown={shown}
            onPick={onPick}
          />
        </div>
      ) : (
        <p class="hint" data-testid="not-asked">
          {whyNotAsk}.
          {readablePrefixes(view.who).map((readable) => (
            <button
              key={readable}
              type="button"
              class="button small"
              data-testid="readable-prefix"
              onClick={() => {
                setTyped(readable);
                setPrefix(readable);
              }}
            >
              {readable}
            </button>
          ))}
        </p>
      )}
      <KeyCount {...props} prefix={prefix} why={whyNotAsk} />
    </div>
  );
}

interface KeyCountProps extends Pick<KeyBrowserProps, "view" | "through" | "mode" | "actions"> {
  readonly prefix: string;
  /** Why they cannot be counted now; null: they can. */
  readonly why: string | null;
}

function KeyCount({ view, through, mode, actions, prefix, why }: KeyCountProps): ComponentChild {
  const count = useTask();
  return (
    <div class="key-count">
      <button
        type="button"
        class="button small"
        data-testid="count-button"
        disabled={why !== null || count.doing !== null}
        title={why ?? "Looks at every one of them"}
        onClick={() =>
          count.run("counting…", async () => {
            const keys = await actions.countKeys(through, mode, prefix);
            const what = prefix === "" ? "" : ` begin with ${prefix}`;
            return `${formatCount(keys)} ${keys === 1 ? "key" : "keys"}${what}`;
          })
        }
      >
        Count
      </button>
      <TaskResult task={count} testId="count-result" idle={totalText(view)} />
    </div>
  );
}

/** Null: the user may see the keys. */
function whyNotAllowed({ needsSecret, who }: ClusterView, prefix: string): string | null {
  return whyNotPrefix(who, prefix) ?? (needsSecret === "no" ? null : "The secret is wanted first");
}

/** A node that does not let this page manage it answers about keys all the same. */
function canAnswer({ nodes }: ClusterView): boolean {
  return nodes.some(({ reach, code }) => reach === "live" || code === "FORBIDDEN");
}

/** The number that a node tells at no cost; counting looks at every key. */
function totalText({ nodes, leader }: ClusterView): string {
  const status = nodes.find(({ id, reach }) => id === leader && reach === "live")?.status;
  return status === undefined || status === null ? "" : `${formatCount(status.keys)} in all`;
}
