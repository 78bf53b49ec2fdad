import { useCallback, useRef, useState } from "preact/hooks";
import { failureText } from "./operation-text.ts";

interface TaskOutcome {
  readonly ok: boolean;
  readonly text: string;
}

export interface Task {
  /** What is being done now; null: nothing. */
  readonly doing: string | null;
  /** How the task that was begun last ended; null before that. */
  readonly outcome: TaskOutcome | null;
  /** @param act resolves with what it did, in words; null: there is nothing to say */
  run(doing: string, act: () => Promise<string | null>): void;
}

/** A task that a button starts, and its outcome. The page tells of the task that was begun last. */
export function useTask(): Task {
  const [doing, setDoing] = useState<string | null>(null);
  const [outcome, setOutcome] = useState<TaskOutcome | null>(null);
  const latest = useRef(0);
  const run = useCallback((what: string, act: () => Promise<string | null>): void => {
    latest.current += 1;
    const own = latest.current;
    const end = (ended: TaskOutcome | null): void => {
      if (own !== latest.current) return;
      setDoing(null);
      setOutcome(ended);
    };
    setDoing(what);
    setOutcome(null);
    act().then(
      (text) => end(text === null ? null : { ok: true, text }),
      (error: unknown) => end({ ok: false, text: failureText(error) }),
    );
  }, []);
  return { doing, outcome, run };
}
