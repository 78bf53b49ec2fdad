/** Carries out `range`, `keys` and `count`, and puts what they found into words. */
import type { KvRequests } from "../client/key-requests.ts";
import type { RangeSelector, ReadOptions, RequestOptions } from "../client/types.ts";
import type { KeyEntry } from "../client/range-entry.ts";
import { bytesField } from "./bytes-field.ts";
import { formatDuration, roundMs } from "./duration.ts";
import { EXIT } from "./exit-status.ts";
import type { Outcome } from "./outcome.ts";
import type { RangeAction } from "./range-commands.ts";
import type { Style } from "./style.ts";
import { quote } from "./tokenize.ts";

export async function rangeOutcome(
  client: Pick<KvRequests, "range" | "keys" | "count">,
  action: RangeAction,
  request: RequestOptions,
  style: Style,
  elapsedMs: () => number,
): Promise<Outcome> {
  const { op, limit, reverse, local } = action;
  const options: ReadOptions = { ...request, consistency: local ? "local" : "linearizable" };
  const selector = selectorOf(action);
  if (op === "count") {
    const { count, revision } = await client.count(selector, options);
    const ms = elapsedMs();
    return {
      text: `${style.value(keyCount(count))} ${style.dim(`(${notes(`revision ${revision}`, local, ms)})`)}`,
      json: { ok: true, op, count, revision, ms: roundMs(ms) },
      status: EXIT.ok,
    };
  }
  // One more than is shown tells whether there are more.
  const wanted = { ...options, reverse, limit: limit + 1 };
  const found: (KeyEntry & { readonly value?: Uint8Array })[] = [];
  const entries = op === "range" ? client.range(selector, wanted) : client.keys(selector, wanted);
  for await (const entry of entries) found.push(entry);
  const more = found.length > limit;
  if (more) found.pop();
  const ms = elapsedMs();
  const lines = found.map(({ key, value }) =>
    value === undefined ? quote(key) : `${quote(key)} ${style.value(quote(value))}`,
  );
  const total = found.length === 0 ? style.warn("(no keys)") : keyCount(found.length);
  const note = more ? "there are more: --limit" : "all";
  return {
    text: [...lines, `${total} ${style.dim(`(${notes(note, local, ms)})`)}`].join("\n"),
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

function selectorOf({ prefix, from, to }: RangeAction): RangeSelector {
  if (from === null && to === null) return { prefix };
  return { ...(from === null ? {} : { start: from }), ...(to === null ? {} : { end: to }) };
}

function keyCount(count: number): string {
  return count === 1 ? "1 key" : `${count.toLocaleString("en-US")} keys`;
}

function notes(first: string, local: boolean, ms: number): string {
  return [first, ...(local ? ["local, perhaps old"] : []), formatDuration(ms)].join(", ");
}
