/** Sessions between nodes: in order in each direction, until they end and all that is under way is lost. */
import type { NodeId } from "../../../omnipaxos/index.ts";
import { isReplicaMessage, type PeerMessage } from "../../../protocol/peer/index.ts";

interface Wire {
  /** Heartbeats overtake the rest (docs/architecture.md, "What goes over a link"). */
  readonly heartbeats: PeerMessage[];
  readonly messages: PeerMessage[];
}

export interface WireName {
  readonly from: NodeId;
  readonly to: NodeId;
}

export class Sessions {
  /** By `from > to`; a session has both directions or none. */
  readonly #wires = new Map<string, Wire & WireName>();

  isOpen(a: NodeId, b: NodeId): boolean {
    return this.#wires.has(`${a}>${b}`);
  }

  open(a: NodeId, b: NodeId): void {
    this.#wires.set(`${a}>${b}`, { from: a, to: b, heartbeats: [], messages: [] });
    this.#wires.set(`${b}>${a}`, { from: b, to: a, heartbeats: [], messages: [] });
  }

  close(a: NodeId, b: NodeId): void {
    this.#wires.delete(`${a}>${b}`);
    this.#wires.delete(`${b}>${a}`);
  }

  /** Lost when there is no session. */
  send(from: NodeId, to: NodeId, message: PeerMessage): void {
    const wire = this.#wires.get(`${from}>${to}`);
    if (wire === undefined) return;
    (isHeartbeat(message) ? wire.heartbeats : wire.messages).push(message);
  }

  take(from: NodeId, to: NodeId, heartbeat: boolean): PeerMessage | undefined {
    const wire = this.#wires.get(`${from}>${to}`);
    return (heartbeat ? wire?.heartbeats : wire?.messages)?.shift();
  }

  /** Wires on which something is under way now. */
  busy(heartbeat: boolean): readonly WireName[] {
    const busy: WireName[] = [];
    for (const wire of this.#wires.values()) {
      if ((heartbeat ? wire.heartbeats : wire.messages).length > 0) busy.push(wire);
    }
    return busy;
  }
}

export function isHeartbeat(message: PeerMessage): boolean {
  if (isReplicaMessage(message)) return false;
  return message.type === "heartbeatRequest" || message.type === "heartbeatReply";
}
