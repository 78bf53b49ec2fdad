/** `omnikv elect NAME -- COMMAND`: runs a program while this process leads. */
import { Command } from "commander";
import { EXIT } from "../prompt/terminal/index.ts";
import {
  addHeldOptions,
  statusOfEnd,
  THIS_PROCESS,
  withHeld,
  type HeldFlags,
} from "./held/held-command.ts";
import { KvError } from "../client/api/index.ts";
import { printable, printableJson } from "../base/index.ts";

interface ElectFlags extends HeldFlags {
  readonly value?: string;
  readonly observe?: true;
}

const HELP = `
Examples:
  omnikv elect scheduler -- ./scheduler.sh              one of all that are started this way runs it
  omnikv elect scheduler --value "$(hostname)" -- ./scheduler.sh
  omnikv elect scheduler --observe                      who leads, a line each time that changes

One leads at a time. When it has died, or does not reach the cluster for --ttl, the next one runs its program. The program finds
OMNIKV_TOKEN, a number that grows with every term, as with "omnikv lock", which see. When a term is lost the program gets SIGTERM,
and SIGKILL before the lease can end at the nodes; then this process stands again, and starts the program again when it leads.

Exit status: that of the program when it ends by itself, and as of "omnikv lock".`;

export function electCommand(): Command {
  return addHeldOptions(new Command("elect"))
    .description("Runs a program while this process leads, and no other one does.")
    .argument("<name>", "which election")
    .argument("[command...]", "the program and its arguments, behind --")
    .option("--value <text>", `for others to see: who leads (default: "process PID on HOST")`)
    .option("--observe", "do not stand: print the value of who leads each time it changes")
    .addHelpText("after", HELP)
    .action((name: string, words: readonly string[], flags: ElectFlags) => run(name, words, flags));
}

async function run(name: string, words: readonly string[], flags: ElectFlags): Promise<void> {
  if ((words.length === 0) === (flags.observe !== true)) {
    throw new KvError("BAD_REQUEST", "elect: either a program to run, behind --, or --observe");
  }
  await withHeld({ name: "elect", of: name, words }, flags, async (held) => {
    const { client, ttl, teller, signal } = held;
    if (flags.observe === true) {
      for await (const leader of client.observeElection(name, { signal })) {
        const value = leader === null ? null : Buffer.from(leader.value).toString("utf8");
        const token = leader?.token ?? null;
        const line =
          flags.json === true
            ? printableJson({ name, value, token })
            : value === null
              ? "(nobody leads)"
              : `${token} ${printable(value)}`;
        process.stdout.write(`${line}\n`);
      }
      return EXIT.interrupted;
    }
    const onLost = ({ message }: KvError): void => {
      if (signal.aborted) return;
      teller.tell(`${message}; it stands again`, { ok: true, event: "standsAgain", message });
    };
    const stopTelling = teller.waits(`waits for its turn to lead ${name}`, { name });
    const options = { value: flags.value ?? THIS_PROCESS, ttl, signal, onLost };
    try {
      for await (const term of client.elect(name, options)) {
        stopTelling();
        const { token } = term;
        if (flags.json === true) teller.tell("", { ok: true, event: "leads", name, token });
        const status = statusOfEnd(await held.run(term), term, teller);
        if (status !== null) return status;
      }
    } finally {
      stopTelling();
    }
    return EXIT.interrupted;
  });
}
