import type { ComponentChild } from "preact";
import type { LoadView } from "../../client/scenarios/index.ts";
import type { ClusterView } from "../cluster-view.ts";
import type { PageActions } from "../page-actions.ts";
import { formatCount } from "./format.ts";
import { readOnlyText } from "./read-only.ts";
import { Segmented } from "./segmented.tsx";

interface LoadSwitchProps {
  readonly view: ClusterView;
  readonly actions: PageActions;
}

const RATES = [0, 5, 20, 100];

/** Writes at a steady rate: on an idle cluster a scenario is nothing to look at. */
export function LoadSwitch({ view, actions }: LoadSwitchProps): ComponentChild {
  const { load } = view;
  const why = readOnlyText(view);
  return (
    <div class="load">
      <div class="load-head">
        <span class="load-title">Writes a second</span>
        <Segmented
          label="Writes a second that this page makes"
          name="load"
          value={String(load.perSecond)}
          choices={RATES.map((rate) => [String(rate), rate === 0 ? "off" : String(rate)] as const)}
          disabled={why !== null}
          onChange={(rate) => actions.setLoad(Number(rate))}
        />
      </div>
      <p
        class={load.trouble === null ? "hint" : "hint load-trouble"}
        data-testid="load-result"
        title={load.trouble ?? undefined}
      >
        {why ?? loadText(load)}
      </p>
    </div>
  );
}

/** "340 answered, 2 failed, 12 wait". */
function loadText(load: LoadView): string {
  const { perSecond, answered, failed, waiting, heldBack, trouble } = load;
  if (perSecond === 0 && answered + failed === 0) {
    return "Turn it on first: without writes a broken link breaks nothing. Keys: load/0 to load/49.";
  }
  const words = [`${formatCount(answered)} answered`];
  if (failed > 0) words.push(`${formatCount(failed)} failed`);
  if (heldBack > 0) words.push(`${formatCount(heldBack)} not begun`);
  if (waiting > 0) words.push(waiting === 1 ? "1 waits" : `${formatCount(waiting)} wait`);
  return `${words.join(", ")}${trouble === null ? "" : `: ${trouble}`}`;
}
