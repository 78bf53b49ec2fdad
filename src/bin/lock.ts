/** `omnikv lock NAME -- COMMAND`: runs a program while it holds a lock. */
import { Command } from "commander";
import { KvError } from "../client/api/index.ts";
import { EXIT } from "../prompt/terminal/index.ts";
import {
  addHeldOptions,
  statusOfEnd,
  type Teller,
  THIS_PROCESS,
  withHeld,
  type HeldFlags,
} from "./held/held-command.ts";
import { parseTime } from "./options/prompt-options.ts";

const WAIT_MS_MAX = 7 * 24 * 3_600_000;

interface LockFlags extends HeldFlags {
  readonly shared?: true;
  readonly ifAvailable?: true;
  readonly steal?: true;
  readonly wait?: string;
  readonly owner?: string;
}

const HELP = `
Examples:
  omnikv lock nightly -- ./backup.sh                    one at a time, wherever it is started
  omnikv lock nightly --if-available -- ./backup.sh     only if nobody else does it
  omnikv lock cache --shared -- ./read.sh               together with others that share
  omnikv lock report -- sh -c 'omnikv txn if "$OMNIKV_LOCK_KEY@$OMNIKV_TOKEN" then put report done'

The program finds OMNIKV_TOKEN, the fencing token, a number that grows with every holder; OMNIKV_LOCK, the name; and
OMNIKV_LOCK_KEY, the key that was last written at revision OMNIKV_TOKEN as long as the lock is held. Signals are passed on to it.
When the lock is lost it gets SIGTERM, and SIGKILL before the lease can end at the nodes.

Exit status: that of the program, 128 and the signal's number when a signal has ended it, 127 when there is no such program, 126 when
it may not be run · 1 not available, not within --wait · 2 usage · 3 no connection or no majority · 4 the lock was lost and the program was ended ·
130 interrupted while it waited.`;

export function lockCommand(): Command {
  return addHeldOptions(new Command("lock"))
    .description("Waits for a lock, runs a program while it holds it, and gives it back.")
    .argument("<name>", "which lock")
    .argument("<command...>", "the program and its arguments, behind --")
    .option("--shared", "hold it together with others that share it")
    .option("--if-available", "do not wait")
    .option("--steal", "take it from whoever holds it")
    .option("--wait <time>", "wait no longer than this")
    .option("--owner <text>", `for others to see: who holds it (default: "process PID on HOST")`)
    .addHelpText("after", HELP)
    .action((name: string, words: readonly string[], flags: LockFlags) => run(name, words, flags));
}

async function run(name: string, words: readonly string[], flags: LockFlags): Promise<void> {
  const waitMs = flags.wait === undefined ? null : parseTime(flags.wait, "--wait", WAIT_MS_MAX);
  await withHeld({ name: "lock", of: name, words }, flags, async (held) => {
    const { client, ttl, teller } = held;
    const late = new AbortController();
    const timer = waitMs === null ? undefined : setTimeout(() => late.abort(), waitMs);
    const stop = (): void => late.abort();
    held.signal.addEventListener("abort", stop);
    const options = {
      mode: flags.shared === true ? ("shared" as const) : ("exclusive" as const),
      ifAvailable: flags.ifAvailable === true,
      steal: flags.steal === true,
      owner: flags.owner ?? THIS_PROCESS,
      ttl,
      signal: late.signal,
    };
    let status: number | null = null;
    const heldElsewhere = `waits for ${name}; "omnikv locks" shows who holds it`;
    const stopTelling = teller.waits(heldElsewhere, { name });
    try {
      await client.locks.request(name, options, async (lock) => {
        clearTimeout(timer);
        stopTelling();
        if (lock === null) {
          const message = `${name} is not available`;
          teller.tell(message, { ok: false, event: "unavailable", message });
          status = EXIT.failed;
          return;
        }
        const { token } = lock;
        if (flags.json === true) teller.tell("", { ok: true, event: "held", name, token });
        status = statusOfEnd(await held.run(lock), lock, teller) ?? EXIT.unknown;
      });
    } catch (error) {
      if (status !== null) return isLoss(error) ? lostAtTheEnd(error, status, teller) : status;
      if (!(error instanceof KvError) || !late.signal.aborted || held.signal.aborted) throw error;
      teller.failed(new KvError("TIMEOUT", `${name} was not had within ${flags.wait ?? ""}`));
      return EXIT.failed;
    } finally {
      clearTimeout(timer);
      stopTelling();
    }
    return status ?? EXIT.failed;
  });
}

function isLoss(error: unknown): error is KvError {
  return error instanceof KvError && (error.code === "LEASE_LOST" || error.code === "LOCK_LOST");
}

/** The lock was found lost when it was to be given back: another one may have held it while the program ran. */
function lostAtTheEnd({ message }: KvError, status: number, teller: Teller): number {
  // Told already.
  if (status === EXIT.unknown) return status;
  teller.tell(`lost before the program had ended: ${message}`, {
    ok: false,
    event: "lost",
    message,
  });
  return EXIT.unknown;
}
