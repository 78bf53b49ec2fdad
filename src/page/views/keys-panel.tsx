import type { ComponentChild } from "preact";
import { useState } from "preact/hooks";
import type { ClusterView } from "../cluster-view.ts";
import type { PageActions } from "../page-actions.ts";
import { KeyBrowser } from "./key-browser.tsx";
import { KeyForm } from "./key-form.tsx";
import { readOutcome } from "./operation-text.ts";
import { nodeLook } from "./node-look.ts";
import { OperationResult, OperationsList } from "./operations-list.tsx";
import { Segmented } from "./segmented.tsx";
import { useOperations } from "./use-operations.ts";

interface KeysPanelProps {
  readonly view: ClusterView;
  readonly actions: PageActions;
}

type ReadMode = "linearizable" | "local";

export function KeysPanel({ view, actions }: KeysPanelProps): ComponentChild {
  const [node, setNode] = useState(view.self);
  const [mode, setMode] = useState<ReadMode>("linearizable");
  const [key, setKey] = useState("");
  const operations = useOperations();
  const read = (wanted: string): void => {
    const what = `read ${wanted}${mode === "local" ? " (local)" : ""}`;
    operations.begin(node, what, async () => readOutcome(await actions.read(node, wanted, mode)));
  };
  return (
    <section class="card keys-card" aria-labelledby="keys-title">
      <div class="card-head">
        <h2 id="keys-title">Keys</h2>
      </div>
      <div class="keys-columns">
        <div class="keys-column">
          <div class="keys-where">
            <label class="field">
              <span>Through</span>
              <select
                data-testid="node-select"
                value={String(node)}
                onChange={(event) => setNode(Number(event.currentTarget.value))}
              >
                {view.nodes.map((each) => (
                  <option key={each.id} value={String(each.id)}>
                    node {each.id} ({nodeLook(each, view.at).title})
                  </option>
                ))}
              </select>
            </label>
            <div class="field">
              <span>Reads</span>
              <Segmented
                label="Consistency of reads"
                name="read"
                value={mode}
                choices={[
                  ["linearizable", "linearizable"],
                  ["local", "local"],
                ]}
                onChange={setMode}
              />
            </div>
          </div>
          <KeyForm
            node={node}
            keyText={key}
            onKey={setKey}
            onRead={() => read(key)}
            actions={actions}
            operations={operations}
          />
          <OperationResult operation={operations.list[0]} />
        </div>
        <div class="keys-column">
          <KeyBrowser
            node={node}
            actions={actions}
            onPick={(picked) => {
              setKey(picked);
              read(picked);
            }}
          />
          <OperationsList list={operations.list} />
        </div>
      </div>
    </section>
  );
}
