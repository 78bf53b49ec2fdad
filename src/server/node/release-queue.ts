/**
 * Holds each message back until the writes that it must not outrun are durable. The one place where the order of disk and network is
 * decided (the rules themselves are the core's, DISK-1 ff.).
 *
 * Invariants:
 *   RELEASE-1. A message leaves only when every write group up to its `after` is durable.
 *   RELEASE-2. Protocol messages to one peer leave in the order the core gave them; heartbeats, which tolerate any order, do not
 *       wait behind others, so that a slow disk does not look like a dead node.
 */
import type { NodeId, Outgoing, WriteSeq } from "../../omnipaxos/index.ts";
import type { NodePaxosMessage, SnapshotName } from "../../protocol/messages/index.ts";

type Message = Outgoing<Uint8Array, SnapshotName>;

export class ReleaseQueue {
  readonly #send: (to: NodeId, message: NodePaxosMessage) => void;
  readonly #held = new Map<NodeId, Message[]>();
  readonly #heldHeartbeats: Message[] = [];
  #durable: WriteSeq = 0;

  constructor(send: (to: NodeId, message: NodePaxosMessage) => void) {
    this.#send = send;
  }

  push(messages: readonly Message[]): void {
    for (const message of messages) {
      const { type } = message.message;
      if (type === "heartbeatRequest" || type === "heartbeatReply") {
        if (message.after <= this.#durable) this.#send(message.to, message.message);
        else this.#heldHeartbeats.push(message);
        continue;
      }
      const held = this.#held.get(message.to);
      if (message.after <= this.#durable && (held === undefined || held.length === 0)) {
        this.#send(message.to, message.message);
      } else if (held === undefined) {
        this.#held.set(message.to, [message]);
      } else {
        held.push(message);
      }
    }
  }

  /** All write groups up to `seq` are durable. @returns whether a message left because of it */
  durable(seq: WriteSeq): boolean {
    this.#durable = Math.max(this.#durable, seq);
    let released = this.#release(this.#heldHeartbeats);
    for (const held of this.#held.values()) released = this.#release(held) || released;
    return released;
  }

  #release(held: Message[]): boolean {
    let released = 0;
    for (const message of held) {
      if (message.after > this.#durable) break;
      this.#send(message.to, message.message);
      released += 1;
    }
    if (released > 0) held.splice(0, released);
    return released > 0;
  }
}
