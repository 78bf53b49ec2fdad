/** A failure in one line: what happened, and what to do about it. Pure. */
import {
  type KvError,
  printable,
  troubleOfListener,
  strangersOf,
  unreachable,
  unreachedOf,
} from "../base/index.ts";
import { isNodeWithoutSecret, isWireTrouble } from "../protocol/handshake/index.ts";
import {
  EXIT,
  type ExitStatus,
  formatDuration,
  type Outcome,
  roundMs,
  type Style,
  withSignInHint,
} from "./terminal/index.ts";

export interface FailureContext {
  /** What was asked, "write" for example; part of the JSON answer. */
  readonly op: string;
  /** It changes something: then an outcome can be unknown. */
  readonly changes: boolean;
  /** How the user finds out the outcome when it is unknown. */
  readonly lookFirst: string;
  /** The node asked; null: any. */
  readonly node: number | null;
  /** The address of the node that was asked, or of all of them. */
  readonly address: string;
  /** The error's message says it all: the whole cluster was asked. */
  readonly explained?: boolean;
  readonly timeoutMs: number;
  /** The revision that the state had to have that was read. Left out: none in particular. */
  readonly atLeast?: number;
  /** A node's own state was read. */
  readonly local?: boolean;
  /** How a user starts a node: "sh run2.sh". */
  readonly startCommand: (node: number) => string;
  readonly style: Style;
}

export function failureOutcome(error: KvError, context: FailureContext, ms: number): Outcome {
  const unknown = isUnknown(error, context);
  const took = ` (${formatDuration(ms)})`;
  const { style } = context;
  const text = unknown
    ? `${style.warn("unknown")}: it may or may not have taken effect: ${unknownText(error, context)}`
    : style.bad(failedText(error, context));
  return {
    text: `${text}${style.dim(took)}`,
    json: {
      ok: false,
      ...(context.node === null ? {} : { node: context.node }),
      op: context.op,
      code: error.code,
      definite: !unknown,
      retryable: error.retryable,
      message: error.message,
      ms: roundMs(ms),
    },
    status: unknown ? EXIT.unknown : statusOf(error),
  };
}

/** A read leaves nothing behind, however it ends. */
function isUnknown(error: KvError, context: FailureContext): boolean {
  return context.changes && !error.definite;
}

export function statusOf(error: KvError): ExitStatus {
  switch (error.code) {
    case "NO_QUORUM":
    case "SHUTTING_DOWN":
    case "TIMEOUT":
    case "CONNECTION_LOST":
    case "CONNECTION_FAILED":
    case "UNSUPPORTED_VERSION":
    case "UNKNOWN_NODE":
    case "WRONG_CLUSTER":
      return EXIT.unavailable;
    case "UNAUTHORIZED":
    case "UNAUTHENTICATED":
    case "BAD_REQUEST":
    case "KEY_TOO_LARGE":
    case "VALUE_TOO_LARGE":
    case "OVERLOADED":
    case "SESSION_EXPIRED":
    case "STALE_REQUEST":
    case "DISK_FULL":
    case "DIVERGED":
    case "NO_SPACE":
    case "TXN_REFUSED":
    case "CONFLICT":
    case "COMPACTED":
    case "REVISION_AHEAD":
    case "FORBIDDEN":
    case "CANCELLED":
    case "LEASE_LOST":
    case "LEASE_LIMIT":
    case "LEASE_EXISTS":
    case "LOCK_LOST":
    case "INTERNAL":
      return EXIT.failed;
    default:
      return unreachable(error.code, "error code");
  }
}

function unknownText(error: KvError, context: FailureContext): string {
  const advice = context.lookFirst;
  if (context.explained === true) return `${messageOf(error)}; ${advice}`;
  switch (error.code) {
    case "TIMEOUT":
      return `${who(context)} did not answer within ${formatDuration(context.timeoutMs)}; ${advice}`;
    case "CONNECTION_LOST":
      return `the connection to ${who(context)} was lost before the answer; ${advice}`;
    case "CANCELLED":
      return `cancelled after it was sent; ${advice}`;
    default:
      return `${messageOf(error)}; ${advice}`;
  }
}

function failedText(error: KvError, context: FailureContext): string {
  const { node, address, timeoutMs, startCommand, atLeast } = context;
  if (context.explained === true) return messageOf(error);
  const unreached = unreachedOf(messageOf(error));
  const strangers = strangersOf(messageOf(error));
  switch (error.code) {
    case "CONNECTION_FAILED":
      // It does answer, and starting it would not help.
      if (troubleOfListener(error.message) !== null) return messageOf(error);
      return node === null
        ? `no node answers (tried ${address}): start them, \`${startCommand(1)}\` and so on`
        : `node ${node} does not answer at ${address}: start it with \`${startCommand(node)}\`, or ask another node`;
    case "NO_QUORUM":
      if (strangers !== null) {
        const others = unreached === null ? "" : `start or reconnect ${unreached}, and `;
        return `the nodes that answer reach no majority, nothing was done: ${others}look at ${strangers}: of another cluster, or begun anew, so it does not count here`;
      }
      if (unreached !== null)
        return `the nodes that answer reach no majority, nothing was done: start or reconnect ${unreached} (\`all status\` in the management prompt shows them)`;
      if (context.local === true) {
        return `${who(context)} is behind what this prompt has seen elsewhere, and reaches no majority of the nodes: what it has shows in a new prompt, or by one command like \`omnikv get KEY --local${node === null ? "" : ` --node ${node}`}\``;
      }
      return `${who(context)} reaches no majority of the nodes, nothing was done: start or reconnect the others (\`all status\` in the management prompt shows them)`;
    case "TIMEOUT":
      if (unreached !== null)
        return `no answer within ${formatDuration(timeoutMs)}, and no connection to ${unreached}: start or reconnect them (\`all status\` in the management prompt)`;
      if (atLeast !== undefined) {
        const nobody = node === null ? "no node has" : `node ${node} has not`;
        return `${nobody} come as far as revision ${atLeast} within ${formatDuration(timeoutMs)}`;
      }
      return `${who(context)} did not answer within ${formatDuration(timeoutMs)}: is a majority of the nodes up? (\`all status\` in the management prompt)`;
    case "CONNECTION_LOST":
      return `the connection to ${who(context)} was lost: try again, or ask another node`;
    case "SHUTTING_DOWN":
      return `${who(context)} is shutting down, nothing was done: ask another node`;
    case "OVERLOADED":
      return `${who(context)} has too much to do, nothing was done: try again in a moment`;
    case "DISK_FULL":
      return context.changes
        ? `the disk of ${diskOwner(error, context)} is full, nothing was done: make room, writes then go on by themselves`
        : `the disk of ${diskOwner(error, context)} is full, and it is behind what was seen elsewhere: ask another node, or make room`;
    case "UNAUTHORIZED":
      if (isWireTrouble(error.message)) return messageOf(error);
      if (isNodeWithoutSecret(error.message))
        return `${who(context)} has no secret, and this client has one: leave out --secret-file, or start all nodes with it`;
      return `${who(context)} wants the cluster's secret: name its file with --secret-file (${messageOf(error)})`;
    case "CANCELLED":
      return context.changes ? "cancelled before it was sent, nothing was done" : "cancelled";
    case "SESSION_EXPIRED":
      return "this client's session has expired, nothing was done: try again";
    case "BAD_REQUEST":
    case "KEY_TOO_LARGE":
    case "VALUE_TOO_LARGE":
    case "STALE_REQUEST":
    case "DIVERGED":
    case "NO_SPACE":
    case "TXN_REFUSED":
    case "CONFLICT":
    case "COMPACTED":
    case "REVISION_AHEAD":
    case "FORBIDDEN":
    case "UNAUTHENTICATED":
    case "UNSUPPORTED_VERSION":
    case "UNKNOWN_NODE":
    case "WRONG_CLUSTER":
    case "LEASE_LOST":
    case "LEASE_LIMIT":
    case "LEASE_EXISTS":
    case "LOCK_LOST":
    case "INTERNAL":
      return messageOf(error);
    default:
      return unreachable(error.code, "error code");
  }
}

/** A node may send any text: control characters must not get to the terminal. */
function messageOf(error: KvError): string {
  return printable(withSignInHint(error.message));
}

/** A request that names no node is refused by the last one that was asked, which says who it is. */
function diskOwner({ message }: KvError, { node }: FailureContext): string {
  const [, named] = /^the disk of node (\d{1,6}) is full/.exec(message) ?? [];
  if (named !== undefined) return `node ${named}`;
  return node === null ? "a node" : `node ${node}`;
}

function who({ node }: FailureContext): string {
  return node === null ? "the cluster" : `node ${node}`;
}
