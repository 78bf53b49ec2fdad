/**
 * Serving clients through a neighbour while no leader reaches this node (ADR 0003).
 *
 * Invariants:
 *   RELAY-1. A frame that was itself relayed is never relayed again, so nothing goes round in circles.
 *   RELAY-2. An answer goes to the client that asked, or to nobody: the process that a client is connected to, and a number there,
 *       name the client. A guest, the client of a neighbour, is closed for good when the neighbour's session ends, even where its
 *       route is still held. A link that is renewed is the same session between the same processes.
 *   RELAY-3. A request that a neighbour was given stays here until it is answered. A neighbour that is silent, or not heard any
 *       more, loses the client: this node takes back all of the client's requests, to hand them over once more.
 *   RELAY-4. One neighbour at a time answers for a request. When a client is taken back, its name ends: answers that its
 *       neighbour gives under that name come too late. One might say "nothing was proposed" of a write that another neighbour
 *       has proposed.
 *   RELAY-5. A guest rests after this node has looked at much for it, as connections do (WorkPace); whether or not others are at work
 *       here. It rests a quarter of a second at most: its own node takes it for lost later than that.
 *   RELAY-6. A client that is gone is forgotten once its last request is settled: its writes that were under way when it left may go to a
 *       neighbour after that, under a name that nobody takes back.
 */
import { SECRET_HOLDER, type Actor } from "../../store/index.ts";
import type { NodeId } from "../../omnipaxos/index.ts";
import { AnswerWriter, writesFrame } from "../../protocol/client/index.ts";
import { DecodeError } from "../../protocol/codec/index.ts";
import type { ReplicaMessage, RelayedFrame, RequestName } from "../../protocol/messages/index.ts";
import { LentRequests, type Lent } from "./lent-requests.ts";
import type { PendingRead } from "../turn/apply-wait-queue.ts";
import type { StagedGroup } from "../writes/proposals.ts";
import type { RelayedClients } from "../requests/request-metrics.ts";
import type { Route } from "../requests/route.ts";
import { RouteLoad } from "../requests/route-load.ts";
import { WorkPace } from "../requests/work-pace.ts";

export type RelayRequest = Extract<ReplicaMessage, { readonly type: "relayRequest" }>;

interface Guest {
  readonly route: Route;
  usedTick: number;
  /** The user, as the client's node said last: the connection keeps its user, whose password may change. */
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

/** A silent neighbour has the wait of a request divided by this number; then this node asks another one. */
const RELAY_TRIES = 3;
const GUEST_IDLE_WAITS = 2;

export interface RelayOptions {
  /** Of this process: part of the name of each of its requests. */
  readonly boot: number;
  readonly send: (to: NodeId, message: ReplicaMessage) => void;
  /** A neighbour's answer for a client of ours. */
  readonly answer: (route: Route, frame: Uint8Array) => void;
  readonly nextRouteId: () => number;
  /** Called once for each request that is no longer at a neighbour. */
  readonly onSettled: (lent: Lent) => void;
  readonly replica: {
    /** While access control is off this node serves only who has proved a secret; its neighbour may not know yet that it is off. */
    readonly needsSecret?: () => boolean;
    readonly timing: {
      /** How long a request may wait. */
      readonly waitTicks: number;
    };
  };
}

export class Relay {
  /** Of the machine's monotonic clock, at the last turn. */
  nowMs = 0;
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

  /** The clients of this node that it knows at neighbours, and the clients of neighbours that it knows here. */
  get known(): RelayedClients {
    let guests = 0;
    for (const each of this.#guests.values()) guests += each.size;
    return { away: this.#away.size, guests };
  }

  /**
   * The neighbour to try this time. One that could not serve its last frame gets another only when none of the others can serve:
   * with turns alone, a frame that comes back in step with the turns would meet the same neighbour for ever.
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

  /** A neighbour could not serve this frame. @returns the client that it belongs to, if it still waits for it */
  returned(peer: NodeId, name: number, frame: Uint8Array): Route | undefined {
    this.#cannotServe.add(peer);
    const away = this.#away.get(name);
    if (away?.peer !== peer || !away.requests.takeOut(frame)) return undefined;
    return away.route.isOpen() ? away.route : undefined;
  }

  /** An answer frame for one of our clients. @returns what is wrong with it, in which case no client gets it */
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

  /** This node has done nothing with a neighbour's request. */
  giveBack(peer: NodeId, request: RelayRequest): void {
    this.#options.send(peer, { ...request, type: "relayReturned" });
  }

  /**
   * Where the answers to a neighbour's client go.
   * @param actor the client's user, as its node says
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
    const { nextRouteId, send, replica } = this.#options;
    const load = new RouteLoad();
    const pace = new WorkPace();
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
        get onlyWhileOn() {
          return replica.needsSecret?.() === true && guest.actor?.name !== SECRET_HOLDER.name;
        },
        relayed: true,
        answers: new AnswerWriter(),
        load,
        isResting: () => {
          if (load.workBytes > 0) pace.took(load.workBytes, this.nowMs, false);
          load.workBytes = 0;
          return !pace.isIdle && pace.mustRest(this.nowMs);
        },
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
   * @returns the requests taken back from neighbours, of clients that are still there
   */
  tick(isHeard: (peer: NodeId) => boolean): readonly Lent[] {
    this.#tick += 1;
    const { waitTicks } = this.#options.replica.timing;
    const silentSince = this.#tick - Math.ceil(waitTicks / RELAY_TRIES);
    const takenBack: Lent[] = [];
    for (const away of this.#away.values()) {
      const { peer, route, requests } = away;
      if (requests.isEmpty) {
        // RELAY-6.
        if (!route.isOpen()) this.#drop(away);
        continue;
      }
      const isOverdue = requests.isOverdue(silentSince, this.#tick - waitTicks);
      if (isHeard(peer) && !isOverdue) continue;
      this.#drop(away);
      this.#cannotServe.add(peer);
      const lent = requests.drain();
      if (route.isOpen()) takenBack.push(...lent);
    }
    return takenBack;
  }

  /**
   * No node announces that it gave up a name. So this node forgets a guest that has nothing under way and has sent nothing for so
   * long; if it comes again, it is a new guest. Looks once in a while only.
   * @returns the routes of those, closed
   */
  idleGuests(): readonly Route[] {
    const { waitTicks } = this.#options.replica.timing;
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

  #drop({ name, peer, route }: ClientAway): void {
    this.#away.delete(name);
    const others = this.#awayOf.get(route.id);
    others?.delete(peer);
    if (others?.size === 0) this.#awayOf.delete(route.id);
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
