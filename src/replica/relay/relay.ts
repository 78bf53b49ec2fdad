/**
 * Serving clients through a neighbour while no leader reaches this node (ADR 0003).
 *
 * Invariants:
 *   RELAY-1. A frame that was itself relayed is never relayed again, so nothing goes round in circles.
 *   RELAY-2. An answer goes to the client that asked, or to nobody: a client is named by the process that it is connected to
 *       and a number there. A guest, the client of a neighbour, is closed for good when the neighbour's session ends, whoever
 *       still holds its route. A link that is renewed is the same session between the same processes.
 *   RELAY-3. What a neighbour was given stays here until it is answered. A neighbour that is silent, or not heard any more, loses
 *       the client: all that it holds of it is taken back, to be handed over once more.
 *   RELAY-4. One neighbour at a time answers for a request. With a client that is taken back goes its name: what its
 *       neighbour says under that name comes too late. It might be "nothing was proposed", of a write that another one has
 *       proposed.
 */
import type { Actor } from "../../store/index.ts";
import type { NodeId } from "../../omnipaxos/index.ts";
import { AnswerWriter, writesFrame } from "../../protocol/client/index.ts";
import { DecodeError } from "../../protocol/codec/index.ts";
import type { ReplicaMessage, RelayedFrame, RequestName } from "../../protocol/messages/index.ts";
import { LentRequests, type Lent } from "./lent-requests.ts";
import type { PendingRead } from "../turn/apply-wait-queue.ts";
import type { StagedGroup } from "../writes/proposals.ts";
import type { Route } from "../requests/route.ts";
import { RouteLoad } from "../requests/route-load.ts";

interface Guest {
  readonly route: Route;
  usedTick: number;
  /** As its node said last: whoever is connected there stays the same, and may get another password. */
  actor: Actor | null;
  close(): void;
}

/** A client of this node at one neighbour. */
interface ClientAway {
  /** Its name there. */
  readonly name: number;
  readonly peer: NodeId;
  readonly route: Route;
  readonly requests: LentRequests;
}

/** A neighbour that says nothing has the wait of a request divided by it, then another one is asked. */
const RELAY_TRIES = 3;
const GUEST_IDLE_WAITS = 2;

export interface RelayOptions {
  /** Of this process: part of the name of all that it asks. */
  readonly boot: number;
  readonly send: (to: NodeId, message: ReplicaMessage) => void;
  /** A neighbour's answer for a client of ours. */
  readonly answer: (route: Route, frame: Uint8Array) => void;
  readonly nextRouteId: () => number;
  /** Told once of each request that is no longer at a neighbour. */
  readonly onSettled: (lent: Lent) => void;
  /** How long a request may wait. */
  readonly waitTicks: number;
}

export class Relay {
  readonly #options: RelayOptions;
  /** Our clients at neighbours, by their names there. */
  readonly #away = new Map<number, ClientAway>();
  /** The same, by the client's route id and the neighbour. */
  readonly #awayOf = new Map<number, Map<NodeId, ClientAway>>();
  /** Neighbours' clients that we serve, by neighbour and name. */
  readonly #guests = new Map<NodeId, Map<string, Guest>>();
  /** Neighbours that gave a frame back, or did not answer. */
  readonly #cannotServe = new Set<NodeId>();
  #turn = 0;
  #tick = 0;

  constructor(options: RelayOptions) {
    this.#options = options;
  }

  /**
   * Which neighbour to try this time. One that could not serve the last frame it was given is asked again only when none
   * of the others can: in turn alone, a frame that comes back in step with the turns would see the same neighbour for ever.
   */
  pick(heard: readonly NodeId[]): NodeId | undefined {
    let canServe = heard.filter((node) => !this.#cannotServe.has(node));
    if (canServe.length === 0) {
      this.#cannotServe.clear();
      canServe = [...heard];
    }
    this.#turn += 1;
    return canServe[this.#turn % Math.max(1, canServe.length)];
  }

  /** @param groups lent: each is settled later */
  passWrites(
    peer: NodeId,
    groups: readonly StagedGroup<Route>[],
    ageTicks: (group: StagedGroup<Route>) => number,
  ): void {
    for (const group of groups) {
      const { route, maybeProposed } = group;
      const frame = writesFrame(group.group);
      const relayed = {
        frame,
        ageTicks: ageTicks(group),
        maybeProposed,
        actor: route.actor ?? null,
      };
      this.#pass(peer, route, { kind: "writes", group }, relayed);
    }
  }

  /**
   * @param reads lent: each is settled later
   * @param tick now
   */
  passReads(peer: NodeId, reads: readonly PendingRead[], tick: number): void {
    for (const read of reads) {
      const { route, frame, arrivedTick } = read;
      const relayed = {
        frame,
        ageTicks: tick - arrivedTick,
        maybeProposed: false,
        actor: route.actor ?? null,
      };
      this.#pass(peer, route, { kind: "reads", read }, relayed);
    }
  }

  /** A frame that a neighbour could not serve: the client it belongs to, if that still waits for it. */
  returned(peer: NodeId, name: number, frame: Uint8Array): Route | undefined {
    this.#cannotServe.add(peer);
    const away = this.#away.get(name);
    if (away?.peer !== peer || !away.requests.takeOut(frame)) return undefined;
    return away.route.isOpen() ? away.route : undefined;
  }

  /** An answer frame for one of our clients. @returns what is wrong with it, in which case nobody gets it */
  answered(peer: NodeId, name: number, frame: Uint8Array): string | null {
    const away = this.#away.get(name);
    if (away?.peer !== peer) return null;
    try {
      away.requests.answered(frame, this.#tick);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      return `answers for a client that cannot be read: ${error.message}`;
    }
    if (away.route.isOpen()) this.#options.answer(away.route, frame);
    return null;
  }

  /**
   * Where the answers to a neighbour's client go.
   * @param actor who the client is, as its node says
   */
  guest(peer: NodeId, { boot, id }: RequestName, actor: Actor | null = null): Route {
    const guests = this.#guests.get(peer) ?? new Map<string, Guest>();
    this.#guests.set(peer, guests);
    const key = `${boot}:${id}`;
    const known = guests.get(key);
    if (known !== undefined) {
      known.usedTick = this.#tick;
      known.actor = actor;
      return known.route;
    }
    const { nextRouteId, send } = this.#options;
    let open = true;
    const guest: Guest = {
      usedTick: this.#tick,
      actor,
      close: () => (open = false),
      route: {
        id: nextRouteId(),
        get actor() {
          return guest.actor;
        },
        relayed: true,
        answers: new AnswerWriter(),
        load: new RouteLoad(),
        isOpen: () => open,
        deliver: (frame) => send(peer, { type: "relayAnswer", boot, id, frame }),
      },
    };
    guests.set(key, guest);
    return guest.route;
  }

  /** The client is gone. */
  forget(routeId: number): void {
    for (const away of this.#awayOf.get(routeId)?.values() ?? []) {
      this.#away.delete(away.name);
      away.requests.drain();
    }
    this.#awayOf.delete(routeId);
  }

  /**
   * RELAY-2: the clients will come with new frames, if at all.
   * @returns their routes, closed
   */
  sessionEnded(peer: NodeId): readonly Route[] {
    const guests = [...(this.#guests.get(peer)?.values() ?? [])];
    this.#guests.delete(peer);
    for (const guest of guests) guest.close();
    return guests.map(({ route }) => route);
  }

  /**
   * Advances time (RELAY-3).
   * @param isHeard whether this neighbour has a session and answered the last heartbeat round
   * @returns what was at neighbours that lose it, of clients that are still there
   */
  tick(isHeard: (peer: NodeId) => boolean): readonly Lent[] {
    this.#tick += 1;
    const { waitTicks } = this.#options;
    const silentSince = this.#tick - Math.ceil(waitTicks / RELAY_TRIES);
    const takenBack: Lent[] = [];
    for (const away of this.#away.values()) {
      const { peer, route, requests } = away;
      if (requests.isEmpty) continue;
      const isOverdue = requests.isOverdue(silentSince, this.#tick - waitTicks);
      if (isHeard(peer) && !isOverdue) continue;
      this.#away.delete(away.name);
      this.#awayOf.get(route.id)?.delete(peer);
      this.#cannotServe.add(peer);
      const lent = requests.drain();
      if (route.isOpen()) takenBack.push(...lent);
    }
    return takenBack;
  }

  /**
   * A name that was given up is not announced: a guest that has nothing under way, and has not come with anything for so long,
   * is forgotten, and is a new one if it comes again. Looks once in a while only.
   * @returns the routes of those, closed
   */
  idleGuests(): readonly Route[] {
    const { waitTicks } = this.#options;
    if (this.#tick % waitTicks !== 0) return [];
    const idle: Route[] = [];
    for (const guests of this.#guests.values()) {
      for (const [key, guest] of guests) {
        const { commands, reads } = guest.route.load;
        const isUsed = this.#tick - guest.usedTick <= GUEST_IDLE_WAITS * waitTicks;
        if (isUsed || commands > 0 || reads > 0) continue;
        guests.delete(key);
        guest.close();
        idle.push(guest.route);
      }
    }
    return idle;
  }

  /** Hands a client's frame to `peer`. */
  #pass(peer: NodeId, route: Route, lent: Lent, relayed: RelayedFrame): void {
    const { name, requests } = this.#clientAway(peer, route);
    requests.add(lent, relayed.frame, this.#tick - relayed.ageTicks, this.#tick);
    const { boot, send } = this.#options;
    send(peer, { type: "relayRequest", boot, id: name, ...relayed });
  }

  #clientAway(peer: NodeId, route: Route): ClientAway {
    const known = this.#awayOf.get(route.id) ?? new Map<NodeId, ClientAway>();
    this.#awayOf.set(route.id, known);
    const there = known.get(peer);
    if (there !== undefined) return there;
    const { nextRouteId, onSettled } = this.#options;
    const away: ClientAway = {
      name: nextRouteId(),
      peer,
      route,
      requests: new LentRequests(onSettled),
    };
    known.set(peer, away);
    this.#away.set(away.name, away);
    return away;
  }
}
