/** `omnikv backup FILE`: one consistent state of a cluster, from one of its nodes while it serves. */
import { Command } from "commander";
import { KvError, StorageError, terminalText } from "../base/index.ts";
import { parseNodeId } from "../server/config/index.ts";
import { EXIT, type ExitStatus } from "../prompt/terminal/index.ts";
import { addCredentialOptions, type AccessFlags } from "./options/credential-options.ts";
import { backupDirectories } from "./backups/backup-directory.ts";
import { type Schedule, runSchedule, scheduleOf } from "./backups/backup-schedule.ts";
import { askedSettings } from "./nodes/learn-nodes.ts";
import { makeBackup, type MadeBackup } from "./backups/make-backup.ts";
import { openOutput, withoutRoom } from "./files/output.ts";
import { sizeText } from "./files/progress.ts";
import {
  CLUSTER_HELP,
  readSettings,
  runAsProcess,
  type PromptSettings,
} from "./options/prompt-options.ts";

interface BackupFlags extends AccessFlags {
  readonly node?: string;
  readonly force?: true;
  readonly keep?: string;
  readonly every?: string;
  readonly dataDir?: readonly string[];
}

const HELP = `
Examples:
  omnikv backup monday.backup                     from the first node that can make one
  omnikv backup --node 3 --cluster cluster.json monday.backup
  omnikv backup - | gpg -e -r me > monday.gpg     to the standard output, and nothing else there
  omnikv backup --keep 24 /backup                 a new one in this directory, checked; the newest 24 stay
  omnikv backup --every 1h --keep 24 /backup      the same again and again, until it is told to end
  omnikv backup --data-dir data/node3 rest.backup what is on the disk of a node whose cluster is lost
  omnikv backup --data-dir data/node2 --data-dir data/node3 rest.backup   of the one of the two that is right

The cluster goes on meanwhile. The backup holds whatever was acknowledged before the command began, all of it as it was at
one moment; sessions of clients are no part of what a restore brings back. Then: omnikv verify, omnikv restore.

With --data-dir no server is asked, and none may run on the directory: it is for when a majority of the disks is lost. The backup holds what this
node had accepted. Give all the directories that are left: the one whose log was accepted in the highest round is taken, and of those of one
round the longest. On different machines make a backup of each, and compare in omnikv verify first the round (4.0.3: number by number), and
only where it is the same the index. What only lost disks had is not in it.

Exit status: 0 the file is complete and on the disk · 1 it is not, and there is none · 2 usage · 130 interrupted.
With --every: 0 told to end, and the last backup went well · 1 told to end, and it had failed · 2 usage · 130 told to
end within the first one.`;

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
    .option(
      "--data-dir <dir>",
      "of a node that does not run: what is on its disk; several: the right one of them",
      collect,
    )
    .addHelpText("after", HELP)
    .action(async (file: string, flags: BackupFlags) => {
      try {
        await runBackup(file, flags);
      } catch (error) {
        throw withoutRoom(error, file, "No backup was made,");
      }
    });
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

async function runBackup(file: string, given: BackupFlags): Promise<void> {
  if (given.dataDir !== undefined) return runOffline(file, given.dataDir, given);
  const schedule = scheduleOf(file, given);
  const { flags, settings } = await askedSettings({ ...given, timeout: "30s" });
  const asked = flags.node === undefined ? null : parseNodeId(flags.node, "--node");
  if (schedule !== null) return runInto(schedule, flags, settings, asked);
  checkTarget(file);
  await runAsProcess(async (signal): Promise<ExitStatus> => {
    const output = await openOutput(file, flags.force === true, signal);
    try {
      const source = { settings, asked, signal };
      const made = await makeBackup(source, () => Promise.resolve(output));
      const { header } = made;
      tell(`backup of cluster ${header.clusterId} from node ${header.nodeId}`, made, file);
      return EXIT.ok;
    } catch (error) {
      await output.giveUp();
      if (signal.aborted) return EXIT.interrupted;
      throw error;
    }
  });
}

function tell(what: string, { header, bytes }: MadeBackup, file: string, more = ""): void {
  const { keys, revision, appliedIdx, acceptedRound } = header;
  const round = acceptedRound === undefined ? "" : `, accepted in round ${acceptedRound}`;
  const where = file === "-" ? "" : ` in ${file}`;
  const state = `${keys} keys at revision ${revision}, index ${appliedIdx}${round}`;
  say(`${what}: ${state}; ${sizeText(bytes)}${where}${more}`, file);
}

/** Not where the backup itself goes. */
function say(text: string, file: string): void {
  (file === "-" ? process.stderr : process.stdout).write(terminalText(text) + "\n");
}

/** @throws KvError BAD_REQUEST */
function checkTarget(file: string): void {
  if (file === "-" && process.stdout.isTTY) {
    throw new KvError("BAD_REQUEST", "a backup is no text for a terminal: give a file, or a pipe");
  }
}

/** Of one disk. */
async function runOffline(
  file: string,
  directories: readonly string[],
  flags: BackupFlags,
): Promise<void> {
  const { nodes, cluster, node, keep, every } = flags;
  for (const [name, value] of Object.entries({ nodes, cluster, node, keep, every })) {
    if (value === undefined) continue;
    const text = `--${name} is of no use with --data-dir, which asks no node`;
    throw new KvError("BAD_REQUEST", text);
  }
  checkTarget(file);
  const output = await openOutput(file, flags.force === true);
  try {
    const made = await backupDirectories(directories, output);
    const { header, undecided, choice } = made;
    const what = `backup of what node ${header.nodeId} of cluster ${header.clusterId} has on its disk`;
    const more = `. The node had accepted the last ${undecided} of its entries and did not know yet that they are decided`;
    for (const line of choice) say(line, file);
    tell(what, made, file, undecided === 0 ? "" : more);
  } catch (error) {
    await output.giveUp();
    if (!(error instanceof StorageError)) throw error;
    process.stderr.write(`omnikv backup: ${terminalText(error.message)}\n`);
    process.exitCode = EXIT.failed;
  }
}

async function runInto(
  schedule: Schedule,
  flags: BackupFlags,
  first: PromptSettings,
  asked: number | null,
): Promise<void> {
  // The schedule takes up a secret or certificate that was changed meanwhile; a typed password stays.
  const settings = (): PromptSettings => {
    const now = readSettings({ ...flags, timeout: "30s" });
    return { ...now, credentials: first.credentials };
  };
  await runAsProcess((signal) => runSchedule(schedule, { settings, asked, signal }));
}
