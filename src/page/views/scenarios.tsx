import type { ComponentChild } from "preact";
import { useState } from "preact/hooks";
import { isNamedScenario, NAMED_SCENARIOS, planScenario } from "../../client/scenarios/index.ts";
import type { ClusterView } from "../cluster-view.ts";
import type { PageActions } from "../page-actions.ts";
import { capitalised } from "./format.ts";
import { LoadSwitch } from "./load-switch.tsx";
import { raftNote } from "./raft-note.ts";
import { readOnlyText } from "./read-only.ts";
import { ScenarioPicture } from "./scenario-picture.tsx";
import { TaskResult } from "./task-result.tsx";
import { TextField } from "./text-field.tsx";
import type { Task } from "./use-task.ts";

interface ScenariosProps {
  readonly view: ClusterView;
  readonly actions: PageActions;
  readonly task: Task;
}

const NAMES = Object.keys(NAMED_SCENARIOS).filter(isNamedScenario);

export function Scenarios({ view, actions, task }: ScenariosProps): ComponentChild {
  const why = whyNot(view);
  const ids = view.nodes.map(({ id }) => id);
  // Without a leader the pictures show the scenario for an assumed one.
  const leader = view.leader ?? ids[0] ?? 1;
  return (
    <section class="card scenarios-card" aria-labelledby="scenarios-title">
      <div class="card-head">
        <h2 id="scenarios-title">Scenarios</h2>
        <p class="hint">
          {why ?? "Each first heals, then breaks links."}{" "}
          <a href="/lab.txt" target="_blank" rel="noopener">
            What they show
          </a>
        </p>
      </div>
      <LoadSwitch view={view} actions={actions} />
      <div class="scenarios">
        {NAMES.map((name) => {
          const scenario = ids.length < 3 ? null : planScenario(name, { nodes: ids, leader });
          const raft = scenario === null ? null : raftNote(scenario, ids.length, leader);
          return (
            <button
              key={name}
              type="button"
              class="scenario"
              data-testid={`scenario-${name}`}
              disabled={why !== null || task.doing !== null}
              title={why ?? undefined}
              onClick={() => task.run(`${name}…`, () => actions.runScenario(name))}
            >
              {scenario === null ? null : (
                <ScenarioPicture nodes={ids} leader={leader} scenario={scenario} />
              )}
              <span class="scenario-name">{name}</span>
              <span class="scenario-text">{NAMED_SCENARIOS[name]}</span>
              {raft === null ? null : <span class="scenario-raft">{raft}</span>}
            </button>
          );
        })}
      </div>
      <p class="hint picture-key">
        <span>
          <KeyDot style="picture-leader" /> leads before
        </span>
        <span>
          <KeyDot style="picture-able" /> can lead then
        </span>
      </p>
      <Partition why={whyNotPart(view)} actions={actions} task={task} />
      <TaskResult
        task={{
          ...task,
          outcome:
            task.outcome === null
              ? null
              : {
                  ok: task.outcome.ok,
                  text: task.outcome.ok ? `${capitalised(task.outcome.text)}.` : task.outcome.text,
                },
        }}
        testId="scenario-result"
        idle="What was done, and who can lead then, is said here."
      />
    </section>
  );
}

function KeyDot({ style }: { readonly style: string }): ComponentChild {
  return (
    <svg width="14" height="14" viewBox="0 0 14 14" aria-hidden="true">
      <circle class={style} cx="7" cy="7" r="5" />
    </svg>
  );
}

interface PartitionProps {
  readonly why: string | null;
  readonly actions: PageActions;
  readonly task: Task;
}

function Partition({ why, actions, task }: PartitionProps): ComponentChild {
  const [groups, setGroups] = useState("");
  return (
    <form
      class="partition"
      onSubmit={(event) => {
        event.preventDefault();
        task.run("partition…", () => actions.partition(groups));
      }}
    >
      <TextField
        label="Groups that do not hear each other"
        testId="partition-input"
        value={groups}
        placeholder="1,2 | 3"
        onValue={setGroups}
      />
      <button
        type="submit"
        class="button"
        data-testid="partition-button"
        disabled={why !== null || task.doing !== null || groups.trim() === ""}
        title={why ?? (groups.trim() === "" ? "Name the groups first" : undefined)}
      >
        Partition
      </button>
    </form>
  );
}

/** Null: they can be run. */
function whyNot(view: ClusterView): string | null {
  const why = whyNotPart(view);
  if (why !== null) return why;
  return view.leader === null ? "Nobody leads: heal all links first." : null;
}

function whyNotPart(view: ClusterView): string | null {
  return (
    readOnlyText(view) ?? (view.nodes.length < 3 ? "A scenario takes at least 3 nodes." : null)
  );
}
