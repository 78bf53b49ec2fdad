import type { ComponentChild } from "preact";
import type { ClusterView } from "../cluster-view.ts";
import { MarkList } from "./mark-list.tsx";

const SHOWN = 60;

/** The marks of the strips in words, the last first. */
export function EventsCard({ view }: { readonly view: ClusterView }): ComponentChild {
  return (
    <section class="card events-card" aria-labelledby="events-title">
      <div class="card-head">
        <h2 id="events-title">Events</h2>
        <p class="hint">of the last ten minutes</p>
      </div>
      {view.marks.length === 0 ? (
        <p class="hint">None yet: elections, crashes and changes of links are listed here.</p>
      ) : (
        <MarkList marks={view.marks.slice(-SHOWN).toReversed()} at={view.at} testId="events" />
      )}
    </section>
  );
}
