import type { ComponentChild } from "preact";
import { useState } from "preact/hooks";
import { isNamedScenario, NAMED_SCENARIOS } from "../../scenarios/index.ts";
import type { ClusterView } from "../cluster-view.ts";
import type { PageActions } from "../page-actions.ts";
import { capitalised } from "./format.ts";
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
  return (
    <section class="card scenarios-card" aria-labelledby="scenarios-title">
      <div class="card-head">
        <h2 id="scenarios-title">Scenarios</h2>
        <p class="hint">{why ?? "Each first heals, then cuts."}</p>
      </div>
      <div class="scenarios">
        {NAMES.map((name) => (
          <button
            key={name}
            type="button"
            class="scenario"
            data-testid={`scenario-${name}`}
            disabled={why !== null || task.doing !== null}
            onClick={() => task.run(`${name}…`, () => actions.runScenario(name))}
          >
            <span class="scenario-name">{name}</span>
            <span class="scenario-text">{NAMED_SCENARIOS[name]}</span>
          </button>
        ))}
      </div>
      <Partition why={why} actions={actions} task={task} />
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
      >
        Partition
      </button>
    </form>
  );
}

/** Null: they can be run. */
function whyNot({ faultsAllowed, nodes }: ClusterView): string | null {
  if (!faultsAllowed) return "Read-only: the servers run without --allow-faults.";
  return nodes.length < 3 ? "A scenario takes at least 3 nodes." : null;
}
