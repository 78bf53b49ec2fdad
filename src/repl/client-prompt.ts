/** Carries out the commands of the client prompt and puts the answers into words. */
import { unreachable } from "../base/assert.ts";
import { KvError } from "../base/errors.ts";
import type {
  CasCondition,
  CasResult,
  DeleteResult,
  KvRequests,
  NodeAddress,
  ReadResult,
  RequestOptions,
  WriteResult,
} from "../client/types.ts";
import { bytesField } from "./bytes-field.ts";
import {
  CLIENT_HELP,
  clientTable,
  type CasExpectation,
  type ClientAction,
  type KeyAction,
} from "./client-commands.ts";
import type { Target } from "./command-table.ts";
import { formatDuration, roundMs } from "./duration.ts";
import { EXIT } from "./exit-status.ts";
import { failureOutcome } from "./failure.ts";
import type { Prompt } from "./prompt.ts";
import type { Outcome } from "./outcome.ts";
import { isRangeAction } from "./range-commands.ts";
import { rangeOutcome } from "./range-outcome.ts";
import type { Style } from "./style.ts";
import { quote } from "./tokenize.ts";

export interface ClientPromptOptions {
  readonly client: KvRequests;
  readonly nodes: readonly NodeAddress[];
  readonly timeoutMs: number;
  readonly style: Style;
  /** How a user starts a node: "sh run2.sh". */
  readonly startCommand: (node: number) => string;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
}

export function createClientPrompt(options: ClientPromptOptions): Prompt<ClientAction> {
  const { nodes, style } = options;
  const addresses = nodes.map(({ id, host, port }) => ({ id, address: `${host}:${port}` }));
  return {
    table: clientTable(nodes.map(({ id }) => id)),
    help: CLIENT_HELP,
    nodes: addresses,
    style,
    execute: async (target, action, signal) => {
      const started = options.now();
      const elapsedMs = (): number => options.now() - started;
      try {
        if (isRangeAction(action)) {
          const request = requestOptions(target, signal);
          return [await rangeOutcome(options.client, action, request, style, elapsedMs)];
        }
        const answer = await ask(options.client, target, action, signal);
        return [answerOutcome(action, answer, style, elapsedMs())];
      } catch (error) {
        if (!(error instanceof KvError)) throw error;
        const asked = addresses.filter(({ id }) => target === null || id === target);
        const context = {
          op: action.op,
          changes: !isRangeAction(action) && action.op !== "read",
          lookFirst: "read the key before you try again",
          node: target,
          address: asked.map(({ address }) => address).join(", "),
          timeoutMs: options.timeoutMs,
          startCommand: options.startCommand,
          style,
        };
        return [failureOutcome(error, context, elapsedMs())];
      }
    },
  };
}

type Answer =
  | { readonly op: "write"; readonly result: WriteResult }
  | { readonly op: "read"; readonly local: boolean; readonly result: ReadResult }
  | { readonly op: "delete"; readonly result: DeleteResult }
  | { readonly op: "cas"; readonly result: CasResult };

async function ask(
  client: KvRequests,
  target: Target,
  action: KeyAction,
  signal: AbortSignal,
): Promise<Answer> {
  const options = requestOptions(target, signal);
  switch (action.op) {
    case "write":
      return { op: "write", result: await client.write(action.key, action.value, options) };
    case "read": {
      const consistency = action.local ? "local" : "linearizable";
      const result = await client.read(action.key, { ...options, consistency });
      return { op: "read", local: action.local, result };
    }
    case "delete":
      return { op: "delete", result: await client.delete(action.key, options) };
    case "cas": {
      const condition = conditionOf(action.expected);
      return { op: "cas", result: await client.cas(action.key, condition, action.value, options) };
    }
    default:
      return unreachable(action, "client action");
  }
}

function requestOptions(target: Target, signal: AbortSignal): RequestOptions {
  return target === null ? { signal } : { signal, node: target };
}

function conditionOf(expected: CasExpectation): CasCondition {
  switch (expected.kind) {
    case "value":
      return { value: expected.value };
    case "absent":
      return { absent: true };
    case "revision":
      return { revision: expected.revision };
    default:
      return unreachable(expected, "condition");
  }
}

function answerOutcome(action: KeyAction, answer: Answer, style: Style, ms: number): Outcome {
  const { words, notes, fields } = describe(answer, style);
  const { node } = answer.result;
  return {
    text: `${words} ${style.dim(`(${[...notes, formatDuration(ms)].join(", ")})`)}`,
    json: {
      ok: true,
      node,
      op: action.op,
      ...bytesField("key", action.key),
      ...fields,
      ms: roundMs(ms),
    },
    status: EXIT.ok,
    ...(answer.op === "read" && answer.result.found ? { bytes: answer.result.value } : {}),
  };
}

interface Description {
  readonly words: string;
  /** In parentheses behind the words. */
  readonly notes: readonly string[];
  readonly fields: Readonly<Record<string, unknown>>;
}

function describe(answer: Answer, style: Style): Description {
  switch (answer.op) {
    case "write": {
      const { revision } = answer.result;
      return {
        words: `${style.good("ok")}, revision ${revision}`,
        notes: [],
        fields: { revision },
      };
    }
    case "read":
      return describeRead(answer.result, answer.local, style);
    case "delete": {
      const { existed, revision } = answer.result;
      const words = existed
        ? `${style.good("deleted")}, revision ${revision}`
        : style.warn("(not found)");
      return { words, notes: [], fields: { existed, revision } };
    }
    case "cas":
      return describeCas(answer.result, style);
    default:
      return unreachable(answer, "answer");
  }
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
