/** `.load FILE` and `.every TIME COMMAND`: commands that run other commands, at every prompt. */
import { open, realpath } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { printable, systemReason } from "../../base/index.ts";
import { EXIT } from "./exit-status.ts";
import type { Outcome } from "./outcome.ts";
import type { Screen } from "./screen.ts";
import type { Style } from "./style.ts";
import { AS_ESCAPES, textLines } from "./text-lines.ts";
import { UsageError } from "./usage-error.ts";
import { usageOutcome } from "./usage-outcome.ts";

/** @param files that are open: those that were before, and this one. False: nothing more is to be run */
export type RunLine = (line: string, screen: Screen, files: readonly string[]) => Promise<boolean>;

/** A file may load others, so deep. */
const LOADS_MAX = 16;

/**
 * Runs the lines of a file one after the other. Errors are told with the file and the number of the line, and the rest
 * is carried out.
 * @param files the files that are open, each loaded by the one before it: to load one of them again would never end
 * @returns the error that keeps the file from being read; otherwise nothing is left to be shown
 */
export async function loadFile(
  path: string,
  run: RunLine,
  signal: AbortSignal,
  screen: Screen,
  style: Style,
  files: readonly string[],
): Promise<readonly Outcome[]> {
  let number = 0;
  const numbered: Screen = {
    ...screen,
    show: (outcome) => screen.show(placed(outcome, `${printable(path)} line ${number}`)),
  };
  let file;
  try {
    const real = await realpath(path);
    if (files.includes(real)) {
      return [usageOutcome(new UsageError(`.load: ${printable(path)} loads itself`), style, "")];
    }
    if (files.length >= LOADS_MAX) {
      return [usageOutcome(new UsageError(".load: too many files that load another"), style, "")];
    }
    file = await open(path);
    for await (const line of textLines(file.createReadStream({ autoClose: false }), AS_ESCAPES)) {
      number += 1;
      if (
        !(await run(line, numbered, [...files, real])) ||
        signal.aborted ||
        screen.isOver?.() === true
      )
        break;
    }
    return [];
  } catch (error) {
    if (error instanceof UsageError) {
      const where = `${printable(path)} line ${number + 1}`;
      return [{ ...usageOutcome(error, style, where), isPlaced: true }];
    }
    // Only the system's errors: answers of commands are shown, never thrown.
    if (!(error instanceof Error && "syscall" in error)) throw error;
    return [unreadable(path, error, style)];
  } finally {
    await file?.close();
  }
}

/** Until it is interrupted, or has not gone well with `--bail`. The time is that between the end of one run and the next. */
export async function repeat(
  everyMs: number,
  run: () => Promise<boolean>,
  signal: AbortSignal,
  screen: Screen,
): Promise<void> {
  for (;;) {
    if (!(await run()) || signal.aborted || screen.isOver?.() === true) return;
    // Rejects only when it is aborted, which is seen above.
    await sleep(everyMs, undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
  }
}

function placed(outcome: Outcome, where: string): Outcome {
  const { status, isResult, isPlaced } = outcome;
  if (status === EXIT.ok || isResult === true || isPlaced === true) return outcome;
  const { message } = outcome.json;
  const json =
    typeof message === "string"
      ? { ...outcome.json, message: `${where}: ${message}` }
      : outcome.json;
  return { ...outcome, text: `${where}: ${outcome.text}`, json, isPlaced: true };
}

function unreadable(path: string, error: Error, style: Style): Outcome {
  const message = `.load: cannot read ${printable(path)}: ${printable(systemReason(error))}`;
  return {
    text: style.bad(message),
    json: { ok: false, code: "USAGE", definite: true, retryable: false, message },
    status: EXIT.usage,
  };
}
