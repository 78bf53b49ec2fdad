/**
 * Which messages a node takes from a peer that may be faulty: one bad peer must not end the others, nor leave them without a
 * leader. This is no defence against a peer that lies in what it votes, leads or stores.
 *
 * Invariants:
 *   ADMIT-1. This node hands on a peer's proposal only when it can read it: every node has to carry it out, now and after each
 *       restart. It does not check entries of a leader's stream here: the leader has checked the proposals it got, and makes its
 *       own of checked groups. Every node skips a faulty leader's entries when it applies them (kv-state, STATE-5).
 *   ADMIT-2. No honest ballot is refused. A node makes one by adding 1 to another, so it takes BALLOT_STEP_MAX changes of leaders,
 *       which is 13 years at ten a second, until a node that heard of none of them meets one beyond. A node that has never
 *       promised anything, perhaps a new node of an old cluster, takes any ballot.
 *   ADMIT-3. No peer can have the log sealed: this version cannot go on behind a stop-sign.
 *   ADMIT-4. Only the leader moves the cluster's clock, in its own log.
 */
import { KvError } from "../../base/index.ts";
import { CommandCursor, validateEntry } from "../../store/index.ts";
import { OP, OPERATIONS } from "../../store/operations/index.ts";
import type { Ballot } from "../../omnipaxos/index.ts";
import type { NodePaxosMessage } from "../../protocol/messages/index.ts";

/** No honest node makes a ballot that lies further above what this node has promised. */
export const BALLOT_STEP_MAX = 2 ** 32;

export interface Admitted {
  /** What is left of the message; null: nothing. */
  readonly message: NodePaxosMessage | null;
  /** Why the rest was dropped. */
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
