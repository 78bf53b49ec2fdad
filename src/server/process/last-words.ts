/**
 * The end of a server that cannot go on: a log line, one sentence on standard error (on one screen the sentence alone), and the stack in
 * a place where it helps and does not disturb.
 *
 * Invariant: an error that is thrown and not caught ends the process before anything else is done, so the node acknowledges nothing that
 * the error left half done.
 */
import { writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { terminalText } from "../../base/index.ts";
import type { Logger } from "../../machine/ports/index.ts";
import { finalError, type FinalError } from "./final-error.ts";

export interface LastWordsOptions {
  readonly nodeId: number;
  readonly version: string;
  /** The absolute path of the data directory. */
  readonly dataDirectory: string;
  readonly logger: Logger;
  /** A person sees log and standard error on one screen, where nothing is said twice: the sentence says what the log line would. */
  readonly isOneScreen: boolean;
  /** Default: standard error, at once. */
  readonly write?: (line: string) => void;
  readonly exit?: (status: number) => void;
}

const STATUS = 1;

export class LastWords {
  readonly #options: LastWordsOptions;

  constructor(options: LastWordsOptions) {
    this.#options = options;
  }

  /** From now on an uncaught error, or a rejected promise without a handler, ends the process as told above. */
  watch(): void {
    process.on("uncaughtException", (error: unknown) => this.#uncaught(error));
  }

  cannotStart(error: unknown): void {
    this.#say("cannot start", error, finalError(error, false, this.#options.dataDirectory));
  }

  stops(error: unknown): void {
    this.#say("stops", error, finalError(error, true, this.#options.dataDirectory));
  }

  #uncaught(error: unknown): void {
    const { exit = (status: number) => process.exit(status), dataDirectory } = this.#options;
    try {
      this.#say("stops", error, finalError(error, false, dataDirectory));
    } finally {
      exit(STATUS);
    }
  }

  #say(what: string, error: unknown, { code, text, isBug }: FinalError): void {
    const { nodeId, logger, isOneScreen, write = writeToStandardError } = this.#options;
    const file = isBug ? this.#writeCrashFile(error) : null;
    const whole = `${text}${file === null ? "" : ` (the details are in ${file})`}`;
    if (logger.enabled("debug")) logger.debug("where it happened", { stack: details(error) });
    const sentence = `node ${nodeId} ${what}: ${whole}`;
    if (!isOneScreen) logger.error(sentence, { code });
    const codeText = isOneScreen && !whole.includes(code) ? ` (${code})` : "";
    write(`omnikv server: ${terminalText(sentence)}${codeText}\n`);
  }

  /** @returns its path; null when there is nowhere to write it */
  #writeCrashFile(error: unknown): string | null {
    const { nodeId, version, dataDirectory } = this.#options;
    const now = new Date();
    const path = join(dataDirectory, `crash-${now.toISOString().replaceAll(/[:.]/g, "-")}.txt`);
    const lines = [
      `omnikv ${version}, node ${nodeId}, ${now.toISOString()}`,
      `Node.js ${process.version} on ${process.platform} ${process.arch}`,
      details(error),
    ];
    try {
      writeFileSync(path, `${lines.join("\n")}\n`, { mode: 0o600, flag: "wx" });
      return path;
    } catch {
      // The disk is full or broken: the sentence must do.
      return null;
    }
  }
}

/** The stack, with those of the causes. */
function details(error: unknown): string {
  return inspect(error, { depth: 4, colors: false });
}

/** Past the stream, which may hold it back until the process is gone. */
function writeToStandardError(line: string): void {
  try {
    writeSync(process.stderr.fd, line);
  } catch {
    // Standard error is closed.
  }
}
