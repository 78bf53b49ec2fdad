import { useEffect, useState } from "preact/hooks";
import type { ClusterStore } from "../cluster-store.ts";
import type { ClusterView } from "../cluster-view.ts";

export function useView(store: ClusterStore): ClusterView {
  const [view, setView] = useState(store.view());
  useEffect(() => {
    // It may have changed between drawing and listening.
    setView(store.view());
    return store.subscribe(() => setView(store.view()));
  }, [store]);
  return view;
}
