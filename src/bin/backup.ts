/** `omnikv backup FILE`: one consistent state of a cluster, from one of its nodes while it serves. */
import { Command } from "commander";
import { KvError, terminalText } from "../base/index.ts";
import { parseNodeId } from "../server/config/index.ts";
import { EXIT, type ExitStatus } from "../prompt/terminal/index.ts";
import { addCredentialOptions, type AccessFlags } from "./access.ts";
import { type Schedule, runSchedule, scheduleOf } from "./backup-schedule.ts";
import { withIds, withPassword } from "./learn-nodes.ts";
import { makeBackup } from "./make-backup.ts";
import { openOutput } from "./output.ts";
import { sizeText } from "./progress.ts";
import { CLUSTER_HELP, readSettings, runAsProcess, type PromptSettings } from "./prompt-options.ts";

interface BackupFlags extends AccessFlags {
  readonly node?: string;
  readonly force?: true;
  readonly keep?: string;
  readonly every?: string;
}

const HELP = `
Examples:
  omnikv backup monday.backup                     from the first node that can make one
  omnikv backup --node 3 --cluster cluster.json monday.backup
  omnikv backup - | gpg -e -r me > monday.gpg     to the standard output, and nothing else there
  omnikv backup --keep 24 /backup                 a new one in this directory, checked; the newest 24 stay
  omnikv backup --every 1h --keep 24 /backup      the same again and again, until it is told to end

The cluster goes on meanwhile. The backup holds whatever was acknowledged before the command began, all of it as it was at
one moment; sessions of clients are no part of what a restore brings back. Then: omnikv verify, omnikv restore.

Exit status: 0 the file is complete and on the disk · 1 it is not, and there is none · 2 usage · 130 interrupted.
With --every: 0 told to end, and the last backup went well · 1 told to end, and it had failed · 2 usage.`;

export function backupCommand(): Command {
  return addCredentialOptions(new Command("backup"))
    .description("Writes what the cluster holds to a file, while the cluster serves.")
    .argument("<file>", "where to; - is the standard output; a directory with --keep")
    .option(
      "--nodes <list>",
      "the nodes: 127.0.0.1:4101,… or 1=127.0.0.1:4101,… (default: 1 to 3 on this machine)",
    )
    .option("--cluster <file>", CLUSTER_HELP)
    .option("--node <id>", "which node makes it (default: the first that can)")
    .option("--force", "replace the file when it is there")
    .option("--keep <n>", "in this directory; of those made so, only the newest n stay")
    .option("--every <time>", "with --keep: go on, one each 15m, 1h, 1d")
    .addHelpText("after", HELP)
    .action(runBackup);
}

async function runBackup(file: string, given: BackupFlags): Promise<void> {
  const schedule = scheduleOf(file, given);
  const flags = await withIds(given);
  const settings = await withPassword(readSettings({ ...flags, timeout: "30s" }));
  const asked = flags.node === undefined ? null : parseNodeId(flags.node, "--node");
  if (schedule !== null) return runInto(schedule, flags, settings, asked);
  if (file === "-" && process.stdout.isTTY) {
    throw new KvError("BAD_REQUEST", "a backup is no text for a terminal: give a file, or a pipe");
  }
  await runAsProcess(async (signal): Promise<ExitStatus> => {
    const output = await openOutput(file, flags.force === true);
    try {
      const source = { settings, asked, signal };
      const { header, bytes } = await makeBackup(source, () => Promise.resolve(output));
      const text =
        `backup of cluster ${header.clusterId} from node ${header.nodeId}: ${header.keys} keys at revision ` +
        `${header.revision}, index ${header.appliedIdx}; ${sizeText(bytes)}${file === "-" ? "" : ` in ${file}`}`;
      (file === "-" ? process.stderr : process.stdout).write(terminalText(text) + "\n");
      return EXIT.ok;
    } catch (error) {
      await output.giveUp();
      if (signal.aborted) return EXIT.interrupted;
      throw error;
    }
  });
}

async function runInto(
  schedule: Schedule,
  flags: BackupFlags,
  first: PromptSettings,
  asked: number | null,
): Promise<void> {
  // A secret or certificate that was changed meanwhile is taken up; a password that was typed stays.
  const settings = (): PromptSettings => {
    const now = readSettings({ ...flags, timeout: "30s" });
    return { ...now, credentials: first.credentials };
  };
  await runAsProcess((signal) => runSchedule(schedule, { settings, asked, signal }));
}
