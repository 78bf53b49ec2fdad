/** A command that ended without carrying anything out, or in the middle of it: told in a sentence, or as an object where `--json` was given. */
import {
  KvError,
  printableJson,
  systemCode,
  terminalText,
  tooManyFilesText,
} from "../base/index.ts";
import { DiskFullError, TooManyFilesError } from "../machine/ports/index.ts";
import { EXIT, type ExitStatus, withSignInHint } from "../prompt/terminal/index.ts";
import { NoNodeAnswers } from "./nodes/no-node-answers.ts";

/** Where a command that was asked for JSON has it: `output` mostly, `errors` where standard output is another program's. Null: it was not asked. */
export type JsonPlace = "output" | "errors" | null;

/**
 * Wrong values of options and files, nodes that do not answer, and the system's errors, down to a missing file of the program itself: a
 * stack would not help the user.
 * @returns the exit status
 * @throws any error that is none of these
 */
export function tellFailure(error: unknown, place: JsonPlace): ExitStatus {
  const failure = error instanceof KvError ? error : failureOfSystem(error);
  if (failure === null) throw error;
  const status = statusOf(failure);
  if (place === null) {
    process.stderr.write(`omnikv: ${terminalText(withSignInHint(failure.message))}\n`);
  } else {
    writeJson(failure, status, place);
  }
  return status;
}

/** Words that do not fit the command, after a sentence on standard error has said so. */
export function tellUsage(message: string, place: JsonPlace): ExitStatus {
  const failure = new KvError("BAD_REQUEST", message.replace(/^error: /, ""));
  if (place !== null) writeJson(failure, EXIT.usage, place);
  return EXIT.usage;
}

/** The fields that every failure of a prompt's command has. Nothing was sent for which there would be more to tell. */
function writeJson(failure: KvError, status: ExitStatus, place: "output" | "errors"): void {
  const { definite, retryable, message } = failure;
  // As for a wrong word: what a status of 2 means has one code.
  const code = status === EXIT.usage ? "USAGE" : failure.code;
  const line = `${printableJson({ ok: false, code, definite, retryable, message })}\n`;
  (place === "output" ? process.stdout : process.stderr).write(line);
}

function failureOfSystem(error: unknown): KvError | null {
  if (error instanceof DiskFullError) {
    const code = error instanceof TooManyFilesError ? "INTERNAL" : "DISK_FULL";
    return new KvError(code, `cannot go on: ${error.message}`, { cause: error });
  }
  const code = systemCode(error);
  if (code === null) return null;
  const said = error instanceof Error ? error.message : code;
  const text = code === "EMFILE" || code === "ENFILE" ? tooManyFilesText(code) : said;
  return new KvError("INTERNAL", `cannot go on: ${text}`, { cause: error });
}

function statusOf(error: KvError): ExitStatus {
  if (error instanceof NoNodeAnswers) return EXIT.unavailable;
  return error.code === "BAD_REQUEST" ? EXIT.usage : EXIT.failed;
}
