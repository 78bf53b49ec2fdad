import type { ComponentChild } from "preact";
import { useState } from "preact/hooks";
import type { ClusterView } from "../cluster-view.ts";
import {
  afterFailedRead,
  afterRead,
  chosen,
  EMPTY_DRAFT,
  isDirty,
  type Draft,
} from "../key-draft.ts";
import type { PageActions, ReadMode, Through } from "../page-actions.ts";
import { KeyBrowser } from "./key-browser.tsx";
import { KeyEditor } from "./key-editor.tsx";
import { nodeLook } from "./node-look.ts";
import { readOutcome } from "./operation-text.ts";
import { OperationResult, OperationsList } from "./operations-list.tsx";
import { Segmented } from "./segmented.tsx";
import { useOperations } from "./use-operations.ts";

interface KeysPanelProps {
  readonly view: ClusterView;
  readonly actions: PageActions;
}

export function KeysPanel({ view, actions }: KeysPanelProps): ComponentChild {
  const [through, setThrough] = useState<Through>(null);
  const [mode, setMode] = useState<ReadMode>("linearizable");
  const [draft, setDraft] = useState<Draft>(EMPTY_DRAFT);
  /** A key that was chosen while another one is changed and not saved. */
  const [wanted, setWanted] = useState<string | null>(null);
  /** The list of keys has changed: some came or went. */
  const [changes, setChanges] = useState(0);
  const operations = useOperations();
  const read = (key: string): void =>
    operations.begin(through, `read ${key}${mode === "local" ? " (local)" : ""}`, async () => {
      try {
        const answer = await actions.read(through, key, mode);
        setDraft((now) => afterRead(now, key, answer));
        return readOutcome(answer);
      } catch (error) {
        setDraft((now) => afterFailedRead(now, key));
        throw error;
      }
    });
  const choose = (key: string): void => {
    setWanted(null);
    setDraft(chosen(key));
    read(key);
  };
  return (
    <section class="card keys-card" aria-labelledby="keys-title">
      <div class="card-head">
        <h2 id="keys-title">Keys</h2>
        <ThroughFields
          view={view}
          through={through}
          mode={mode}
          onThrough={setThrough}
          onMode={setMode}
        />
      </div>
      <div class="keys-columns">
        <KeyBrowser
          view={view}
          through={through}
          mode={mode}
          changes={changes}
          actions={actions}
          shown={draft.key}
          onPick={(key) => {
            if (isDirty(draft) && draft.key !== key) setWanted(key);
            else choose(key);
          }}
        />
        <div class="keys-column">
          {wanted === null ? null : (
            <div class="asks" role="alert" data-testid="discard">
              <p>
                The value of <code>{draft.key === "" ? "no key yet" : draft.key}</code> is not
                saved.
              </p>
              <button
                type="button"
                class="button small danger"
                data-testid="discard-yes"
                onClick={() => choose(wanted)}
              >
                Discard it
              </button>
              <button type="button" class="button small" onClick={() => setWanted(null)}>
                Keep editing
              </button>
            </div>
          )}
          <KeyEditor
            who={view.who}
            through={through}
            draft={draft}
            onDraft={setDraft}
            onRead={() => read(draft.key)}
            onReload={() => choose(draft.key)}
            onHistory={(key) => actions.history(through, key, mode)}
            onChanged={() => setChanges((count) => count + 1)}
            actions={actions}
            operations={operations}
          />
          <OperationResult operation={operations.list[0]} />
          <OperationsList list={operations.list} />
        </div>
      </div>
    </section>
  );
}

interface ThroughFieldsProps {
  readonly view: ClusterView;
  readonly through: Through;
  readonly mode: ReadMode;
  readonly onThrough: (through: Through) => void;
  readonly onMode: (mode: ReadMode) => void;
}

const ANY = "any";

function ThroughFields(props: ThroughFieldsProps): ComponentChild {
  const { view, through, mode, onThrough, onMode } = props;
  return (
    <div class="keys-where">
      <label class="beside">
        <span>through</span>
        <select
          data-testid="node-select"
          value={through === null ? ANY : String(through)}
          onChange={({ currentTarget: { value } }) =>
            onThrough(value === ANY ? null : Number(value))
          }
        >
          <option value={ANY}>any node</option>
          {view.nodes.map((each) => (
            <option key={each.id} value={String(each.id)}>
              node {each.id} ({nodeLook(each, view.at).title})
            </option>
          ))}
        </select>
      </label>
      <div class="beside">
        <span>reads</span>
        <Segmented
          label="Consistency of reads"
          name="read"
          value={mode}
          choices={[
            ["linearizable", "linearizable"],
            ["local", "local"],
          ]}
          onChange={onMode}
        />
      </div>
    </div>
  );
}
