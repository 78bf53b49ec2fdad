import type { ComponentChild } from "preact";
import type { ClusterView } from "../cluster-view.ts";
import { eventsOf } from "./events.ts";
import { EventList } from "./event-list.tsx";

const SHOWN = 60;

/** What the marks of the strips stand for, the last first. */
export function EventsCard({ view }: { readonly view: ClusterView }): ComponentChild {
  return (
    <section class="card events-card" aria-labelledby="events-title">
      <div class="card-head">
        <h2 id="events-title">Events</h2>
        <p class="hint">of the last ten minutes</p>
      </div>
      {view.marks.length === 0 ? (
        <p class="hint events-none">
          None yet: elections, crashes, changes of links and what is done here are listed.
        </p>
      ) : (
        <EventList
          events={eventsOf(view.marks).slice(-SHOWN).toReversed()}
          testId="events"
          scrolls
        />
      )}
    </section>
  );
}
