import { useEffect, useState } from "preact/hooks";
import type { PageActions, ShownChange, Through } from "../page-actions.ts";

export interface Tail {
  /** Null: it has not begun yet. */
  readonly from: number | null;
  /** The last first. */
  readonly changes: readonly ShownChange[];
  /** How many have come, those included that are not shown any more. */
  readonly count: number;
  /** Why it ended by itself. */
  readonly trouble: string | null;
}

const KEPT = 100;
/** Thousands of changes a second are drawn so often. */
const DRAW_MS = 100;
const EMPTY: Tail = { from: null, changes: [], count: 0, trouble: null };

/** Changes of the keys with a prefix while it is on; the last ones stay when it is turned off. */
export function useTail(
  actions: PageActions,
  through: Through,
  prefix: string,
  isOn: boolean,
): Tail {
  const [tail, setTail] = useState(EMPTY);
  useEffect(() => {
    if (!isOn) return undefined;
    let now = EMPTY;
    let timer: number | null = null;
    const draw = (): void => {
      timer = null;
      setTail(now);
    };
    setTail(EMPTY);
    const stop = actions.follow(through, prefix, (news) => {
      if (news.kind === "begun") now = { ...now, from: news.revision };
      else if (news.kind === "failed") now = { ...now, trouble: news.text };
      else {
        const changes = [...news.changes.toReversed(), ...now.changes].slice(0, KEPT);
        now = { ...now, changes, count: now.count + news.changes.length };
      }
      timer ??= window.setTimeout(draw, DRAW_MS);
    });
    return () => {
      stop();
      if (timer !== null) window.clearTimeout(timer);
    };
  }, [actions, through, prefix, isOn]);
  return tail;
}
