/** Sessions between nodes: in order in each direction, until they end and all that is under way is lost. */
import type { NodeId } from "../../../omnipaxos/index.ts";
import { isReplicaMessage, type PeerMessage } from "../../../protocol/peer/index.ts";

interface Lane {
  /** Heartbeats overtake the rest (docs/architecture.md, "What goes over a link"). */
  readonly heartbeats: PeerMessage[];
  readonly messages: PeerMessage[];
}

export interface LaneName {
  readonly from: NodeId;
  readonly to: NodeId;
}

export class Sessions {
  /** By `from > to`; a session has both directions or none. */
  readonly #lanes = new Map<string, Lane & LaneName>();

  isOpen(a: NodeId, b: NodeId): boolean {
    return this.#lanes.has(`${a}>${b}`);
  }

  open(a: NodeId, b: NodeId): void {
    this.#lanes.set(`${a}>${b}`, { from: a, to: b, heartbeats: [], messages: [] });
    this.#lanes.set(`${b}>${a}`, { from: b, to: a, heartbeats: [], messages: [] });
  }

  close(a: NodeId, b: NodeId): void {
    this.#lanes.delete(`${a}>${b}`);
    this.#lanes.delete(`${b}>${a}`);
  }

  /** Lost when there is no session. */
  send(from: NodeId, to: NodeId, message: PeerMessage): void {
    const lane = this.#lanes.get(`${from}>${to}`);
    if (lane === undefined) return;
    (isHeartbeat(message) ? lane.heartbeats : lane.messages).push(message);
  }

  take(from: NodeId, to: NodeId, heartbeat: boolean): PeerMessage | undefined {
    const lane = this.#lanes.get(`${from}>${to}`);
    return (heartbeat ? lane?.heartbeats : lane?.messages)?.shift();
  }

  /** Lanes on which something is under way now. */
  busy(heartbeat: boolean): readonly LaneName[] {
    const busy: LaneName[] = [];
    for (const lane of this.#lanes.values()) {
      if ((heartbeat ? lane.heartbeats : lane.messages).length > 0) busy.push(lane);
    }
    return busy;
  }
}

export function isHeartbeat(message: PeerMessage): boolean {
  if (isReplicaMessage(message)) return false;
  return message.type === "heartbeatRequest" || message.type === "heartbeatReply";
}
