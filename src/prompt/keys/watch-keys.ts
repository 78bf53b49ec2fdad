/** Carries out `watch` of the client prompt: a line for each change, as it comes. */
import type { Watch, WatchBatch, WatchEvent, WatchOptions } from "../../client/watches/index.ts";
import type { RangeSelector, RequestOptions } from "../../client/terms/index.ts";
import {
  bytesField,
  EXIT,
  type Outcome,
  quote,
  type Screen,
  type Style,
} from "../terminal/index.ts";
import type { WatchAction } from "../commands/index.ts";

/** The part of KvClient that this needs. */
export interface WatchCalls {
  watch(
    range: RangeSelector,
    options: WatchOptions,
  ): Pick<Watch, "created" | "close"> & AsyncIterable<WatchBatch>;
}

/**
 * Resolves when the signal is aborted, or when as many changes were shown as were wanted.
 * @throws KvError as Watch, but for CANCELLED by the signal: that is how it is meant to end
 */
export async function watchKeys(
  client: WatchCalls,
  { prefix, from, previous, limit }: WatchAction,
  request: RequestOptions & { readonly signal: AbortSignal },
  style: Style,
  screen: Screen,
): Promise<void> {
  const options = { ...request, previous, ...(from === null ? {} : { from }) };
  const watch = client.watch({ prefix }, options);
  try {
    screen.show(begun(await watch.created, style));
    let left = limit ?? Infinity;
    for await (const { revision, events } of watch) {
      for (const event of events) {
        screen.show(changeOutcome(event, revision, previous, style));
        left -= 1;
        if (left === 0 || screen.isOver?.() === true) return;
      }
      // The prompt waits for a slow reader: the changes wait at the servers.
      await screen.ready?.();
    }
  } catch (error) {
    if (!request.signal.aborted) throw error;
  } finally {
    watch.close();
  }
}

function begun(revision: number, style: Style): Outcome {
  return {
    text: style.dim(`watching from revision ${revision} on; Ctrl-C ends it`),
    json: { ok: true, op: "watch", event: "start", revision },
    status: EXIT.ok,
  };
}

function changeOutcome(
  event: WatchEvent,
  revision: number,
  previous: boolean,
  style: Style,
): Outcome {
  const isPut = event.type === "put";
  const what = isPut
    ? `${style.good("put")} ${quote(event.key)} ${style.value(quote(event.value))}`
    : `${style.warn("delete")} ${quote(event.key)}`;
  const before = event.previous === null ? "nothing" : quote(event.previous.value);
  const notes = [`revision ${revision}`, ...(previous ? [`before: ${before}`] : [])];
  return {
    text: `${what} ${style.dim(`(${notes.join(", ")})`)}`,
    json: {
      ok: true,
      op: "watch",
      event: event.type,
      ...bytesField("key", event.key),
      ...(isPut ? bytesField("value", event.value) : {}),
      revision,
      ...(isPut ? { createRevision: event.createRevision, version: event.version } : {}),
      ...(previous ? { previous: previousField(event) } : {}),
    },
    status: EXIT.ok,
  };
}

function previousField({ previous }: WatchEvent): object | null {
  if (previous === null) return null;
  const { value, modRevision, createRevision, version } = previous;
  return { ...bytesField("value", value), modRevision, createRevision, version };
}
