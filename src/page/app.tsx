import type { ComponentChild } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { ClusterStore } from "./cluster-store.ts";

/** The whole page. */
export function App({ store }: { readonly store: ClusterStore }): ComponentChild {
  const [view, setView] = useState(store.view());
  useEffect(() => store.subscribe(() => setView(store.view())), [store]);
  return (
    <main>
      <h1>omnikv: {view.clusterId}</h1>
      <ul>
        {view.nodes.map(({ id, reach, status }) => (
          <li
            key={id}
            data-testid={`node-${id}`}
            data-role={
              reach !== "live" ? reach : status?.standing === "leading" ? "leader" : "follower"
            }
          >
            node {id}: {reach} {status?.standing}
          </li>
        ))}
      </ul>
    </main>
  );
}
