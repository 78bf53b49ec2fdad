/** Nodes that are nothing but their links, on any network. */
import { PeerLinks } from "../../src/links/peer-links.ts";
import type { PeerLinksLimits } from "../../src/links/peer-links-options.ts";
import type { LinkStatus } from "../../src/links/link-status.ts";
import type { Clock } from "../../src/machine/ports/clock.ts";
import type { LogFields, Logger, LogLevel } from "../../src/machine/ports/logger.ts";
import type {
  Address,
  Channel,
  Connection,
  Listener,
  Network,
} from "../../src/machine/ports/network.ts";
import type { PeerHello } from "../../src/protocol/handshake/peer-hello.ts";
import type { Refusal } from "../../src/links/handshake/index.ts";
import type { PeerMessage } from "../../src/protocol/peer/peer.ts";
import { seededRandom } from "../conformance/seeded-random.ts";

const NOTHING = { configId: 0, n: 0, priority: 0, pid: 0 };

/** What a node says that has nothing on its disk. */
export function aPeerHello(members: readonly number[]): PeerHello {
  const durable = { promise: NOTHING, acceptedRound: NOTHING, acceptedIdx: 0, decidedIdx: 0 };
  return { members, joined: true, generation: 0, marks: [], durable, origin: 0 };
}

export interface LinkNodeOptions {
  readonly id: number;
  readonly peers: ReadonlyMap<number, Address>;
  readonly network: Network;
  readonly clock: Clock;
  readonly secret?: string | null;
  readonly clusterId?: string;
  readonly incarnation?: string;
  readonly limits?: Partial<PeerLinksLimits>;
  /** Incarnations that this node has met; shared between lives of a node, as its disk is. */
  readonly known?: Map<number, string>;
  /** Asked first about who would come in. */
  readonly refuse?: (peer: number) => Refusal | null;
}

export class LinkNode {
  readonly id: number;
  readonly links: PeerLinks;
  readonly clock: Clock;
  /** "session 2", "end 2: reason", "message 2: 7", "refused by 2: CODE proved". */
  readonly events: string[] = [];
  readonly messages: { peer: number; message: PeerMessage }[] = [];
  readonly log: { level: LogLevel; message: string; fields: LogFields }[] = [];
  readonly accepted: Connection[] = [];
  inCall = false;
  onSession: (peer: number) => void = () => {};
  onMessage: (peer: number) => void = () => {};

  constructor(options: LinkNodeOptions) {
    this.id = options.id;
    this.clock = options.clock;
    const peers = new Map([...options.peers].filter(([peer]) => peer !== options.id));
    const known = options.known ?? new Map<number, string>();
    this.links = new PeerLinks(
      {
        nodeId: options.id,
        clusterId: options.clusterId ?? "test",
        presence: () => ({
          incarnation: options.incarnation ?? `first of ${options.id}`,
          peer: aPeerHello([...options.peers.keys()]),
        }),
        configurationId: 1,
        secret: options.secret ?? null,
        peers,
        network: options.network,
        clock: options.clock,
        random: seededRandom(1000 + options.id),
        logger: this.#logger(),
        admit: (peer, { incarnation }) => {
          const refusal = options.refuse?.(peer) ?? null;
          if (refusal !== null) return refusal;
          const before = known.get(peer);
          known.set(peer, before ?? incarnation);
          if (before === undefined || before === incarnation) return null;
          const text = `node ${peer} came back with an empty directory; restore it, or give the node a new id`;
          return { code: "LOST_IDENTITY", text };
        },
        ...(options.limits === undefined ? {} : { limits: options.limits }),
      },
      {
        onMessage: (peer, message) => {
          this.#event(
            `message ${peer}: ${message.type === "readIndex" ? message.idx : message.type}`,
          );
          this.messages.push({ peer, message });
          this.onMessage(peer);
        },
        onSession: (peer) => {
          this.#event(`session ${peer}`);
          this.onSession(peer);
        },
        onSessionEnd: (peer, reason) => this.#event(`end ${peer}: ${reason}`),
        onRefused: (peer, { code, proved }) =>
          this.#event(`refused by ${peer}: ${code}${proved ? " proved" : ""}`),
      },
    );
  }

  readonly accept = (connection: Connection, _channel: Channel) => {
    this.accepted.push(connection);
    return this.links.accept(connection);
  };

  /** A call of PeerLinks, during which no handler may run. */
  call(body: (links: PeerLinks) => void): void {
    this.inCall = true;
    body(this.links);
    this.inCall = false;
  }

  /** Sends numbered messages and flushes. */
  send(peer: number, ...numbers: number[]): void {
    this.call((links) => {
      for (const idx of numbers) links.send(peer, { type: "readIndex", boot: 7, id: 0, idx });
      links.flush();
    });
  }

  /** The numbers that arrived from a peer. */
  received(peer: number): number[] {
    return this.messages.flatMap(({ peer: from, message }) =>
      from === peer && message.type === "readIndex" ? [message.idx] : [],
    );
  }

  count(event: string): number {
    return this.events.filter((each) => each.startsWith(event)).length;
  }

  status(peer: number): LinkStatus {
    const status = this.links.status().find((each) => each.peer === peer);
    if (status === undefined) throw new Error(`no link to ${peer}`);
    return status;
  }

  logged(pattern: RegExp): number {
    return this.log.filter(({ message, fields }) =>
      pattern.test(`${message} ${JSON.stringify(fields)}`),
    ).length;
  }

  #event(event: string): void {
    if (this.inCall) throw new Error(`${event} came from within a call`);
    this.events.push(event);
  }

  #logger(): Logger {
    const at =
      (level: LogLevel) =>
      (message: string, fields: LogFields = {}): void =>
        void this.log.push({ level, message, fields });
    return {
      enabled: () => true,
      debug: at("debug"),
      info: at("info"),
      warn: at("warn"),
      error: at("error"),
    };
  }
}

export function listen(
  network: Network,
  address: Address,
  accept: LinkNode["accept"],
): Promise<Listener> {
  return new Promise((resolve, reject) => {
    network.listen(address, ["peer"], accept, (result) =>
      result instanceof Error ? reject(result) : resolve(result),
    );
  });
}
