/** Carries out the commands of the client prompt and puts the answers into words. */
import { KvError, unreachable } from "../base/index.ts";
import type { KvRequests } from "../client/index.ts";
import type {
  CasResult,
  NodeAddress,
  ReadResult,
  RequestOptions,
  ResultOf,
} from "../client/terms/index.ts";
import {
  allCommands,
  bytesField,
  type Elsewhere,
  EXIT,
  formatDuration,
  type Outcome,
  type Prompt,
  quote,
  roundMs,
  type Screen,
  type Style,
  type Target,
} from "./terminal/index.ts";
import { CLIENT_HELP, type ClientAction, clientTable, type KeyAction } from "./commands/index.ts";
import { adminTable } from "./management/index.ts";
import { failureOutcome } from "./failure.ts";
import {
  type LeaseCalls,
  leaseOutcome,
  type LoadClock,
  loadKeys,
  rangeOutcome,
  type StoreCalls,
  storeOutcome,
  txnOutcome,
  type WatchCalls,
  watchKeys,
} from "./keys/index.ts";

/** The part of KvClient that the prompt needs. */
export type KvCalls = Pick<KvRequests, "request" | "range"> & StoreCalls & WatchCalls & LeaseCalls;

/** Commands that change nothing. */
const READS: ReadonlySet<string> = new Set(["read", "history", "locks"]);

export interface ClientPromptOptions {
  readonly client: KvCalls;
  readonly nodes: readonly NodeAddress[];
  readonly timeoutMs: number;
  readonly style: Style;
  /** How a user starts a node: "sh run2.sh". */
  readonly startCommand: (node: number) => string;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
  /** Timers of the same clock. Not there: those of the process. */
  readonly after?: LoadClock["after"];
}

export function createClientPrompt(options: ClientPromptOptions): Prompt<ClientAction> {
  const { nodes, style } = options;
  const ids = nodes.map(({ id }) => id);
  const addresses = nodes.map(({ id, host, port }) => ({ id, address: `${host}:${port}` }));
  return {
    table: { ...clientTable(ids), elsewhere: { prompt: "manage", commands: adminCommands(ids) } },
    help: CLIENT_HELP,
    nodes: addresses,
    style,
    findKeys: (start, limit, signal) => findKeys(options.client, start, limit, signal),
    execute: async (target, action, signal, screen) => {
      const started = options.now();
      const elapsedMs = (): number => options.now() - started;
      try {
        return await outcomesOf(options, action, requestOptions(target, signal), screen, elapsedMs);
      } catch (error) {
        if (!(error instanceof KvError)) throw error;
        const asked = addresses.filter(({ id }) => target === null || id === target);
        const context = {
          op: action.op,
          changes: isChange(action),
          lookFirst: `read the ${action.family === "txn" || action.family === "store" ? "keys" : "key"} before you try again`,
          node: target,
          address: asked.map(({ address }) => address).join(", "),
          timeoutMs: options.timeoutMs,
          ...atLeastIn(action),
          local: isLocal(action),
          startCommand: options.startCommand,
          style,
        };
        return [failureOutcome(error, context, elapsedMs())];
      }
    },
  };
}

type Requested = RequestOptions & { readonly signal: AbortSignal };

/** @throws KvError */
async function outcomesOf(
  { client, style, now, after = afterMs }: ClientPromptOptions,
  action: ClientAction,
  request: Requested,
  screen: Screen,
  elapsedMs: () => number,
): Promise<readonly Outcome[]> {
  switch (action.family) {
    case undefined:
      return [answerOutcome(action, await client.request(action, request), style, elapsedMs())];
    case "store":
      return [await storeOutcome({ client, request, style, screen, elapsedMs }, action)];
    case "range":
      return [await rangeOutcome(client, action, request, style, elapsedMs, screen)];
    case "txn":
      return [await txnOutcome(client, action, request, style, elapsedMs)];
    case "lease":
      return [await leaseOutcome(client, action, request, style, elapsedMs)];
    case "load":
      return [await loadKeys({ client, clock: { now, after }, request, style, screen }, action)];
    case "watch":
      await watchKeys(client, action, request, style, screen);
      return [];
    default:
      return unreachable(action, "client action");
  }
}

function adminCommands(ids: readonly number[]): Elsewhere["commands"] {
  return allCommands(adminTable(ids));
}

function afterMs(ms: number, callback: () => void): () => void {
  const timer = setTimeout(callback, ms);
  return () => clearTimeout(timer);
}

/** The least revision for an action that reads. */
function atLeastIn(action: ClientAction): { readonly atLeast?: number } {
  if (!("atLeast" in action) || !action.atLeast) return {};
  return { atLeast: action.atLeast };
}

function isLocal(action: ClientAction): boolean {
  if (action.family === undefined) return action.op === "read" && action.consistency === "local";
  return "local" in action && action.local;
}

function isChange(action: ClientAction): boolean {
  const { family, op } = action;
  return family !== "range" && family !== "watch" && !READS.has(op);
}

/** A local read: completion is not worth a round through the cluster. */
async function findKeys(
  client: KvCalls,
  prefix: Uint8Array,
  limit: number,
  signal: AbortSignal,
): Promise<readonly Uint8Array[]> {
  const found: Uint8Array[] = [];
  const options = { consistency: "local", limit, signal } as const;
  for await (const { key } of client.keys({ prefix }, options)) found.push(key);
  return found;
}

function requestOptions(target: Target, signal: AbortSignal): Requested {
  return target === null ? { signal } : { signal, node: target };
}

function answerOutcome(
  action: KeyAction,
  result: ResultOf<KeyAction["op"]>,
  style: Style,
  ms: number,
): Outcome {
  const { words, notes, fields } = describe(action, result, style);
  return {
    text: `${words} ${style.dim(`(${[...notes, formatDuration(ms)].join(", ")})`)}`,
    json: {
      ok: true,
      node: result.node,
      op: action.op,
      ...bytesField("key", action.key),
      ...fields,
      ms: roundMs(ms),
    },
    status: EXIT.ok,
    ...("found" in result && result.found ? { bytes: result.value } : {}),
  };
}

interface Description {
  readonly words: string;
  /** In parentheses behind the words. */
  readonly notes: readonly string[];
  readonly fields: Readonly<Record<string, unknown>>;
}

/** By the fields of the result: requests with the same kind of answer are described alike. */
function describe(action: KeyAction, result: ResultOf<KeyAction["op"]>, style: Style): Description {
  if ("found" in result) {
    const local = action.op === "read" && action.consistency === "local";
    return describeRead(result, local, style);
  }
  if ("swapped" in result) return describeCas(result, style);
  const { revision } = result;
  if ("existed" in result) {
    const { existed } = result;
    const words = existed
      ? `${style.good("deleted")}, revision ${revision}`
      : style.warn("(not found)");
    return { words, notes: [], fields: { existed, revision } };
  }
  return { words: `${style.good("ok")}, revision ${revision}`, notes: [], fields: { revision } };
}

function describeRead(result: ReadResult, local: boolean, style: Style): Description {
  const notes = local ? ["local, perhaps old"] : [];
  const consistency = local ? "local" : "linearizable";
  if (!result.found) {
    return { words: style.warn("(not found)"), notes, fields: { found: false, consistency } };
  }
  const { value, modRevision, createRevision, version } = result;
  const revisions = { modRevision, createRevision, version };
  return {
    words: style.value(quote(value)),
    notes: [`revision ${modRevision}`, ...notes],
    fields: { found: true, ...bytesField("value", value), ...revisions, consistency },
  };
}

function describeCas(result: CasResult, style: Style): Description {
  if (result.swapped) {
    const { revision } = result;
    const words = `${style.good("swapped")}, revision ${revision}`;
    return { words, notes: [], fields: { swapped: true, revision } };
  }
  const { actual } = result;
  if (actual === null) {
    const words = `${style.warn("not swapped")}: ${style.warn("(not found)")}`;
    return { words, notes: [], fields: { swapped: false, found: false } };
  }
  const { value, modRevision } = actual;
  const words =
    value === null
      ? "the value is another one, too long to be shown here"
      : `the value is ${style.value(quote(value))}`;
  const field = value === null ? {} : bytesField("value", value);
  return {
    words: `${style.warn("not swapped")}: ${words}`,
    notes: [`revision ${modRevision}`],
    fields: { swapped: false, found: true, ...field, modRevision },
  };
}
