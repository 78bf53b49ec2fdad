/** Asks a person where nothing else reads what is typed. */
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { terminalText } from "../../base/index.ts";

/**
 * Shows the question and waits for a line. The terminal stays as it is, so that Ctrl-C is the signal that it always is.
 * @returns whether the line says yes; false at the end of what is typed, and when the signal is aborted
 */
export function askYesNo(
  input: Readable,
  output: Writable,
  question: string,
  signal: AbortSignal,
): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(false);
    const reader = createInterface({ input, terminal: false });
    const close = (): void => reader.close();
    reader.once("line", (line) => {
      resolve(isYes(line));
      close();
    });
    reader.once("close", () => {
      signal.removeEventListener("abort", close);
      resolve(false);
    });
    signal.addEventListener("abort", close, { once: true });
    output.write(terminalText(question));
  });
}

export function isYes(line: string): boolean {
  return /^y(es)?$/i.test(line.trim());
}
