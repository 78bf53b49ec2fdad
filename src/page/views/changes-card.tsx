import type { ComponentChild } from "preact";
import { useState } from "preact/hooks";
import type { PageActions } from "../page-actions.ts";
import { formatCount } from "./format.ts";
import { OnOff } from "./on-off.tsx";
import { TextField } from "./text-field.tsx";
import { useTail, type Tail } from "./use-tail.ts";

/** Changes of keys as they happen. Off at first: it is one more connection, and not every user wants to see the writes. */
export function ChangesCard({ actions }: { readonly actions: PageActions }): ComponentChild {
  const [prefix, setPrefix] = useState("");
  const [isOn, setOn] = useState(false);
  const tail = useTail(actions, null, prefix, isOn);
  return (
    <section class="card changes-card" aria-labelledby="changes-title">
      <div class="card-head">
        <h2 id="changes-title">Changes</h2>
        <OnOff label="Whether changes are shown" name="changes" isOn={isOn} onChange={setOn} />
      </div>
      <TextField
        label="of keys that begin with"
        testId="changes-prefix"
        value={prefix}
        placeholder="all keys"
        onValue={setPrefix}
      />
      <p class={tail.trouble === null ? "hint" : "hint load-trouble"} data-testid="changes-state">
        {stateText(tail, isOn)}
      </p>
      {tail.changes.length === 0 ? null : (
        <div class="operations">
          <ol data-testid="changes" tabIndex={0}>
            {tail.changes.map(({ revision, kind, key, value }) => (
              <li key={`${revision} ${key}`}>
                <span class="op-what">
                  {key}
                  {kind === "put" ? ` = ${value ?? ""}` : ""}
                </span>
                <span class="op-outcome">{kind === "put" ? "" : "deleted"}</span>
                <span class="op-where">revision {revision}</span>
              </li>
            ))}
          </ol>
        </div>
      )}
    </section>
  );
}

function stateText({ from, count, trouble }: Tail, isOn: boolean): string {
  if (trouble !== null) return `It has ended: ${trouble}`;
  if (!isOn) return "Each change as it happens, in order, from whichever node can tell it.";
  if (from === null) return "asking for a node…";
  return count === 0 ? `none yet, from revision ${from} on` : `${formatCount(count)} so far`;
}
