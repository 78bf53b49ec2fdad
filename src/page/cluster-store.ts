/** What the views are given: the cluster as it is now, word when it changed, and what can be done to it. */
import type { Clock, Network, Random } from "../machine/ports/index.ts";
import type { ClusterInfo } from "../protocol/admin/index.ts";
import type { ClusterView } from "./cluster-view.ts";
import type { PageActions } from "./page-actions.ts";

export interface ClusterStore {
  /** @param listener told that `view()` is another one now. @returns ends it */
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
  /** Nobody looks: then the nodes are asked once a second only. */
  readonly isHidden: () => boolean;
}
