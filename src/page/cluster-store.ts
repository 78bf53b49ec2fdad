/** What the views get: the cluster as it is now, a call when it changed, and the actions on it. */
import type { Clock, Network, Random } from "../machine/ports/index.ts";
import type { ClusterInfo } from "../protocol/admin/index.ts";
import type { ClusterView } from "./cluster-view.ts";
import type { PageActions } from "./page-actions.ts";

export interface ClusterStore {
  /** @param listener told when `view()` has changed. @returns ends it */
  subscribe(listener: () => void): () => void;
  /** The same object until something changed. */
  view(): ClusterView;
  readonly actions: PageActions;
}

export interface ClusterStoreOptions {
  readonly info: ClusterInfo;
  readonly clock: Clock;
  readonly random: Random;
  readonly network: Network;
  /** The tab is hidden: then the page asks the nodes once a second only. */
  readonly isHidden: () => boolean;
}
