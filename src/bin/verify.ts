/** `omnikv verify FILE`: whether a backup is whole, without any server. */
import { createReadStream } from "node:fs";
import { Command } from "commander";
import { BackupError, type ReadBackup, readBackup } from "../storage/backup/index.ts";
import { KvError, printableJson, terminalText } from "../base/index.ts";
import { Progress, sizeText } from "./progress.ts";

const READ_BYTES = 256 * 1024;

const HELP = `
Reads all of the file, checks every checksum, decodes every key and compares the result with the hash that the node had.
It takes as much memory as a node with the same keys.

Exit status: 0 the backup is whole · 1 it is not: the sentence says where · 2 usage, or the file cannot be read.`;

export function verifyCommand(): Command {
  return new Command("verify")
    .description("Checks a backup: whether it is whole, and what is in it.")
    .argument("<file>", "the backup")
    .option("--json", "what it found as one JSON object")
    .addHelpText("after", HELP)
    .action(async (file: string, flags: { readonly json?: true }) => {
      process.exitCode = await runVerify(file, flags.json === true);
    });
}

async function runVerify(file: string, json: boolean): Promise<number> {
  try {
    const found = await readBackupFile(file);
    process.stdout.write(json ? `${printableJson(jsonOf(found))}\n` : textOf(file, found));
    return 0;
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    const text = `${file}: ${error.message}`;
    if (json) process.stdout.write(`${printableJson({ ok: false, error: text })}\n`);
    else process.stderr.write(`omnikv verify: ${terminalText(text)}\n`);
    return 1;
  }
}

/** With its progress on the terminal. @throws BackupError, KvError BAD_REQUEST */
export async function readBackupFile(file: string): Promise<ReadBackup> {
  const progress = new Progress(`reading ${terminalText(file)}`);
  try {
    return await readBackup(chunksOf(file, (bytes) => progress.at(bytes)));
  } finally {
    progress.end();
  }
}

async function* chunksOf(
  file: string,
  onRead: (bytes: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  let bytes = 0;
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: READ_BYTES })) {
      const read = chunk as Uint8Array;
      bytes += read.length;
      onRead(bytes);
      yield read;
    }
  } catch (error) {
    // What the reader of these bytes throws does not come by here.
    const reason = error instanceof Error ? error.message : String(error);
    throw new KvError("BAD_REQUEST", `cannot read ${file}: ${reason}`);
  }
}

function jsonOf({ header, state, bytes }: ReadBackup): unknown {
  return { ok: true, ...header, sessions: state.sessionCount, bytes };
}

function textOf(file: string, { header, bytes }: ReadBackup): string {
  const { clusterId, nodeId, appliedIdx, revision, keys, takenAt, version, stateHash } = header;
  const lines = [
    `${file} is whole.`,
    `  cluster    ${clusterId}, from node ${nodeId} (omnikv ${version})`,
    `  taken      ${takenAt}`,
    `  keys       ${keys}, ${sizeText(bytes)}`,
    `  revision   ${revision}`,
    `  index      ${appliedIdx}`,
    `  hash       ${stateHash}`,
  ];
  return `${lines.map(terminalText).join("\n")}\n`;
}
