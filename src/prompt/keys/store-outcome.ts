/** Carries out commands about the past of a key, several keys at once, and all keys of a prefix. */
import { afterPrefix, KvError, unreachable } from "../../base/index.ts";
import type { KvRequests } from "../../client/index.ts";
import type { ReadOptions, RequestOptions } from "../../client/terms/index.ts";
import {
  bytesField,
  EXIT,
  formatDuration,
  type Outcome,
  quote,
  roundMs,
  type Screen,
  type Style,
} from "../terminal/index.ts";
import { keyCount, keyTable, type KeyRow } from "./key-table.ts";
import type { ReadMoment, StoreAction } from "../commands/index.ts";

export type StoreCalls = Pick<KvRequests, "snapshot" | "history" | "keys" | "count" | "txn">;

export interface StoreRun {
  readonly client: StoreCalls;
  readonly request: RequestOptions;
  readonly style: Style;
  readonly screen: Pick<Screen, "columns" | "confirm">;
  readonly elapsedMs: () => number;
}

/** One step of a deletion takes so many keys: a transaction looks at ten thousand at most, and others may add some meanwhile. */
const KEYS_EACH_STEP = 5000;

export function storeOutcome(run: StoreRun, action: StoreAction): Promise<Outcome> {
  switch (action.op) {
    case "read":
      return readMany(run, action);
    case "history":
      return history(run, action);
    case "delete":
      return "keys" in action ? deleteMany(run, action.keys) : deletePrefix(run, action);
    default:
      return unreachable(action, "action");
  }
}

export function readOptions(
  request: RequestOptions,
  { local, revision, atLeast }: ReadMoment,
): ReadOptions {
  return {
    ...request,
    ...(local || atLeast > 0 ? { consistency: "local" } : {}),
    ...(revision === 0 ? {} : { revision }),
    ...(atLeast === 0 ? {} : { atLeast }),
  };
}

async function readMany(
  { client, request, style, screen, elapsedMs }: StoreRun,
  action: Extract<StoreAction, { op: "read" }>,
): Promise<Outcome> {
  const { revision, results } = await client.snapshot(action.keys, readOptions(request, action));
  const ms = elapsedMs();
  const rows = action.keys.map((key, i) => ({ key, found: results[i] }));
  const columns = screen.columns?.();
  const missing = style.warn("(not found)");
  const lines =
    columns === undefined
      ? rows.map(({ key, found }) => {
          const value = found?.found === true ? style.value(quote(found.value)) : missing;
          return `${quote(key)} ${value}`;
        })
      : [
          ...keyTable(
            rows.flatMap(({ key, found }): KeyRow[] =>
              found?.found === true
                ? [{ key, value: found.value, revision: found.modRevision, version: found.version }]
                : [],
            ),
            columns,
            style,
          ),
          ...rows.flatMap(({ key, found }) =>
            found?.found === true ? [] : [`${quote(key)} ${missing}`],
          ),
        ];
  return {
    text: lines.join("\n"),
    footer: {
      text: style.dim(`(state of revision ${revision}, ${formatDuration(ms)})`),
      isPart: false,
    },
    json: {
      ok: true,
      op: "read",
      keys: rows.map(({ key, found }) => ({
        ...bytesField("key", key),
        found: found?.found === true,
        ...(found?.found === true
          ? {
              ...bytesField("value", found.value),
              modRevision: found.modRevision,
              createRevision: found.createRevision,
              version: found.version,
            }
          : {}),
      })),
      revision,
      ms: roundMs(ms),
    },
    status: EXIT.ok,
  };
}

async function history(
  { client, request, style, screen, elapsedMs }: StoreRun,
  action: Extract<StoreAction, { op: "history" }>,
): Promise<Outcome> {
  const { key, limit } = action;
  const versions = [];
  // One more than is shown tells whether there are more.
  const wanted = { ...readOptions(request, action), limit: limit + 1 };
  for await (const each of client.history(key, wanted)) versions.push(each);
  const more = versions.length > limit;
  if (more) versions.pop();
  const ms = elapsedMs();
  const columns = screen.columns?.();
  const rows = versions.map(({ revision, version, value }) => ({ revision, version, value }));
  const lines =
    columns === undefined
      ? versions.map(({ revision, value }) => {
          const words = value === null ? style.warn("(deleted)") : style.value(quote(value));
          return `${revision} ${words}`;
        })
      : keyTable(rows, columns, style);
  const count = versions.length === 1 ? "1 version" : `${versions.length} versions`;
  const note = more ? "there are more: --limit" : "all that is kept";
  const took = formatDuration(ms);
  return {
    text: versions.length === 0 ? "" : lines.join("\n"),
    footer: {
      text:
        versions.length === 0
          ? `${style.warn("(nothing is kept)")} ${style.dim(`(${took})`)}`
          : `${count} ${style.dim(`(${note}, ${took})`)}`,
      isPart: more,
    },
    json: {
      ok: true,
      op: "history",
      ...bytesField("key", key),
      versions: versions.map(({ revision, value, createRevision, version }) => ({
        revision,
        ...(value === null
          ? { deleted: true }
          : { ...bytesField("value", value), createRevision, version }),
      })),
      more,
      ms: roundMs(ms),
    },
    status: EXIT.ok,
  };
}

/** Deletes all of them in one step: nobody sees a part gone. */
async function deleteMany(
  { client, request, style, screen, elapsedMs }: StoreRun,
  wanted: readonly Uint8Array[],
): Promise<Outcome> {
  const steps = wanted.map((key) => ({ op: "delete", key }) as const);
  // oxlint-disable-next-line no-thenable -- a list, which nobody can call
  const { node, revision, results } = await client.txn({ then: steps }, request);
  const existed = results?.map((result) => result.op === "delete" && result.count > 0) ?? null;
  const deleted = existed?.filter(Boolean).length ?? null;
  const of = `of ${wanted.length}`;
  const words =
    deleted === 0
      ? style.warn(`(none ${of} found)`)
      : `${style.good("deleted")}, ${deleted === null ? "how many is not known any more" : `${keyCount(deleted, screen)} ${of}`}, revision ${revision}`;
  const ms = elapsedMs();
  return {
    text: `${words} ${style.dim(`(${formatDuration(ms)})`)}`,
    json: {
      ok: true,
      node,
      op: "delete",
      keys: wanted.map((key, i) => ({
        ...bytesField("key", key),
        ...(existed === null ? {} : { existed: existed[i] }),
      })),
      ...(deleted === null ? {} : { deleted }),
      revision,
      ms: roundMs(ms),
    },
    status: EXIT.ok,
  };
}

/** Not one step but several: each is a transaction of its own, so a concurrent reader may see a part of the keys gone. */
async function deletePrefix(
  { client, request, style, screen, elapsedMs }: StoreRun,
  { prefix, asks }: Extract<StoreAction, { readonly asks: boolean }>,
): Promise<Outcome> {
  const outcome = (words: string, deleted: number): Outcome => {
    const ms = elapsedMs();
    return {
      text: `${words} ${style.dim(`(${formatDuration(ms)})`)}`,
      json: { ok: true, op: "delete", ...bytesField("prefix", prefix), deleted, ms: roundMs(ms) },
      status: EXIT.ok,
    };
  };
  const { count } = await client.count({ prefix }, request);
  if (count === 0) return outcome(style.warn("(no keys)"), 0);
  if (asks && screen.confirm !== undefined) {
    const question = `delete all that begins with ${quote(prefix)}, ${keyCount(count, screen)}? (yes or no) `;
    if (!(await screen.confirm(question))) return outcome("nothing was deleted", 0);
  }
  const end = afterPrefix(prefix);
  let start: Uint8Array = prefix;
  let deleted = 0;
  try {
    for (;;) {
      const selector = { start, ...(end === null ? {} : { end }) };
      const found = [];
      for await (const { key } of client.keys(selector, { ...request, limit: KEYS_EACH_STEP })) {
        found.push(key);
      }
      const last = found.at(-1);
      if (last === undefined)
        return outcome(`${style.good("deleted")}, ${keyCount(deleted, screen)}`, deleted);
      const past = Uint8Array.of(...last, 0);
      const step = { op: "delete", range: { start, end: past } } as const;
      // oxlint-disable-next-line no-thenable -- a list, which nobody can call
      const { results } = await client.txn({ then: [step] }, request);
      const [result] = results ?? [];
      deleted += result?.op === "delete" ? result.count : found.length;
      start = past;
    }
  } catch (error) {
    if (!(error instanceof KvError) || deleted === 0) throw error;
    const text = `${keyCount(deleted, screen)} were deleted before: ${error.message}`;
    throw new KvError(error.code, text, { cause: error, definite: false });
  }
}
