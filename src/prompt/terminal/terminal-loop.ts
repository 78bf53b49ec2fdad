/** The interactive prompt: line editing, history, completion, Ctrl-C and Ctrl-D. */
import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { printableJson, terminalText } from "../../base/index.ts";
import { overLines } from "./command-table.ts";
import { complete, keyWord } from "./complete.ts";
import { isYes } from "./confirm.ts";
import { EXIT, type ExitStatus } from "./exit-status.ts";
import { appendHistory, HISTORY_LINES_MAX, loadHistory } from "./history.ts";
import { LineAids } from "./line-aids.ts";
import { showPaged } from "./pager.ts";
import { columnsOf, drained, type LiveScreen, type Screen } from "./screen.ts";
import { runCommand, split, type Prompt } from "./prompt.ts";
import type { Outcome } from "./outcome.ts";
import { wholeText } from "./write-outcome.ts";
import { LINE_BYTES_MAX } from "./text-lines.ts";
import { quote, type Token } from "./tokenize.ts";

/** Keys that are offered. */
const COMPLETED_MAX = 50;
/** Meanwhile the user waits, with a keyboard that does nothing. */
const COMPLETE_MS_MAX = 300;
/** In front of the further lines of a command. */
const MORE_TEXT = "... ";

type Completed = (error: null, found: [string[], string]) => void;

export interface TerminalOptions {
  readonly input: Readable;
  readonly output: Writable;
  /** In front of what is typed: "omnikv> ". */
  readonly promptText: string;
  /** Printed once at the start; empty: nothing. */
  readonly greeting: string;
  /** Null: no history is kept. */
  readonly historyPath: string | null;
  readonly json: boolean;
  /** For commands that redraw what they show; null: they may not. */
  readonly live: LiveScreen | null;
  /** Aborted: leave at once. */
  readonly signal: AbortSignal;
}

/**
 * Runs until the user leaves.
 * @returns ok after exit or Ctrl-D, even if commands failed; interrupted after Ctrl-C twice at an empty prompt
 */
export function runTerminal<A>(prompt: Prompt<A>, options: TerminalOptions): Promise<ExitStatus> {
  return new TerminalLoop(prompt, options).run();
}

class TerminalLoop<A> {
  readonly #prompt: Prompt<A>;
  readonly #options: TerminalOptions;
  readonly #readline: Interface;
  readonly #aids: LineAids;
  readonly #screen: Screen;
  readonly #queue: string[] = [];
  #running: AbortController | null = null;
  #status: ExitStatus = EXIT.ok;
  #closed = false;
  /** The last thing pressed was Ctrl-C at an empty prompt. */
  #leaveArmed = false;
  #historyFailed = false;
  /** The words of a command over several lines; null: none is being typed. */
  #begun: readonly Token[] | null = null;
  /** Lines that end within quotes; null: there are none. */
  #open: string | null = null;
  /** The user is asked yes or no. */
  #answered: ((isYes: boolean) => void) | null = null;
  #finish: (status: ExitStatus) => void = () => {};
  /** Events while a command ran, or while the user was asked. */
  readonly #news: Outcome[] = [];

  constructor(prompt: Prompt<A>, options: TerminalOptions) {
    this.#prompt = prompt;
    this.#options = options;
    this.#screen = {
      live: options.live,
      show: (outcome) => this.#show(outcome),
      columns: () => columnsOf(options.output),
      ready: () => drained(options.output, this.#running?.signal ?? options.signal),
      confirm: (question) => this.#confirm(question),
      ...(options.live === null ? {} : { page: (text: string) => this.#page(text) }),
    };
    const history = this.#withHistory((path) => loadHistory(path).toReversed()) ?? [];
    this.#readline = createInterface({
      input: options.input,
      output: options.output,
      terminal: true,
      prompt: options.promptText,
      historySize: HISTORY_LINES_MAX,
      removeHistoryDuplicates: true,
      history: [...history],
      completer: (line: string, done: Completed): void => {
        void this.#tab(line, done);
      },
    });
    this.#aids = new LineAids({
      readline: this.#readline,
      input: options.input,
      output: options.output,
      style: prompt.style,
      history,
      isIdle: () => this.#running === null && this.#answered === null && !this.#closed,
    });
  }

  run(): Promise<ExitStatus> {
    const { signal, greeting } = this.#options;
    if (greeting !== "") this.#write(greeting);
    const silence = this.#prompt.news?.((outcome) => this.#onNews(outcome));
    return new Promise((resolve) => {
      this.#finish = (status) => {
        silence?.();
        resolve(status);
      };
      this.#readline.on("line", (line) => this.#onLine(line));
      this.#readline.on("SIGINT", () => this.#onInterrupt());
      this.#readline.on("close", () => this.#onClose());
      const leave = (): void => this.#leave(EXIT.interrupted);
      if (signal.aborted) return leave();
      signal.addEventListener("abort", leave, { once: true });
      this.#readline.prompt();
    });
  }

  #onLine(line: string): void {
    this.#leaveArmed = false;
    if (this.#answered !== null) return this.#answered(isYes(line));
    if (line.trim() !== "") this.#withHistory((path) => appendHistory(path, [line]));
    this.#queue.push(line);
    if (this.#running === null) void this.#drain();
  }

  async #drain(): Promise<void> {
    for (let line = this.#queue.shift(); line !== undefined; line = this.#queue.shift()) {
      if (this.#closed && this.#status !== EXIT.ok) break;
      this.#running = new AbortController();
      await this.#runLine(line, this.#running.signal);
      this.#running = null;
    }
    for (const outcome of this.#news.splice(0)) this.#show(outcome);
    if (this.#closed) this.#finish(this.#status);
    else this.#promptAgain();
  }

  /** The text that the user typed while a command ran stays, with the cursor behind it. */
  #promptAgain(): void {
    this.#readline.prompt(true);
    this.#aids.drawn();
  }

  /** A running command may draw anywhere: events meanwhile are told behind it. */
  #onNews(outcome: Outcome): void {
    if (this.#closed) return;
    if (this.#running !== null || !this.#aids.writeAbove(this.#textOf(outcome)))
      this.#news.push(outcome);
  }

  async #runLine(line: string, signal: AbortSignal): Promise<void> {
    const text = this.#open === null ? line : `${this.#open}\n${line}`;
    const commands = split(text, undefined, this.#prompt.style);
    const isOpen = !commands.ok && commands.isOpen && text.length <= LINE_BYTES_MAX;
    this.#goOn(isOpen ? text : null, this.#begun);
    if (isOpen) return;
    if (!commands.ok) return this.#show(commands.problem);
    for (const tokens of this.#whole(commands.commands)) {
      const result = await runCommand(this.#prompt, tokens, signal, this.#screen);
      if (result === "exit") return this.#leave(EXIT.ok);
      result.forEach((outcome) => this.#show(outcome));
    }
  }

  /** The commands to run now; of a command over several lines none until its last line. */
  #whole(commands: readonly (readonly Token[])[]): readonly (readonly Token[])[] {
    if (this.#begun === null) {
      const [tokens = []] = commands;
      const said = overLines(this.#prompt.table, tokens);
      if (said === null) return commands;
      this.#write(this.#prompt.style.dim(said));
      this.#goOn(null, tokens);
      return [];
    }
    const begun = [...this.#begun, ...commands.flat()];
    const isOver = commands.length === 0;
    this.#goOn(null, isOver ? null : begun);
    return isOver ? [begun] : [];
  }

  /**
   * @param open lines that end within quotes; null: there are none
   * @param begun a command over several lines, as far as it goes; null: there is none
   */
  #goOn(open: string | null, begun: readonly Token[] | null): void {
    this.#open = open;
    this.#begun = begun;
    const isMore = open !== null || begun !== null;
    this.#readline.setPrompt(isMore ? MORE_TEXT : this.#options.promptText);
  }

  #page(text: string): Promise<void> {
    const { input, output } = this.#options;
    const signal = this.#running?.signal ?? this.#options.signal;
    return showPaged(text, { input, output, style: this.#prompt.style, signal });
  }

  /** Asks the user, who sits and waits: no command goes on before the answer, and Ctrl-C is a no. */
  #confirm(question: string): Promise<boolean> {
    return new Promise((resolve) => {
      const answered = (isYes: boolean): void => {
        if (this.#answered !== answered) return;
        this.#answered = null;
        this.#readline.setPrompt(this.#options.promptText);
        resolve(isYes);
      };
      if (this.#closed || this.#running?.signal.aborted === true) return resolve(false);
      this.#answered = answered;
      this.#readline.setPrompt(terminalText(question));
      this.#readline.prompt();
    });
  }

  async #tab(line: string, done: Completed): Promise<void> {
    done(null, await this.#complete(line));
    // Readline draws the completion after this.
    setImmediate(() => this.#aids.drawn());
  }

  /** Never rejects: a user who presses Tab wants no errors. */
  async #complete(line: string): Promise<[string[], string]> {
    const { table, findKeys } = this.#prompt;
    const [candidates, word] = complete(table, line);
    const isFirst = this.#begun === null && this.#open === null;
    const begins = isFirst ? keyWord(table, line) : null;
    if (begins === null || findKeys === undefined) return [[...candidates], word];
    const prefix = new TextEncoder().encode(begins);
    const over = new AbortController();
    const timer = setTimeout(() => over.abort(), COMPLETE_MS_MAX);
    const found = await findKeys(prefix, COMPLETED_MAX, over.signal).catch(() => []);
    clearTimeout(timer);
    const keys = found.map(quote).filter((key) => key.startsWith(word));
    const all = [...keys, ...candidates];
    return [all.length === 1 ? all.map((each) => `${each} `) : all, word];
  }

  #onInterrupt(): void {
    if (this.#answered !== null) {
      this.#write("");
      return this.#answered(false);
    }
    if (this.#begun !== null || this.#open !== null) this.#goOn(null, null);
    if (this.#running !== null) {
      this.#queue.length = 0;
      this.#running.abort();
      return;
    }
    if (this.#readline.line === "" && this.#leaveArmed) return this.#leave(EXIT.interrupted);
    const empty = this.#readline.line === "";
    this.#leaveArmed = empty;
    // To the end first, so that nothing is written over the typed text.
    this.#readline.write(null, { ctrl: true, name: "e" });
    this.#write(empty ? "\n(Ctrl-C again leaves; so do Ctrl-D and exit)" : "^C");
    // Ctrl-U as a key: readline has no call that empties the line. It draws the prompt anew, below.
    this.#readline.write(null, { ctrl: true, name: "u" });
  }

  #leave(status: ExitStatus): void {
    this.#status = status;
    this.#queue.length = 0;
    this.#readline.close();
  }

  #onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#answered?.(false);
    // Behind the prompt that was left with Ctrl-D.
    if (this.#running === null) this.#write("");
    else if (this.#status !== EXIT.ok) this.#running.abort();
    if (this.#running === null) this.#finish(this.#status);
  }

  #show(outcome: Outcome): void {
    this.#write(this.#textOf(outcome));
  }

  #textOf(outcome: Outcome): string {
    return this.#options.json ? printableJson(outcome.json) : terminalText(wholeText(outcome));
  }

  #write(line: string): void {
    this.#options.output.write(`${line}\n`);
  }

  /** An error of the history file is told once and spoils nothing else. */
  #withHistory<T>(use: (path: string) => T): T | null {
    const { historyPath } = this.#options;
    if (historyPath === null || this.#historyFailed) return null;
    try {
      return use(historyPath);
    } catch (error) {
      this.#historyFailed = true;
      const reason = (error as Error).message;
      this.#write(this.#prompt.style.warn(`history is not kept: ${reason}`));
      return null;
    }
  }
}
