import { useEffect, useState } from "preact/hooks";
import type { ShownCoordination } from "../coordination.ts";
import type { PageActions, Through } from "../page-actions.ts";
import { failureText } from "./operation-text.ts";

export interface CoordinationNow {
  /** Null: it was not told yet. */
  readonly shown: ShownCoordination | null;
  /** Why the last question failed; the list shown is older then. */
  readonly trouble: string | null;
  /** The page's clock. */
  readonly nowMs: number;
}

const ASK_MS = 1000;
/** Thousands of leases take long to list: the servers have other things to do. */
const REST_PART = 10;
/** Whole seconds are shown; each is to change in time. */
const DRAW_MS = 250;

/** Leases and locks, asked for again and again while it is on and the user looks at the page, and a clock for the time left. */
export function useCoordination(
  actions: PageActions,
  through: Through,
  isOn: boolean,
): CoordinationNow {
  const [shown, setShown] = useState<ShownCoordination | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const [nowMs, setNowMs] = useState(() => performance.now());
  useEffect(() => {
    if (!isOn) return undefined;
    let isOver = false;
    let timer: number | undefined;
    const ask = async (): Promise<void> => {
      const sentMs = performance.now();
      if (!document.hidden) {
        try {
          const next = await actions.coordination(through);
          if (isOver) return;
          setShown(next);
          setTrouble(null);
        } catch (error) {
          if (isOver) return;
          setTrouble(failureText(error));
        }
      }
      const tookMs = performance.now() - sentMs;
      timer = window.setTimeout(() => void ask(), Math.max(ASK_MS, REST_PART * tookMs));
    };
    void ask();
    const clock = window.setInterval(() => setNowMs(performance.now()), DRAW_MS);
    return () => {
      isOver = true;
      window.clearTimeout(timer);
      window.clearInterval(clock);
      setShown(null);
      setTrouble(null);
    };
  }, [actions, through, isOn]);
  return { shown, trouble, nowMs };
}
