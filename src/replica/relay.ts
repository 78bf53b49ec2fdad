/**
 * Serving clients through a neighbour while no leader feeds this node (ADR 0003).
 *
 * Invariant: a frame that was itself relayed is never relayed again, so nothing goes round in circles.
 */
import type { NodeId } from "../omnipaxos/index.ts";
import { writesFrame, type AnswerWriter } from "../wire/client.ts";
import type { HostMessage, RelayedFrame } from "../wire/host-message.ts";
import type { PendingRead } from "./pending-reads.ts";
import type { StagedGroup } from "./proposals.ts";
import type { Route } from "./route.ts";
import { RouteLoad } from "./route-load.ts";

export class Relay {
  readonly #send: (to: NodeId, message: HostMessage) => void;
  readonly #newWriter: () => AnswerWriter;
  readonly #nextRouteId: () => number;
  /** Our clients whose frames a neighbour serves, by route id. */
  readonly #clients = new Map<number, Route>();
  /** Neighbours' clients that we serve, by `peer:id`. */
  readonly #guests = new Map<string, Route>();
  /** Neighbours that gave a frame back. */
  readonly #unfed = new Set<NodeId>();
  #turn = 0;

  constructor(
    send: (to: NodeId, message: HostMessage) => void,
    newWriter: () => AnswerWriter,
    nextRouteId: () => number,
  ) {
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
  guest(peer: NodeId, id: number): Route {
    const key = `${peer}:${id}`;
    const known = this.#guests.get(key);
    if (known !== undefined) return known;
    const route: Route = {
      id: this.#nextRouteId(),
      relayed: true,
      answers: this.#newWriter(),
      load: new RouteLoad(),
      isOpen: () => true,
      deliver: (frame) => this.#send(peer, { type: "relayAnswer", id, frame }),
    };
    this.#guests.set(key, route);
    return route;
  }

  /** The client is gone. */
  forget(routeId: number): void {
    this.#clients.delete(routeId);
  }

  /** The session with a peer ended: its guests will come with new frames, if at all. */
  forgetGuestsOf(peer: NodeId): readonly Route[] {
    const gone: Route[] = [];
    for (const [key, route] of this.#guests) {
      if (!key.startsWith(`${peer}:`)) continue;
      this.#guests.delete(key);
      gone.push(route);
    }
    return gone;
  }

  /** Hands a client's frame to `peer`. */
  #pass(peer: NodeId, route: Route, relayed: Omit<RelayedFrame, "id">): void {
    this.#clients.set(route.id, route);
    this.#send(peer, { type: "relayRequest", id: route.id, ...relayed });
  }
}
