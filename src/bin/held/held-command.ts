/** `omnikv lock` and `omnikv elect`: what they have in common. */
import { hostname } from "node:os";
import type { Command } from "commander";
import { createClient, KvError, type Guard, type KvClient } from "../../client/api/index.ts";
import {
  LEASE_TTL_MAX_MS,
  LEASE_TTL_MIN_MS,
  printable,
  printableJson,
  unreachable,
} from "../../base/index.ts";
import { nodeClock } from "../../machine/runtime/index.ts";
import { EXIT } from "../../prompt/terminal/index.ts";
import { statusOf } from "../../prompt/index.ts";
import { learnSettings } from "../nodes/learn-nodes.ts";
import {
  addAccessOptions,
  clientOptionsOf,
  parseTime,
  type PromptFlags,
} from "../options/prompt-options.ts";
import { runHeld, type RunEnd } from "./run-held.ts";

/** A user who waits less than this needs no message. */
const TELL_WAIT_MS = 500;

/** The default owner that others see: the process that waits or holds, and its machine. */
export const THIS_PROCESS = `process ${process.pid} on ${hostname()}`;

export interface HeldFlags extends PromptFlags {
  readonly ttl: string;
}

export function addHeldOptions(command: Command): Command {
  return addAccessOptions(command)
    .option("--ttl <time>", "it is free again so long after this process has died", "10s")
    .option("--json", "what happens, as JSON objects on standard error");
}

/** Tells on standard error, so that standard output is the program's. */
export class Teller {
  readonly #name: string;
  readonly #json: boolean;

  constructor(name: string, json: boolean) {
    this.#name = name;
    this.#json = json;
  }

  /** @param fields for programs; people get the text */
  tell(text: string, fields: Readonly<Record<string, unknown>>): void {
    const line = this.#json ? printableJson(fields) : `omnikv ${this.#name}: ${printable(text)}`;
    process.stderr.write(`${line}\n`);
  }

  /**
   * A person must know why no program begins; the log of a script must not get a line for each wait.
   * @returns call it when the wait is over
   */
  waits(text: string, fields: Readonly<Record<string, unknown>>): () => void {
    if (!this.#json && !process.stderr.isTTY) return () => {};
    return nodeClock.after(TELL_WAIT_MS, () =>
      this.tell(text, { ok: true, event: "waits", ...fields }),
    );
  }

  failed(error: KvError): void {
    const { code, message } = error;
    this.tell(message, { ok: false, op: this.#name, code, message });
  }
}

export interface HeldRun {
  readonly client: KvClient;
  readonly ttl: number;
  readonly teller: Teller;
  /** Aborted when the process is told to end before the program runs; and when the lock or term is lost and it was told so meanwhile. */
  readonly signal: AbortSignal;
  /** Runs the program. From then on signals are its own. */
  readonly run: (guard: Guard) => Promise<RunEnd>;
}

/** @param carryOut returns the exit status */
export async function withHeld(
  what: { readonly name: "lock" | "elect"; readonly of: string; readonly words: readonly string[] },
  flags: HeldFlags,
  carryOut: (held: HeldRun) => Promise<number>,
): Promise<void> {
  if (what.of === "") throw new KvError("BAD_REQUEST", "name: expected at least one character");
  // Leases are of whole milliseconds.
  const ttl = Math.round(parseTime(flags.ttl, "--ttl", LEASE_TTL_MAX_MS));
  if (ttl < LEASE_TTL_MIN_MS) {
    const least = `${LEASE_TTL_MIN_MS}ms`;
    throw new KvError("BAD_REQUEST", `--ttl: expected ${least} or more, got "${flags.ttl}"`);
  }
  const client = createClient(clientOptionsOf(await learnSettings(flags)));
  const teller = new Teller(what.name, flags.json === true);
  const abort = new AbortController();
  let running: Guard | null = null;
  let isToEnd = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (running === null) return abort.abort();
    // A program may take SIGHUP as a wish to read its files again. One that is being ended has no use for that.
    if (signal !== "SIGHUP" || running.signal.aborted) isToEnd = true;
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal).on("SIGHUP", onSignal);
  const [command = "", ...args] = what.words;
  const run = async (guard: Guard): Promise<RunEnd> => {
    running = guard;
    try {
      const end = await runHeld({ command, args, guard, name: what.of, ttl });
      // The signal was for this run and not for this program alone: no other one begins.
      if (end.kind === "lost" && isToEnd) abort.abort();
      return end;
    } finally {
      running = null;
    }
  };
  try {
    process.exitCode = await carryOut({ client, ttl, teller, signal: abort.signal, run });
  } catch (error) {
    if (!(error instanceof KvError)) throw error;
    if (abort.signal.aborted) {
      process.exitCode = EXIT.interrupted;
    } else {
      teller.failed(error);
      // Only arguments can be wrong: names, owners and values that are too long.
      process.exitCode = error.code === "BAD_REQUEST" ? EXIT.usage : statusOf(error);
    }
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal).off("SIGHUP", onSignal);
    client.close();
  }
}

/** @returns the exit status; null: it was lost, and told */
export function statusOfEnd(end: RunEnd, guard: Guard, teller: Teller): number | null {
  switch (end.kind) {
    case "ended":
      return end.status;
    case "notStarted":
      teller.tell(end.why, { ok: false, event: "notStarted", message: end.why });
      return end.status;
    case "lost": {
      const { reason } = guard.signal;
      const message = reason instanceof KvError ? reason.message : "it was lost";
      const fields = { ok: false, event: "lost", token: guard.token, message };
      teller.tell(`lost, and the program was ended: ${message}`, fields);
      return null;
    }
    default:
      return unreachable(end, "end of a program");
  }
}
