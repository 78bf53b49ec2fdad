/**
 * Serving clients through a neighbour while no leader feeds this node (ADR 0003).
 *
 * Invariants:
 *   L1. A frame that was itself relayed is never relayed again, so nothing goes round in circles.
 *   L2. An answer goes to the client that asked, or to nobody: a client is named by the process that it is connected to and
 *       its connection there. A guest, the client of a neighbour, is closed for good when the neighbour's session ends,
 *       whoever still holds its route. A link that is renewed is the same session between the same processes.
 */
import type { NodeId } from "../omnipaxos/index.ts";
import { writesFrame, type AnswerWriter } from "../wire/client.ts";
import type { HostMessage, RelayedFrame, RequestName } from "../wire/host-message.ts";
import type { PendingRead } from "./pending-reads.ts";
import type { StagedGroup } from "./proposals.ts";
import type { Route } from "./route.ts";
import { RouteLoad } from "./route-load.ts";

interface Guest {
  readonly route: Route;
  close(): void;
}

export class Relay {
  readonly #boot: number;
  readonly #send: (to: NodeId, message: HostMessage) => void;
  readonly #newWriter: () => AnswerWriter;
  readonly #nextRouteId: () => number;
  /** Our clients whose frames a neighbour serves, by route id. */
  readonly #clients = new Map<number, Route>();
  /** Neighbours' clients that we serve, by neighbour and name. */
  readonly #guests = new Map<NodeId, Map<string, Guest>>();
  /** Neighbours that gave a frame back. */
  readonly #unfed = new Set<NodeId>();
  #turn = 0;

  /** @param boot of this process: part of the name of all that it asks */
  constructor(
    boot: number,
    send: (to: NodeId, message: HostMessage) => void,
    newWriter: () => AnswerWriter,
    nextRouteId: () => number,
  ) {
    this.#boot = boot;
    this.#send = send;
    this.#newWriter = newWriter;
    this.#nextRouteId = nextRouteId;
  }

  /**
   * Which neighbour to try this time. One that could not serve the last frame it was given is asked again only when none
   * of the others can: in turn alone, a frame that comes back in step with the turns would see the same neighbour for ever.
   */
  pick(heard: readonly NodeId[]): NodeId | undefined {
    let fed = heard.filter((node) => !this.#unfed.has(node));
    if (fed.length === 0) {
      this.#unfed.clear();
      fed = [...heard];
    }
    this.#turn += 1;
    return fed[this.#turn % Math.max(1, fed.length)];
  }

  passWrites(
    peer: NodeId,
    groups: readonly StagedGroup<Route>[],
    ageTicks: (group: StagedGroup<Route>) => number,
  ): void {
    for (const staged of groups) {
      const { route, group, maybeProposed } = staged;
      const frame = writesFrame(group);
      this.#pass(peer, route, { frame, ageTicks: ageTicks(staged), maybeProposed });
    }
  }

  /** @param tick now */
  passReads(peer: NodeId, reads: readonly PendingRead[], tick: number): void {
    for (const { route, frame, arrivedTick } of reads) {
      this.#pass(peer, route, { frame, ageTicks: tick - arrivedTick, maybeProposed: false });
    }
  }

  /** A frame that a neighbour could not serve: the client it belongs to, if that is still there. */
  returned(peer: NodeId, id: number): Route | undefined {
    this.#unfed.add(peer);
    const route = this.#clients.get(id);
    return route?.isOpen() === true ? route : undefined;
  }

  /** An answer frame for one of our clients. */
  answered(id: number, frame: Uint8Array): void {
    const route = this.#clients.get(id);
    if (route?.isOpen() === true) route.deliver(frame);
  }

  /** Where the answers to a neighbour's client go. */
  guest(peer: NodeId, { boot, id }: RequestName): Route {
    const guests = this.#guests.get(peer) ?? new Map<string, Guest>();
    this.#guests.set(peer, guests);
    const key = `${boot}:${id}`;
    const known = guests.get(key);
    if (known !== undefined) return known.route;
    let open = true;
    const route: Route = {
      id: this.#nextRouteId(),
      relayed: true,
      answers: this.#newWriter(),
      load: new RouteLoad(),
      isOpen: () => open,
      deliver: (frame) => this.#send(peer, { type: "relayAnswer", boot, id, frame }),
    };
    guests.set(key, { route, close: () => (open = false) });
    return route;
  }

  /** The client is gone. */
  forget(routeId: number): void {
    this.#clients.delete(routeId);
  }

  /**
   * L2. The clients will come with new frames, if at all.
   * @returns their routes, closed
   */
  sessionEnded(peer: NodeId): readonly Route[] {
    const guests = [...(this.#guests.get(peer)?.values() ?? [])];
    this.#guests.delete(peer);
    for (const guest of guests) guest.close();
    return guests.map(({ route }) => route);
  }

  /** Hands a client's frame to `peer`. */
  #pass(peer: NodeId, route: Route, relayed: RelayedFrame): void {
    this.#clients.set(route.id, route);
    this.#send(peer, { type: "relayRequest", boot: this.#boot, id: route.id, ...relayed });
  }
}
