/** Changes of keys as the page shows them: texts, none of them long, and no more at once than a user can look at. */
import type { KvClient } from "../client/index.ts";
import type { Watch, WatchEvent } from "../client/watches/index.ts";
import { hexOf, textOf } from "./key-level.ts";
import type { ShownChange, TailNews } from "./page-actions.ts";

/** So many bytes of a value are shown. */
const SHOWN_BYTES_MAX = 120;
/** So many changes of one revision are shown: of a transaction that changes thousands, the last ones. */
const CHANGES_MAX = 100;

/** @returns ends it */
export function followKeys(
  client: Pick<KvClient, "watch">,
  prefix: string,
  options: { readonly node?: number },
  told: (news: TailNews) => void,
): () => void {
  let isOver = false;
  const tell = (news: TailNews): void => {
    if (!isOver) told(news);
  };
  let watch: Watch | null = null;
  const follow = async (): Promise<void> => {
    watch = client.watch({ prefix }, options);
    tell({ kind: "begun", revision: await watch.created });
    for await (const { events } of watch) {
      tell({ kind: "changes", changes: events.slice(-CHANGES_MAX).map(shown) });
    }
  };
  follow().catch((error: unknown) => {
    tell({ kind: "failed", text: error instanceof Error ? error.message : String(error) });
  });
  return () => {
    isOver = true;
    watch?.close();
  };
}

function shown(event: WatchEvent): ShownChange {
  const { type: kind, modRevision: revision, key } = event;
  const value = event.type === "put" ? beginningOf(event.value) : null;
  return { revision, kind, key: textOf(key) ?? `0x${hexOf(key)}`, value };
}

function beginningOf(value: Uint8Array): string {
  const text = textOf(value);
  if (text !== null) {
    return text.length <= SHOWN_BYTES_MAX ? text : `${text.slice(0, SHOWN_BYTES_MAX)}…`;
  }
  const rest = value.length > SHOWN_BYTES_MAX / 2 ? "…" : "";
  return `0x${hexOf(value.subarray(0, SHOWN_BYTES_MAX / 2))}${rest}`;
}
