/** Where a command that goes on for a while shows its output: line by line, or redrawn in place on a terminal. */
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { terminalText } from "../../base/index.ts";
import { takeKeys } from "./keys.ts";
import type { Outcome } from "./outcome.ts";

export interface Screen {
  /** Shows a piece at once, before the command is over. */
  show(outcome: Outcome): void;
  /** Null: not at a terminal, or JSON is wanted: then `show` each change. */
  readonly live: LiveScreen | null;
  /** Resolves when the reader has taken what was shown, or it is lost. Not there: at once. */
  ready?(): Promise<void>;
  /** The reader has gone: nothing more must be run. */
  isOver?(): boolean;
  /** Asks a person, who says yes or no. Not there: there is no person to ask. */
  confirm?(question: string): Promise<boolean>;
  /** Shows a text that may be longer than the terminal is high, a page at a time. Not there: it is shown as a whole. */
  page?(text: string): Promise<void>;
  /** How wide the terminal is now. Not there, or undefined: there is none, and lines may be as long as they are. */
  columns?(): number | undefined;
}

export interface LiveScreen {
  /**
   * Takes the keyboard.
   * @param onQuit q, Escape, Ctrl-C or Ctrl-D was pressed
   */
  open(onQuit: () => void): void;
  /** Replaces what was drawn before. Lines that do not fit are cut off. */
  draw(lines: readonly string[]): void;
  /** Gives the keyboard back; what was drawn last stays. */
  close(): void;
}

const ROWS_UNKNOWN = 24;

/** Resolves when a stream takes more. A stream that fails says so elsewhere. */
export async function drained(output: Writable, signal: AbortSignal): Promise<void> {
  if (output.writableNeedDrain) await once(output, "drain", { signal }).catch(() => {});
}

export function isTerminal(output: Writable & { readonly isTTY?: boolean }): boolean {
  return output.isTTY === true;
}

/** The width of a terminal; undefined for what is none. */
export function columnsOf(output: Writable & { readonly columns?: number }): number | undefined {
  return output.columns;
}

export class TerminalScreen implements LiveScreen {
  readonly #input: Readable;
  readonly #output: Writable & { readonly rows?: number };
  /** Lines drawn, above which the cursor goes before it draws again. */
  #height = 0;
  #giveBack: () => void = () => {};

  constructor(input: Readable, output: Writable) {
    this.#input = input;
    this.#output = output;
  }

  open(onQuit: () => void): void {
    this.#height = 0;
    this.#giveBack = takeKeys(this.#input, (_text, { name, ctrl }) => {
      const leaves =
        ctrl === true ? name === "c" || name === "d" : name === "q" || name === "escape";
      if (leaves) onQuit();
    });
    this.#output.write(CURSOR_OFF);
  }

  draw(lines: readonly string[]): void {
    const rows = this.#output.rows ?? ROWS_UNKNOWN;
    const shown = lines.slice(0, Math.max(1, rows - 1));
    const up = this.#height === 0 ? "" : `\u001b[${this.#height}A`;
    const text = shown.map((line) => `${terminalText(line)}${CLEAR_LINE_END}\n`).join("");
    this.#output.write(`${WRAP_OFF}${up}${text}${CLEAR_BELOW}${WRAP_ON}`);
    this.#height = shown.length;
  }

  close(): void {
    this.#giveBack();
    this.#output.write(CURSOR_ON);
  }
}

const CURSOR_OFF = "\u001b[?25l";
const CURSOR_ON = "\u001b[?25h";
const WRAP_OFF = "\u001b[?7l";
const WRAP_ON = "\u001b[?7h";
const CLEAR_LINE_END = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";
