/** A text that is longer than the terminal is high, a page at a time. */
import type { Readable, Writable } from "node:stream";
import { terminalText } from "../../base/index.ts";
import { type Key, takeKeys } from "./keys.ts";
import type { Style } from "./style.ts";

const MORE = "-- Space: more · Enter: one line · q: enough --";

/** How many more lines a key asks for; null: it means nothing here. */
export function linesFor({ name, ctrl }: Key, pageLines: number): number | null {
  if (ctrl === true) return name === "c" || name === "d" ? 0 : null;
  switch (name) {
    case "space":
    case "pagedown":
      return pageLines;
    case "return":
    case "enter":
    case "down":
      return 1;
    case "end":
      return Infinity;
    case "q":
    case "escape":
      return 0;
    default:
      return null;
  }
}

export interface PagerOptions {
  readonly input: Readable;
  readonly output: Writable & { readonly rows?: number };
  readonly style: Style;
  /** Aborted: nothing more is shown. */
  readonly signal: AbortSignal;
}

/** Resolves when all was shown, or the reader has had enough. */
export function showPaged(text: string, options: PagerOptions): Promise<void> {
  const { input, output, style, signal } = options;
  const lines = terminalText(text).split("\n");
  const pageLines = Math.max(1, (output.rows ?? Infinity) - 1);
  let at = 0;
  const show = (count: number): void => {
    const next = lines.slice(at, at + count);
    at += next.length;
    if (next.length > 0) output.write(`${next.join("\n")}\n`);
  };
  show(pageLines);
  if (at >= lines.length || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      giveBack();
      signal.removeEventListener("abort", end);
      input.off("end", end);
      resolve();
    };
    const giveBack = takeKeys(input, (_text, key) => {
      const count = linesFor(key, pageLines);
      if (count === null) return;
      output.write(CLEAR_LINE);
      show(count);
      if (count === 0 || at >= lines.length) return end();
      output.write(style.dim(MORE));
    });
    signal.addEventListener("abort", end, { once: true });
    input.once("end", end);
    output.write(style.dim(MORE));
  });
}

const CLEAR_LINE = "\r\u001b[K";
