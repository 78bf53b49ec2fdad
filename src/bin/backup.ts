/** `omnikv backup FILE`: one consistent state of a cluster, from one of its nodes while it serves. */
import { Command } from "commander";
import { createAdminClient, KvError, takeBackup, type AdminClient } from "../client/api/index.ts";
import { type BackupHeader, BackupWriter } from "../storage/backup/index.ts";
import { terminalText } from "../base/index.ts";
import { parseNodeId } from "../server/config/index.ts";
import { EXIT, type ExitStatus } from "../prompt/terminal/index.ts";
import { openOutput, type Output } from "./output.ts";
import { Progress, sizeText } from "./progress.ts";
import { withPassword } from "./learn-nodes.ts";
import { addCredentialOptions, type AccessFlags } from "./access.ts";
import { readSettings, runAsProcess, type PromptSettings } from "./prompt-options.ts";

interface BackupFlags extends AccessFlags {
  readonly node?: string;
  readonly force?: true;
}

const HELP = `
Examples:
  omnikv backup monday.backup                     from the first node that can make one
  omnikv backup --node 3 --cluster cluster.json monday.backup
  omnikv backup - | gpg -e -r me > monday.gpg     to the standard output, and nothing else there

The cluster goes on meanwhile. The backup holds whatever was acknowledged before the command began, all of it as it was at
one moment; sessions of clients are no part of what a restore brings back. Then: omnikv verify, omnikv restore.

Exit status: 0 the file is complete and on the disk · 1 it is not, and there is none · 2 usage · 130 interrupted.`;

export function backupCommand(): Command {
  return addCredentialOptions(new Command("backup"))
    .description("Writes what the cluster holds to a file, while the cluster serves.")
    .argument("<file>", "where to; - is the standard output")
    .option("--nodes <list>", "the nodes: 1=127.0.0.1:4101,2=… (default: 1 to 3 on this machine)")
    .option("--cluster <file>", "the same from a JSON file, shared with the servers")
    .option("--node <id>", "which node makes it (default: the first that can)")
    .option("--force", "replace the file when it is there")
    .addHelpText("after", HELP)
    .action(runBackup);
}

async function runBackup(file: string, flags: BackupFlags): Promise<void> {
  const settings = await withPassword(readSettings({ ...flags, timeout: "30s" }));
  const asked = flags.node === undefined ? null : parseNodeId(flags.node, "--node");
  if (file === "-" && process.stdout.isTTY) {
    throw new KvError("BAD_REQUEST", "a backup is no text for a terminal: give a file, or a pipe");
  }
  const takenAt = new Date().toISOString();
  await runAsProcess(async (signal): Promise<ExitStatus> => {
    const { nodes, clusterId, secret, tls, timeoutMs, credentials } = settings;
    const admin = createAdminClient({ nodes, clusterId, secret, tls, timeoutMs, ...credentials });
    const output = await openOutput(file, flags.force === true);
    try {
      const { header, bytes } = await write(admin, output, settings, asked, takenAt, signal);
      const text =
        `backup of cluster ${header.clusterId} from node ${header.nodeId}: ${header.keys} keys at revision ` +
        `${header.revision}, index ${header.appliedIdx}; ${sizeText(bytes)}${file === "-" ? "" : ` in ${file}`}`;
      (file === "-" ? process.stderr : process.stdout).write(terminalText(text) + "\n");
      return EXIT.ok;
    } catch (error) {
      await output.giveUp();
      if (signal.aborted) return EXIT.interrupted;
      throw error;
    } finally {
      admin.close();
    }
  });
}

async function write(
  admin: AdminClient,
  output: Output,
  { nodes }: PromptSettings,
  asked: number | null,
  takenAt: string,
  signal: AbortSignal,
): Promise<{ readonly header: BackupHeader; readonly bytes: number }> {
  const ids = asked === null ? nodes.map(({ id }) => id) : [asked];
  const { about, pieces } = await begin(admin, ids, signal);
  const { clusterId, nodeId, version, appliedIdx, revision, keys, stateHash } = about;
  const header = { clusterId, nodeId, appliedIdx, revision, keys, stateHash, takenAt, version };
  const writer = new BackupWriter();
  const progress = new Progress(`backup from node ${nodeId}`);
  let bytes = 0;
  const put = async (chunk: Uint8Array): Promise<void> => {
    await output.write(chunk);
    bytes += chunk.length;
    progress.at(bytes);
  };
  try {
    await put(writer.begin(header));
    for await (const piece of pieces) await put(writer.piece(piece));
    await put(writer.end());
    await output.finish();
  } finally {
    progress.end();
  }
  return { header, bytes };
}

/** From the first that can. @throws KvError of the last one, or what another node would say too */
async function begin(
  admin: AdminClient,
  ids: readonly number[],
  signal: AbortSignal,
): ReturnType<typeof takeBackup> {
  let last: unknown = null;
  for (const id of ids) {
    try {
      return await takeBackup(admin, id, signal);
    } catch (error) {
      if (!(error instanceof KvError) || !error.retryable) throw error;
      last = error;
    }
  }
  throw last;
}
