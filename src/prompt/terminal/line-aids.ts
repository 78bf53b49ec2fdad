/**
 * Two aids for a user who types at the line editor: the rest of an earlier line, dimmed behind the cursor, and the
 * search in the history with Ctrl-R. Readline has neither.
 *
 * AID-1. The text behind the cursor is gone before the line editor sees the next key: it draws over nothing.
 * AID-2. While a search goes on the line editor sees no key; afterwards its cursor is in the row where it left it.
 */
import type { Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { printable } from "../../base/index.ts";
import { type HistorySearch, SEARCH_BEGIN, searchStep } from "./history-search.ts";
import { type Key, takeKeys } from "./keys.ts";
import { columnsOf } from "./screen.ts";
import type { Style } from "./style.ts";

export interface LineAidsOptions {
  readonly readline: Interface;
  readonly input: Readable;
  readonly output: Writable & { readonly columns?: number };
  readonly style: Style;
  /** Newest first. */
  readonly history: readonly string[];
  /** The user types a command: nothing runs, and no question is open. */
  readonly isIdle: () => boolean;
}

export class LineAids {
  readonly #options: LineAidsOptions;
  #history: readonly string[];
  /** Drawn behind the cursor; empty: nothing is. */
  #ghost = "";
  #isSearching = false;

  constructor(options: LineAidsOptions) {
    this.#options = options;
    this.#history = options.history;
    const { readline, input } = options;
    readline.on("history", (history) => (this.#history = [...history]));
    input.prependListener("keypress", this.#before);
    input.on("keypress", this.#after);
  }

  /** Other code has drawn the line. */
  drawn(): void {
    if (!this.#isSearching) this.#drawGhost();
  }

  /**
   * Writes above the line that is typed, which is drawn anew below.
   * @returns false: a search is shown there, and nothing was written
   */
  writeAbove(text: string): boolean {
    if (this.#isSearching) return false;
    const { readline, output } = this.#options;
    const { rows } = readline.getCursorPos();
    this.#ghost = "";
    if (rows > 0) output.write(`\u001b[${rows}A`);
    output.write(`\r${CLEAR_BELOW}${text}\n`);
    // Readline goes up to where it thinks that the line begins.
    if (rows > 0) output.write("\n".repeat(rows));
    readline.prompt(true);
    this.#drawGhost();
    return true;
  }

  readonly #before = (_text: string | undefined, key: Key = {}): void => {
    const { readline, output } = this.#options;
    const ghost = this.#ghost;
    if (ghost !== "") output.write(CLEAR_LINE_END);
    this.#ghost = "";
    const takes = key.name === "right" || key.name === "end" || isCtrl(key, "e", "f");
    if (takes && ghost !== "") readline.write(ghost);
    if (isCtrl(key, "r") && this.#options.isIdle()) this.#search();
  };

  readonly #after = (_text: string | undefined, key: Key = {}): void => {
    // Completion draws when it has found something.
    if (!this.#isSearching && key.name !== "tab") this.#drawGhost();
  };

  #drawGhost(): void {
    const { readline, output, style, isIdle } = this.#options;
    const columns = columnsOf(output);
    const { line, cursor } = readline;
    // Undimmed it would look like typed text.
    const isSeen = columns !== undefined && style.dim("x") !== "x";
    if (!isSeen || !isIdle() || line === "" || cursor !== line.length) return;
    const { cols } = readline.getCursorPos();
    const rest = ghostOf(line, this.#history);
    if (rest === "" || cols === 0 || cols >= columns - 1) return;
    this.#ghost = rest;
    output.write(`${SAVE}${WRAP_OFF}${style.dim(rest)}${WRAP_ON}${RESTORE}`);
  }

  #search(): void {
    const { readline, input, output } = this.#options;
    this.#isSearching = true;
    const { rows } = readline.getCursorPos();
    if (rows > 0) output.write(`\u001b[${rows}A`);
    let search = SEARCH_BEGIN;
    this.#drawSearch(search);
    const giveBack = takeKeys(input, (text, key) => {
      const step = searchStep(search, text, key, this.#history);
      if (step.kind === "searching") {
        search = step.search;
        return this.#drawSearch(search);
      }
      const typed = step.kind === "taken" ? step.line : readline.line;
      giveBack();
      readline.off("close", giveBack);
      this.#isSearching = false;
      output.write(`\r${CLEAR_BELOW}`);
      if (rows > 0) output.write(`\u001b[${rows}B`);
      // As keys: readline has no call that replaces the line. It draws the prompt anew.
      readline.write(null, { ctrl: true, name: "e" });
      readline.write(null, { ctrl: true, name: "u" });
      readline.write(typed);
      if (step.kind === "taken" && step.runs) readline.write("\n");
    });
    readline.once("close", giveBack);
  }

  #drawSearch({ query, at, isMissing }: HistorySearch): void {
    const { output, style } = this.#options;
    const found = at === null ? "" : printable(this.#history[at] ?? "");
    const said = isMissing ? "nothing more with" : "search";
    const text = `${style.dim(`${said} '`)}${printable(query)}${style.dim("':")} ${found}`;
    output.write(`\r${CLEAR_BELOW}${WRAP_OFF}${text}${WRAP_ON}`);
  }
}

/** How the newest line goes on that begins so; empty: none does, or it could not be shown as it is. */
export function ghostOf(line: string, history: readonly string[]): string {
  const whole = history.find((each) => each.length > line.length && each.startsWith(line));
  const rest = whole?.slice(line.length) ?? "";
  return printable(rest) === rest ? rest : "";
}

function isCtrl({ ctrl, name }: Key, ...names: readonly string[]): boolean {
  return ctrl === true && name !== undefined && names.includes(name);
}

const SAVE = "\u001b7";
const RESTORE = "\u001b8";
const WRAP_OFF = "\u001b[?7l";
const WRAP_ON = "\u001b[?7h";
const CLEAR_LINE_END = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";
