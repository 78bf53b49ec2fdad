import { useCallback, useRef, useState } from "preact/hooks";
import type { Through } from "../page-actions.ts";
import { failureOutcome, type Outcome } from "./operation-text.ts";

/** Something that was done to a key by hand. */
export interface ShownOperation {
  readonly id: number;
  /** Milliseconds of the page's clock. */
  readonly begun: number;
  /** Through which node it was asked for; null: any. */
  readonly through: Through;
  /** "write a = 1". */
  readonly what: string;
  /** Null: still going on. */
  readonly outcome: Outcome | null;
  readonly ms: number | null;
}

export interface Operations {
  /** The last first. */
  readonly list: readonly ShownOperation[];
  begin(through: Through, what: string, act: () => Promise<Outcome>): void;
}

const KEPT = 30;

export function useOperations(): Operations {
  const [list, setList] = useState<readonly ShownOperation[]>([]);
  const count = useRef(0);
  const begin = useCallback((through: Through, what: string, act: () => Promise<Outcome>): void => {
    count.current += 1;
    const id = count.current;
    const from = performance.now();
    const shown: ShownOperation = { id, begun: from, through, what, outcome: null, ms: null };
    setList((before) => [shown, ...before].slice(0, KEPT));
    const end = (outcome: Outcome): void => {
      const ms = performance.now() - from;
      setList((before) =>
        before.map((operation) =>
          operation.id === id ? { ...operation, outcome, ms } : operation,
        ),
      );
    };
    act().then(end, (error: unknown) => end(failureOutcome(error)));
  }, []);
  return { list, begin };
}
