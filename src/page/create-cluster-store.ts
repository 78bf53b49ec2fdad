/** The store behind the views: watches every node, keeps the history, carries out actions. */
import { ClusterActions } from "./actions.ts";
import { ClusterHistory } from "./cluster-history.ts";
import type { ClusterStore, ClusterStoreOptions } from "./cluster-store.ts";
import type { ClusterView } from "./cluster-view.ts";
import { NodeWatch } from "./node-watch.ts";
import type { Who } from "./rights.ts";
import { NO_WAY_IN, type WayIn } from "./way-in.ts";
import { WhoWatch } from "./who-watch.ts";

/** Between questions to a node, and between views. */
const INTERVAL_MS = 200;
const INTERVAL_MS_HIDDEN = 1000;
/** A view that comes so late says that the page stood still: the machine slept, or the browser had no time for it. */
const STOOD_STILL_MS = 400;

export interface OwnedClusterStore extends ClusterStore {
  /** Ends all connections; nothing changes any more. */
  close(): void;
}

/** Begins to watch at once, or, where the nodes want a secret, once the user has given it: without it they would refuse us, and log it. */
export function createClusterStore(options: ClusterStoreOptions): OwnedClusterStore {
  return new LiveClusterStore(options);
}

class LiveClusterStore implements OwnedClusterStore {
  readonly actions: ClusterActions;
  readonly #options: ClusterStoreOptions;
  readonly #history: ClusterHistory;
  readonly #listeners = new Set<() => void>();
  #watches: ReadonlyMap<number, NodeWatch> = new Map();
  #way: WayIn = NO_WAY_IN;
  readonly #who: WhoWatch;
  #whoNow: Who | null = null;
  #kinds = "";
  #view: ClusterView;
  #cancelRefresh: () => void = () => {};
  #wasLate = false;
  #closed = false;

  constructor(options: ClusterStoreOptions) {
    this.#options = options;
    this.#history = new ClusterHistory(options.info);
    this.actions = new ClusterActions({
      ...options,
      leader: () => this.#view.leader,
      onDeed: (text) => this.#history.note(options.clock.now(), text),
      onWayIn: (way) => {
        this.#way = way;
        this.#whoNow = null;
        this.#watchAll();
        this.#refresh();
      },
    });
    const { self, nodes } = options.info;
    const others = nodes.map(({ id }) => id).filter((id) => id !== self);
    this.#who = new WhoWatch({
      clock: options.clock,
      nodes: [self, ...others],
      admin: () => this.actions.admin,
      onWho: (who) => {
        this.#whoNow = who;
      },
    });
    this.#view = this.#nextView();
    if (!options.info.needsSecret) this.#watchAll();
    this.#refreshLater();
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  view(): ClusterView {
    return this.#view;
  }

  close(): void {
    this.#closed = true;
    this.#cancelRefresh();
    this.#listeners.clear();
    for (const watch of this.#watches.values()) watch.close();
    this.#who.close();
    this.actions.load.set(0);
    this.actions.close();
  }

  #watchAll(): void {
    this.#who.ask();
    for (const watch of this.#watches.values()) watch.close();
    const { info, clock, random, network, isHidden } = this.#options;
    this.#watches = new Map(
      info.nodes.map((node) => [
        node.id,
        new NodeWatch({
          node,
          clock,
          random,
          network,
          clusterId: info.clusterId,
          ...this.#way,
          intervalMs: () => (isHidden() ? INTERVAL_MS_HIDDEN : INTERVAL_MS),
          onReport: () => this.#onReport(),
        }),
      ]),
    );
  }

  /** A node that comes or goes is shown at once; the rest waits for the next view. */
  #onReport(): void {
    const kinds = [...this.#watches.values()].map(({ report }) => report.kind).join();
    if (kinds === this.#kinds) return;
    this.#kinds = kinds;
    this.#refresh();
  }

  #refresh(): void {
    this.#view = this.#nextView();
    for (const listener of this.#listeners) listener();
  }

  #refreshLater(): void {
    const { clock, isHidden } = this.#options;
    const ms = isHidden() ? INTERVAL_MS_HIDDEN : INTERVAL_MS;
    const due = clock.now() + ms;
    this.#cancelRefresh = clock.after(ms, () => {
      const isLate = clock.now() - due > STOOD_STILL_MS;
      // Once: in a tab that was hidden for long every view is late, and a silent node must be seen all the same.
      if (isLate && !this.#wasLate) for (const watch of this.#watches.values()) watch.stoodStill();
      this.#wasLate = isLate;
      this.#refresh();
      if (!this.#closed) this.#refreshLater();
    });
  }

  #nextView(): ClusterView {
    const { clock } = this.#options;
    return this.#history.next({
      reports: new Map([...this.#watches].map(([id, { report }]) => [id, report])),
      now: clock.now(),
      hasSecret: this.#way !== NO_WAY_IN,
      who: this.#whoNow,
      load: this.actions.load.view,
    });
  }
}
