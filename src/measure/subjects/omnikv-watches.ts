/** Watches at omnikv, over raw frames: of what comes only the events are counted, as of etcd's. */
import { NodeLink } from "../../client/core/index.ts";
import type { NodeAddress } from "../../client/terms/index.ts";
import { createNodeRandom, nodeClock } from "../../machine/runtime/index.ts";
import { WsNetwork } from "../../machine/network/index.ts";
import { decodeFeed, isFeedFrame, watchesFrame } from "../../protocol/client/index.ts";
import type { Watches } from "./watches.ts";

const CONNECT_TIMEOUT_MS = 5000;
const CREATED_EACH = 1024;

export class OmnikvWatches implements Watches {
  readonly #link: NodeLink;
  #asked = 0;
  #created = 0;
  #open: () => void = () => {};
  #ready: () => void = () => {};
  #failed: (error: Error) => void = () => {};

  constructor(node: NodeAddress, onEvents: (count: number) => void) {
    const handler = {
      appliedIdx: () => {},
      created: () => {
        if (++this.#created === this.#asked) this.#ready();
      },
      events: (_watch: number, _revision: number, events: readonly unknown[]) =>
        onEvents(events.length),
      progress: () => {},
      ended: (_watch: number, code: string, text: string) =>
        this.#failed(new Error(`${code}: ${text}`)),
      standing: () => {},
    };
    const options = {
      clock: nodeClock,
      random: createNodeRandom(),
      network: new WsNetwork(),
      clusterId: null,
      secret: null,
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
    };
    const failed = (error: Error): void => this.#failed(error);
    this.#link = new NodeLink(node, "client", options, {
      onOpen: () => this.#open(),
      onFrame: (frame) => {
        if (isFeedFrame(frame)) decodeFeed(frame, handler);
      },
      onLost: failed,
      onUnreachable: failed,
    });
  }

  create(
    ranges: readonly { readonly key: Uint8Array; readonly end: Uint8Array | null }[],
  ): Promise<void> {
    this.#asked = ranges.length;
    return new Promise((resolve, reject) => {
      this.#ready = resolve;
      this.#failed = reject;
      this.#open = () => {
        for (let from = 0; from < ranges.length; from += CREATED_EACH) {
          const some = ranges.slice(from, from + CREATED_EACH);
          this.#link.send(
            watchesFrame(
              some.map(({ key, end }, i) => ({
                kind: "create",
                watch: 1 + from + i,
                wish: {
                  start: key,
                  end: endOf(key, end),
                  from: null,
                  previous: false,
                  puts: true,
                  deletes: true,
                  notices: false,
                },
              })),
            ),
          );
        }
      };
      this.#link.open();
    });
  }

  close(): void {
    this.#failed = () => {};
    this.#link.close();
  }
}

/** As etcd calls it. */
function endOf(key: Uint8Array, end: Uint8Array | null): Uint8Array | null {
  if (end === null) return Buffer.concat([key, Buffer.alloc(1)]);
  return end.length === 1 && end[0] === 0 ? null : end;
}
