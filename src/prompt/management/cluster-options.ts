/** What the commands for the whole cluster need. */
import { type KvError, printable, troubleOfListener } from "../../base/index.ts";
import type { RequestOptions } from "../../client/terms/index.ts";
import type { AdminOp, AdminParams, AdminResult } from "../../protocol/admin/index.ts";
import type { PasswordSource } from "../commands/index.ts";
import { formatDuration, type Style, withSignInHint } from "../terminal/index.ts";

/** The part of AdminCore that the prompt needs. */
export interface AdminCalls {
  call<Op extends AdminOp>(
    node: number,
    op: Op,
    params: AdminParams<Op>,
    options?: Omit<RequestOptions, "node">,
  ): Promise<AdminResult<Op>>;
}

/**
 * Servers that this process started. Each rejects with a KvError BAD_REQUEST when the server is not in a state for it,
 * CONNECTION_FAILED when it cannot be started.
 */
export interface ServerControl {
  running(): readonly number[];
  /** Those that were paused, and run otherwise. */
  paused(): readonly number[];
  crash(node: number): Promise<void>;
  restart(node: number): Promise<void>;
  pause(node: number): Promise<void>;
  resume(node: number): Promise<void>;
}

export interface ClusterOptions {
  readonly client: AdminCalls;
  readonly nodes: readonly { readonly id: number; readonly host: string; readonly port: number }[];
  readonly timeoutMs: number;
  readonly style: Style;
  /** How a user starts a node, or lets it go on when it is paused: "sh run2.sh". */
  readonly startCommand: (node: number) => string;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
  /** Resolves after `ms`, or at once when the signal is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /**
   * A password that a command is about; rejects with a KvError BAD_REQUEST. Left out: there is no way to get one.
   * @param user the user whose password it is
   */
  readonly password?: (
    source: Exclude<PasswordSource, { readonly from: "none" }>,
    user: string,
  ) => Promise<string>;
  /** Null: another process started the servers. */
  readonly servers: ServerControl | null;
}

/** A paused node takes requests and does not answer: the others must not wait for it for long. */
const FAULTS_TIMEOUT_MS = 2000;
const LOOK_TIMEOUT_MS = 1000;

export function faultsTimeoutMs({ timeoutMs }: ClusterOptions): number {
  return Math.min(timeoutMs, FAULTS_TIMEOUT_MS);
}

export function lookTimeoutMs({ timeoutMs }: ClusterOptions): number {
  return Math.min(timeoutMs, LOOK_TIMEOUT_MS);
}

/** Why a node did not do, or say, what it was asked: in a list of several. */
export function reasonText(
  options: ClusterOptions,
  node: number,
  error: KvError,
  waitedMs: number,
): string {
  // The node names itself in what it forbids.
  if (error.code === "FORBIDDEN") return printable(error.message);
  return `node ${node} ${reasonWords(options, node, error, waitedMs)}`;
}

/** The same behind the node's id. */
export function reasonWords(
  { nodes, servers, startCommand }: ClusterOptions,
  node: number,
  error: KvError,
  waitedMs: number,
): string {
  if (isSilence(error) && servers?.paused().includes(node) === true)
    return `is paused (\`${startCommand(node)}\` lets it go on)`;
  const address = nodes.filter(({ id }) => id === node).map(({ host, port }) => `${host}:${port}`);
  switch (error.code) {
    case "CONNECTION_FAILED": {
      const trouble = troubleOfListener(error.message);
      if (trouble !== null)
        return `cannot be reached at ${address.join("")}: ${printable(trouble)}`;
      return `does not answer at ${address.join("")} (\`${startCommand(node)}\` starts it)`;
    }
    case "TIMEOUT":
      return `did not answer within ${formatDuration(waitedMs)}`;
    case "CONNECTION_LOST":
      return "broke the connection before it answered";
    default:
      return `answered: ${printable(withSignInHint(error.message))}`;
  }
}

/** It did not answer, which says nothing about why. */
function isSilence({ code, message }: KvError): boolean {
  return (
    code === "TIMEOUT" || (code === "CONNECTION_FAILED" && troubleOfListener(message) === null)
  );
}
