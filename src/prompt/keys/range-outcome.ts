/** Carries out `range`, `keys` and `count`, and puts what they found into words. */
import type { KvRequests } from "../../client/index.ts";
import type {
  CountOptions,
  KeyEntry,
  RangeSelector,
  RequestOptions,
} from "../../client/terms/index.ts";
import { ORDERED_KEYS_MAX } from "../../base/index.ts";
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
import type { RangeAction } from "../commands/index.ts";
import { readOptions } from "./store-outcome.ts";

type Entry = KeyEntry & { readonly value?: Uint8Array };

const LINE_END = Uint8Array.of(0x0a);

export async function rangeOutcome(
  client: Pick<KvRequests, "range" | "keys" | "count">,
  action: RangeAction,
  request: RequestOptions,
  style: Style,
  elapsedMs: () => number,
  screen: Pick<Screen, "columns">,
): Promise<Outcome> {
  const { op, limit, reverse, order, bounds } = action;
  const local = action.local || action.atLeast > 0;
  const options: CountOptions = { ...readOptions(request, action), ...bounds };
  const selector = selectorOf(action);
  if (op === "count") {
    const { count, revision } = await client.count(selector, options);
    const ms = elapsedMs();
    return {
      text: `${style.value(keyCount(count, screen))} ${style.dim(`(${notes(`revision ${revision}`, local, ms)})`)}`,
      bytes: Buffer.from(`${count}\n`, "utf8"),
      json: { ok: true, op, count, revision, ms: roundMs(ms) },
      status: EXIT.ok,
    };
  }
  // One more than is shown tells whether there are more.
  const most = order === "key" ? limit + 1 : Math.min(limit + 1, ORDERED_KEYS_MAX);
  const wanted = { ...options, reverse, orderBy: order, limit: most };
  const found: Entry[] = [];
  const entries = op === "range" ? client.range(selector, wanted) : client.keys(selector, wanted);
  for await (const entry of entries) found.push(entry);
  const more = found.length > limit;
  if (more) found.pop();
  const ms = elapsedMs();
  const columns = screen.columns?.();
  const lines =
    columns === undefined || found.length === 0
      ? found.map(({ key, value }) =>
          value === undefined ? quote(key) : `${quote(key)} ${style.value(quote(value))}`,
        )
      : keyTable(found.map(rowOf), columns, style);
  const total = found.length === 0 ? style.warn("(no keys)") : keyCount(found.length, screen);
  const note = more ? "there are more: --limit" : "all";
  return {
    text: lines.join("\n"),
    footer: { text: `${total} ${style.dim(`(${notes(note, local, ms)})`)}`, isPart: more },
    ...(op === "keys" ? { bytes: keyLines(found) } : {}),
    json: {
      ok: true,
      op,
      keys: found.map(({ key, value, ...revisions }) => ({
        ...bytesField("key", key),
        ...(value === undefined ? {} : bytesField("value", value)),
        ...revisions,
      })),
      more,
      ms: roundMs(ms),
    },
    status: EXIT.ok,
  };
}

/** As they are, each with a line end. */
function keyLines(found: readonly Entry[]): Uint8Array {
  return Buffer.concat(found.flatMap(({ key }) => [key, LINE_END]));
}

function rowOf({ key, value, modRevision, version }: Entry): KeyRow {
  const row = { key, revision: modRevision, version };
  return value === undefined ? row : { ...row, value };
}

function selectorOf({ prefix, from, to }: RangeAction): RangeSelector {
  if (from === null && to === null) return { prefix };
  return { ...(from === null ? {} : { start: from }), ...(to === null ? {} : { end: to }) };
}

function notes(first: string, local: boolean, ms: number): string {
  return [first, ...(local ? ["local, perhaps old"] : []), formatDuration(ms)].join(", ");
}
