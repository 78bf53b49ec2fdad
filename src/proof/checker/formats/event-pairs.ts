/** Puts calls and answers together, for formats with a line for each. Time is the position in the file. */
import { HistoryFormatError } from "../errors.ts";
import { createOperation, type Operation, type OperationFields } from "../operation.ts";

type Called = Pick<OperationFields, "process" | "key" | "request" | "call" | "line">;

export class EventPairs {
  readonly #operations: (Operation | null)[] = [];
  readonly #open = new Map<string, Called & { readonly id: number }>();

  /** @throws HistoryFormatError when the process has not been answered yet */
  call(called: Called & { readonly line: number }): void {
    const { process, line } = called;
    const before = this.#open.get(process);
    if (before !== undefined) {
      const problem = `process ${process} calls again, but its call in line ${before.line} has no answer`;
      throw new HistoryFormatError("BAD_ORDER", line, problem);
    }
    this.#open.set(process, { ...called, id: this.#operations.length });
    this.#operations.push(null);
  }

  /** What the process waits for. @throws HistoryFormatError when it waits for nothing */
  waiting(process: string, line: number): Called {
    const called = this.#open.get(process);
    if (called !== undefined) return called;
    const problem = `process ${process} is answered, but has called nothing`;
    throw new HistoryFormatError("BAD_ORDER", line, problem);
  }

  answer(process: string, result: Pick<OperationFields, "outcome" | "answer" | "end">): void {
    const called = this.#open.get(process);
    if (called === undefined) return;
    this.#open.delete(process);
    this.#operations[called.id] = createOperation({ ...called, ...result });
  }

  /** All of them; those that were never answered are of unknown outcome. */
  finish(): readonly Operation[] {
    for (const process of this.#open.keys()) {
      this.answer(process, { outcome: "unknown", answer: null, end: Number.POSITIVE_INFINITY });
    }
    return this.#operations.filter((operation) => operation !== null);
  }
}
