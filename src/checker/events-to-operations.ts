import { HistoryFormatError } from "./history-format-error.ts";
import type { Operation } from "./operation.ts";

/** One line of a history of events. Time is the position. */
export interface HistoryEvent<Input, Output> {
  readonly line: number;
  readonly process: string;
  readonly kind: "invoke" | "ok" | "fail" | "info";
  readonly input: Input | null;
  readonly output: Output | null;
  /** What to do with an operation that ended with `fail`: it had no effect, or it is an answer like any other. */
  readonly failed?: "drop" | "answer";
}

/** Pairs invocations with answers. Without one, or after `info`, the outcome is unknown. */
export function operationsOf<Input, Output>(
  events: readonly HistoryEvent<Input, Output>[],
): Operation<Input, Output>[] {
  const open = new Map<
    string,
    { readonly input: Input; readonly call: number; readonly id: number }
  >();
  const operations: Operation<Input, Output>[] = [];
  let nextId = 0;
  const end = (process: string, line: number, output: Output | null, time: number): void => {
    const begun = open.get(process);
    if (begun === undefined) {
      throw new HistoryFormatError(line, `process ${process} answers what it never asked`);
    }
    open.delete(process);
    const { id, input, call } = begun;
    operations.push({ id, process, input, output, call, return: time });
  };
  events.forEach((event, time) => {
    const { process, line } = event;
    if (event.kind === "invoke") {
      if (event.input === null) throw new HistoryFormatError(line, "an invocation of nothing");
      if (open.has(process)) {
        throw new HistoryFormatError(line, `process ${process} asks again before it was answered`);
      }
      open.set(process, { input: event.input, call: time, id: nextId++ });
    } else if (event.kind === "info") {
      end(process, line, null, Infinity);
    } else if (event.kind === "fail" && event.failed !== "answer") {
      open.delete(process);
    } else {
      end(process, line, event.output, time);
    }
  });
  for (const [process] of open) end(process, 0, null, Infinity);
  return operations.sort((a, b) => a.id - b.id);
}
