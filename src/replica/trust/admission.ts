/**
 * What a node takes from a peer that may be faulty: one bad peer must not end the others, nor leave them without a leader.
 * It is no defence against a peer that lies in what it votes, leads or stores.
 *
 * Invariants:
 *   ADMIT-1. What a peer proposes is handed on only when it can be read: everybody has to carry it out, now and after each
 *       restart. Entries of a leader's stream are not checked here: the leader has checked what it was given, and what it
 *       made itself is made of checked groups. A faulty leader's are passed over when they are applied (kv-state, STATE-5).
 *   ADMIT-2. No honest ballot is refused. One is made by adding 1 to another, so it takes BALLOT_STEP_MAX changes of leaders,
 *       which is 13 years at ten a second, until a node that heard of none of them meets one beyond; and who has never
 *       promised anything, a new node of an old cluster perhaps, takes any.
 *   ADMIT-3. Nobody has the log sealed: this version has nothing to go on with behind a stop-sign.
 *   ADMIT-4. Nobody moves the cluster's clock but the leader, in its own log.
 */
import { KvError } from "../../base/index.ts";
import { CommandCursor, validateEntry } from "../../store/index.ts";
import { OP, OPERATIONS } from "../../store/operations/index.ts";
import type { Ballot } from "../../omnipaxos/index.ts";
import type { NodePaxosMessage } from "../../protocol/messages/index.ts";

/** A ballot that lies further above what this node has promised was not come by honestly. */
export const BALLOT_STEP_MAX = 2 ** 32;

export interface Admitted {
  /** What is left of the message; null: nothing. */
  readonly message: NodePaxosMessage | null;
  /** Why not all of it. */
  readonly refused: string | null;
}

export class Admission {
  /** Entries that were checked here and are the same objects when they come back decided. */
  readonly #checked = new WeakSet<Uint8Array>();

  /** @param promise of this node */
  admit(message: NodePaxosMessage, promise: Ballot): Admitted {
    if (isBeyond(message, promise)) {
      const text = `a ballot ${BALLOT_STEP_MAX} above everything this node has promised`;
      return { message: null, refused: text };
    }
    switch (message.type) {
      case "proposalForward":
        return this.#admitEntries(message.entries);
      case "forwardStopSign":
        return { message: null, refused: "a proposal to seal the log" };
      default:
        return { message, refused: null };
    }
  }

  /** This very object was checked. */
  wasChecked(entry: Uint8Array): boolean {
    return this.#checked.has(entry);
  }

  #admitEntries(entries: readonly Uint8Array[]): Admitted {
    let refused: string | null = null;
    const readable: Uint8Array[] = [];
    for (const entry of entries) {
      const problem = validateEntry(entry) ?? wrongForward(entry);
      if (problem === null) {
        this.#checked.add(entry);
        readable.push(entry);
      } else {
        refused ??= `a proposal that cannot be read: ${problem.message}`;
      }
    }
    if (readable.length === 0) return { message: null, refused };
    return { message: { type: "proposalForward", entries: readable }, refused };
  }
}

/** ADMIT-4. Entries of earlier rules have none, which their version tells. */
function wrongForward(entry: Uint8Array): KvError | null {
  if ((entry[0] ?? 0) < OPERATIONS.clock.since) return null;
  const cursor = new CommandCursor();
  cursor.reset(entry);
  while (cursor.next()) {
    if (cursor.op === OP.clock) {
      return new KvError("BAD_REQUEST", "only a leader moves the cluster's clock, in its own log");
    }
  }
  return null;
}

function isBeyond(message: NodePaxosMessage, promise: Ballot): boolean {
  if (promise.n === 0) return false;
  const max = promise.n + BALLOT_STEP_MAX;
  switch (message.type) {
    case "heartbeatReply":
      return message.ballot.n > max || message.leader.n > max;
    case "heartbeatRequest":
    case "proposalForward":
    case "forwardStopSign":
    case "compaction":
      return false;
    default:
      return message.n.n > max;
  }
}
