/** One thing a user asked for, on its way to an answer. */
import type { KvError } from "../../base/index.ts";
import {
  isRead,
  type Answer,
  type AnyRead,
  type Operation,
  type WriteOperation,
} from "./frames.ts";

/** Exactly one of the two is null. */
export type Done = (error: KvError | null, answer: Answer | null) => void;

/** Where requests wait for one node, and leave for it (lane.ts). */
export interface Carrier {
  /** Position among those of a client. */
  readonly index: number;
  enqueue(request: Request): void;
}

interface RequestBase {
  /** The only node to ask; null: any. */
  readonly node: number | null;
  readonly timeoutMs: number;
  /** Milliseconds since the client was made, whole. */
  readonly deadline: number;
  readonly done: Done;
  /** A write: its number within `session`, the same for every attempt. A read: a number of this client. 0: none yet. */
  number: number;
  /** Where it waits or was sent last. */
  lane: Carrier | null;
  state: "queued" | "sent" | "parked" | "over";
  /** As `deadline`: the time at which the attempt under way has taken so long that the client asks another node. 0: never. */
  attemptDeadline: number;
  /** Nodes tried since it was submitted or parked last. */
  tried: number;
  /** Connections lost while it was under way. */
  losses: number;
  /**
   * What the client had seen of the log when it sent the request: all attempts whose answers may still come were sent then or
   * later. 0 for a local read, which any state may answer that its frame allows.
   */
  seenIdx: number;
  /** An attempt was left behind over a connection that may still bring its answer: `seenIdx` stays the one of that attempt. */
  isOverdue: boolean;
  lastError: KvError | null;
  /** The node that it came from, or that it is about. */
  lastErrorOf: Carrier | null;
  /** A node refused it because it did not know which user asks, and the client has signed in anew for it. */
  signedInAgain: boolean;
}

export interface ReadRequest extends RequestBase {
  readonly isWrite: false;
  readonly operation: AnyRead;
  /** When it was sent last, the origin of the cluster's log was known. */
  knewOrigin: boolean;
}

export interface WriteRequest extends RequestBase {
  readonly isWrite: true;
  readonly operation: WriteOperation;
  /** The session in which `number` counts. */
  session: number;
  /** Sessions that had expired when it arrived. */
  expiries: number;
  /** An attempt ended without an answer: it may have been carried out. */
  maybeApplied: boolean;
}

export type Request = ReadRequest | WriteRequest;

/** Written out twice, without spreading: the client makes one for every request, and the engine sees two shapes only. */
export function newRequest(
  operation: Operation,
  node: number | null,
  timeoutMs: number,
  deadline: number,
  done: Done,
): Request {
  if (isRead(operation)) {
    return {
      isWrite: false,
      operation,
      node,
      timeoutMs,
      deadline,
      done,
      number: 0,
      lane: null,
      state: "queued",
      attemptDeadline: 0,
      tried: 0,
      losses: 0,
      seenIdx: 0,
      isOverdue: false,
      lastError: null,
      lastErrorOf: null,
      signedInAgain: false,
      knewOrigin: false,
    };
  }
  return {
    isWrite: true,
    operation,
    node,
    timeoutMs,
    deadline,
    done,
    number: 0,
    lane: null,
    state: "queued",
    attemptDeadline: 0,
    tried: 0,
    losses: 0,
    seenIdx: 0,
    isOverdue: false,
    lastError: null,
    lastErrorOf: null,
    signedInAgain: false,
    session: 0,
    expiries: 0,
    maybeApplied: false,
  };
}

/** Of a request without an answer: also what a read has waited for that may never come. */
export function lateText({ timeoutMs, operation }: Request): string {
  const revision = "atLeast" in operation ? (operation.atLeast ?? 0) : 0;
  const state = revision === 0 ? "" : ` from a state that has come to revision ${revision}`;
  return `no answer within ${timeoutMs} ms${state}`;
}

export function isAttemptOver({ state, attemptDeadline }: Request, now: number): boolean {
  return state === "sent" && attemptDeadline !== 0 && attemptDeadline <= now;
}
