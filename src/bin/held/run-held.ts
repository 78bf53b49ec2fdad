/** Runs a program for as long as a lock is held or a term lasts. */
import { spawn, type ChildProcess } from "node:child_process";
import { constants } from "node:os";
import { systemCode, systemReason, terminalText } from "../../base/index.ts";
import { leaseMarginOf, type Guard } from "../../client/api/index.ts";
import { nodeClock } from "../../machine/runtime/index.ts";
import { HELD_VARIABLES } from "../options/variables.ts";

/** Passed on to the program. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"] as const;
/** When a lease is over here it has some time left at the nodes. The program may take one part in so many of it to end by itself. */
const GRACE_PART = 2;

export interface RunOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly guard: Pick<Guard, "token" | "key" | "signal">;
  readonly name: string;
  /** The time to live of the lease, in milliseconds. */
  readonly ttl: number;
}

export type RunEnd =
  | { readonly kind: "ended"; readonly status: number }
  /** The lock or term was lost, and the program was made to end. */
  | { readonly kind: "lost"; readonly status: number }
  | { readonly kind: "notStarted"; readonly why: string; readonly status: number };

/** Resolves when the program has ended. Its token is in OMNIKV_TOKEN. */
export function runHeld({ command, args, guard, name, ttl }: RunOptions): Promise<RunEnd> {
  // With a group of its own the program's children end with it. At a terminal the program must stay in the terminal's group.
  const detached = !process.stdin.isTTY;
  return new Promise((resolve) => {
    let child: ChildProcess;
    try {
      child = spawn(command, args, {
        stdio: "inherit",
        detached,
        env: {
          ...process.env,
          [HELD_VARIABLES.token]: String(guard.token),
          [HELD_VARIABLES.name]: name,
          [HELD_VARIABLES.key]: guard.key,
        },
      });
    } catch (error) {
      return resolve({ kind: "notStarted", ...notStarted(command, error) });
    }
    const kill = (signal: NodeJS.Signals): void => {
      const { pid } = child;
      if (pid === undefined) return;
      try {
        process.kill(detached ? -pid : pid, signal);
      } catch {
        // It has ended meanwhile.
      }
    };
    let cancelKill = (): void => {};
    let isLost = false;
    const onLost = (): void => {
      isLost = true;
      kill("SIGTERM");
      cancelKill = nodeClock.after(leaseMarginOf(ttl) / GRACE_PART, () => kill("SIGKILL"));
    };
    const forward = (signal: NodeJS.Signals): void => {
      // A terminal has told the program itself.
      if (!detached && (signal === "SIGINT" || signal === "SIGQUIT")) return;
      kill(signal);
    };
    const end = (result: RunEnd): void => {
      cancelKill();
      guard.signal.removeEventListener("abort", onLost);
      for (const signal of SIGNALS) process.off(signal, forward);
      resolve(result);
    };
    for (const signal of SIGNALS) process.on(signal, forward);
    guard.signal.addEventListener("abort", onLost, { once: true });
    if (guard.signal.aborted) onLost();
    child.once("error", (error) => end({ kind: "notStarted", ...notStarted(command, error) }));
    child.once("exit", (code, signal) => {
      // A process that stood still hears of the program's end before its timer tells of the loss: the signal itself looks at the clock.
      const lost = isLost || guard.signal.aborted;
      // Children that the program has left behind must not go on without the lock.
      if (lost && detached) kill("SIGKILL");
      end({ kind: lost ? "lost" : "ended", status: statusOf(code, signal) });
    });
  });
}

/** As shells have them. */
const EXIT_NO_PROGRAM = 127;
const EXIT_NO_PERMISSION = 126;

function notStarted(
  command: string,
  error: unknown,
): { readonly why: string; readonly status: number } {
  const name = terminalText(command);
  const code = systemCode(error);
  if (code === "ENOENT")
    return { why: `there is no program ${name}, nothing was run`, status: EXIT_NO_PROGRAM };
  const status = code === "EACCES" ? EXIT_NO_PERMISSION : EXIT_NO_PROGRAM;
  const reason =
    code === "EACCES" ? "it is no program that this user may run (EACCES)" : systemReason(error);
  return { why: `cannot start ${name}: ${reason}`, status };
}

/** As shells have it. */
function statusOf(code: number | null, signal: NodeJS.Signals | null): number {
  if (code !== null) return code;
  return 128 + (signal === null ? 0 : constants.signals[signal]);
}
