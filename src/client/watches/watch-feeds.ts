/** The feeds of a client: one over all its nodes, and one for each node that was named for a watch. */
import { KvError } from "../../base/index.ts";
import { ATTEMPT_TIMEOUT_MS, type ClientCore, type ClientCoreOptions } from "../core/index.ts";
import type { Endpoint } from "../terms/index.ts";
import { WatchFeed } from "./watch-feed.ts";

export class WatchFeeds {
  readonly #core: ClientCore;
  readonly #options: ClientCoreOptions;
  readonly #held = { bytes: 0 };
  readonly #feeds = new Map<number | null, WatchFeed>();
  #closed = false;

  constructor(core: ClientCore, options: ClientCoreOptions) {
    this.#core = core;
    this.#options = options;
    core.cluster.onLeft((name, error) => {
      for (const feed of this.#feeds.values()) feed.left(name, error);
    });
  }

  /** @param node null: any. @throws KvError UNKNOWN_NODE */
  of(node: number | null): WatchFeed {
    const known = this.#feeds.get(node);
    if (known !== undefined) return known;
    const { nodes } = this.#options;
    const feed =
      node === null
        ? this.#feed(nodes, this.#core.preferredIndex)
        : this.#feed([this.#named(node)], 0);
    this.#feeds.set(node, feed);
    if (this.#closed) feed.close();
    return feed;
  }

  close(): void {
    this.#closed = true;
    for (const feed of this.#feeds.values()) feed.close();
  }

  #named(node: number): Endpoint {
    const endpoint = this.#core.endpointOf(node);
    if (endpoint instanceof KvError) throw endpoint;
    return endpoint;
  }

  #feed(nodes: readonly Endpoint[], first: number): WatchFeed {
    const { clock, attemptTimeoutMs = ATTEMPT_TIMEOUT_MS, failFast = false } = this.#options;
    const { linkOptions: link, cluster } = this.#core;
    const rest = { attemptTimeoutMs, failFast, held: this.#held };
    return new WatchFeed({ clock, link, cluster, nodes, first, ...rest });
  }
}
