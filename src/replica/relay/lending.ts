/** Hands the waiting requests of this node's clients to neighbours, and takes them back (ADR 0003). */
import { type ClientFrame, decodeClientFrame } from "../../protocol/client/index.ts";
import type { NodeId } from "../../omnipaxos/index.ts";
import type { RelayedFrame } from "../../protocol/messages/index.ts";
import { assert } from "../../base/index.ts";
import { guestFrame } from "./guest-frame.ts";
import type { ClientReads } from "../reads/client-reads.ts";
import type { ClientWrites } from "../writes/client-writes.ts";
import type { Lent } from "./lent-requests.ts";
import type { ArrivedRead } from "../turn/apply-wait-queue.ts";
import type { Standing } from "../writes/standing.ts";
import type { Relay, RelayRequest } from "./relay.ts";
import type { Route } from "../requests/route.ts";

export interface LendingParts {
  readonly relay: Relay;
  readonly writes: ClientWrites;
  readonly reads: ClientReads;
  /** Takes in a frame of reads that came at another time. */
  readonly takeReads: (read: ArrivedRead, decoded: Extract<ClientFrame, { kind: "reads" }>) => void;
}

export class Lending {
  readonly #parts: LendingParts;

  constructor(parts: LendingParts) {
    this.#parts = parts;
  }

  /**
   * Lends the waiting requests of this node's clients; of reads as many as one tick may (READS-5). The neighbour may propose them from now on (REPLICA-3: never refused after).
   * @param tick now
   */
  lend(peer: NodeId, tick: number): void {
    const { relay, writes, reads } = this.#parts;
    const { proposals } = writes;
    const groups = proposals.lend(({ route }) => !route.relayed);
    relay.passWrites(peer, groups, (group) => proposals.ageTicks(group));
    // The local reads still here wait for an index, and no leader brings this node there.
    relay.passReads(peer, reads.lend(), tick);
  }

  /**
   * Takes back requests that neighbours have lost, like any frame that a neighbour returns.
   * @param connected peers with a session
   * @param heard peers that answered the last heartbeat round
   */
  tick(connected: ReadonlySet<NodeId>, heard: ReadonlyMap<NodeId, unknown>): void {
    const isHeard = (peer: NodeId): boolean => connected.has(peer) && heard.has(peer);
    for (const lent of this.#parts.relay.tick(isHeard)) this.#takeBack(lent);
  }

  /** The client is gone: its reads go, also those at neighbours. */
  forget(route: Route): void {
    this.#parts.relay.forget(route.id);
    this.#parts.reads.forget(route);
  }

  /**
   * A neighbour lends a request of its client. What this node cannot serve goes back.
   * @param tick now
   * @returns what is wrong with the request
   */
  serveGuest(from: NodeId, message: RelayRequest, standing: Standing, tick: number): string | null {
    const { relay } = this.#parts;
    const decoded = standing.kind === "cutOff" ? null : guestFrame(message.frame);
    if (decoded === null || typeof decoded === "string") {
      relay.giveBack(from, message);
      return decoded;
    }
    this.adopt(relay.guest(from, message, message.actor), message, tick, decoded);
    return null;
  }

  /**
   * A frame that has been at another node.
   * @param tick now
   */
  adopt(
    route: Route,
    relayed: RelayedFrame,
    tick: number,
    decoded = decodeClientFrame(relayed.frame),
  ): void {
    const { writes, takeReads } = this.#parts;
    const { frame, ageTicks } = relayed;
    // No node passes watches on: a client whose node is cut off goes elsewhere itself.
    if (decoded.kind === "watches") return;
    if (decoded.kind === "writes") {
      return writes.adopt(route, decoded.group, decoded.count, relayed);
    }
    takeReads({ route, frame, arrivedTick: tick - ageTicks }, decoded);
  }

  settle(lent: Lent): void {
    if (lent.kind === "reads") this.#parts.reads.settle(lent.read);
    else this.#parts.writes.proposals.settle(lent.group);
  }

  #takeBack(lent: Lent): void {
    const { writes, takeReads } = this.#parts;
    if (lent.kind === "reads") {
      const decoded = decodeClientFrame(lent.read.frame);
      assert(decoded.kind === "reads", "what was lent as reads are reads");
      const { route, frame, arrivedTick } = lent.read;
      return takeReads({ route, frame, arrivedTick }, decoded);
    }
    const { route, group, commands } = lent.group;
    const ageTicks = writes.proposals.ageTicks(lent.group);
    writes.adopt(route, group, commands, { ageTicks, maybeProposed: true });
  }
}
