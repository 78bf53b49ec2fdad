/** `omnikv verify FILE|DATA-DIR`: whether a backup or a node's data is whole, without any server. */
import { statSync } from "node:fs";
import { Command } from "commander";
import {
  BackupError,
  ballotText,
  type ReadBackup,
  type VerifiedDirectory,
  verifyDirectory,
} from "../storage/backup/index.ts";
import { printableJson, StorageError, terminalText } from "../base/index.ts";
import { withDirectory } from "./files/data-directory.ts";
import { sizeText } from "./files/progress.ts";
import { readBackupFile } from "./files/read-backup-file.ts";

/** Nothing in such a directory is damaged, and yet it lacks what a node of the cluster must have. */
const WAITING =
  "it waits to take the place of a lost disk (--rejoin), has not taken over yet what the others have, and votes for nothing";

const HELP = `
Reads all of the file, checks every checksum, decodes every key and compares the result with the hash that the node had.
It takes as much memory as a node with the same keys.

Of a data directory it checks what a start of the server would: the identity, what is remembered of the other nodes, the log, the
snapshot it begins with; and tells what the node knew to be decided. Nothing in it is changed. No server may run on it.

A directory that waits to take the place of a lost disk (--rejoin) and has not yet is not complete: 1, too.

Exit status: 0 it is whole · 1 it is not: the sentence says where · 2 usage, or the file cannot be read.`;

export function verifyCommand(): Command {
  return new Command("verify")
    .description("Checks a backup, or a node's data: whether it is whole, and what is in it.")
    .argument("<file>", "the backup, or a data directory")
    .option("--json", "what it found as one JSON object")
    .addHelpText("after", HELP)
    .action(async (file: string, flags: { readonly json?: true }) => {
      process.exitCode = await runVerify(file, flags.json === true);
    });
}

async function runVerify(file: string, json: boolean): Promise<number> {
  try {
    const [value, text] = isDirectory(file) ? await lookInto(file) : await lookAt(file);
    process.stdout.write(json ? `${printableJson(value)}\n` : text);
    return value.ok ? 0 : 1;
  } catch (error) {
    if (!(error instanceof BackupError) && !(error instanceof StorageError)) throw error;
    const text = `${file}: ${error.message}`;
    if (json) process.stdout.write(`${printableJson({ ok: false, error: text })}\n`);
    else process.stderr.write(`omnikv verify: ${terminalText(text)}\n`);
    return 1;
  }
}

/** The result, for programs and for people. */
type Finding = readonly [{ readonly ok: boolean; readonly [field: string]: unknown }, string];

async function lookAt(file: string): Promise<Finding> {
  const found = await readBackupFile(file);
  return [jsonOf(found), textOf(file, found)];
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** @throws StorageError LOCKED while a server runs on it; damaged data */
function lookInto(directory: string): Promise<Finding> {
  return withDirectory(directory, (disk): Finding => {
    const found = verifyDirectory(disk);
    return [jsonOfDirectory(found), textOfDirectory(directory, found)];
  });
}

function jsonOfDirectory({
  identity,
  joined,
  state,
  acceptedRound,
  ...found
}: VerifiedDirectory): Finding[0] {
  const { clusterId, nodeId, members } = identity;
  const { appliedIdx, revision, size: keys, sessionCount: sessions } = state;
  return {
    ok: joined,
    ...(joined ? {} : { error: WAITING }),
    clusterId,
    nodeId,
    members,
    joined,
    appliedIdx,
    acceptedIdx: found.acceptedIdx,
    acceptedRound: ballotText(acceptedRound),
    snapshotIdx: found.snapshot?.name.idx ?? null,
    revision,
    keys,
    sessions,
    stateHash: state.hash(),
    logBytes: found.logBytes,
    warnings: found.warnings,
  };
}

function textOfDirectory(directory: string, found: VerifiedDirectory): string {
  const { identity, joined, snapshot, logBytes, segments, state, warnings } = found;
  const more = found.acceptedIdx - state.appliedIdx;
  const lines = [
    joined ? `${directory} is whole.` : `${directory} is not complete: ${WAITING}.`,
    `  cluster    ${identity.clusterId}, node ${identity.nodeId} of ${identity.members.join(", ")}`,
    `  keys       ${state.size}`,
    `  revision   ${state.revision}`,
    `  index      ${state.appliedIdx}${more > 0 ? `, and ${more} accepted that it did not know to be decided` : ""}`,
    `  round      ${ballotText(found.acceptedRound)}`,
    `  snapshot   ${snapshot === null ? "none" : `at index ${snapshot.name.idx}, ${sizeText(snapshot.name.bytes)}`}`,
    `  log        ${sizeText(logBytes)} in ${segments} segment${segments === 1 ? "" : "s"}`,
    ...warnings.map((text) => `  but        ${text}`),
    `  hash       ${state.hash()}`,
  ];
  return `${lines.map(terminalText).join("\n")}\n`;
}

function jsonOf({ header, state, bytes }: ReadBackup): Finding[0] {
  return { ok: true, ...header, sessions: state.sessionCount, bytes };
}

function textOf(file: string, { header, bytes }: ReadBackup): string {
  const { clusterId, nodeId, appliedIdx, revision, keys, takenAt, version, stateHash } = header;
  const { acceptedRound } = header;
  const lines = [
    `${file} is whole.`,
    `  cluster    ${clusterId}, from node ${nodeId} (omnikv ${version})`,
    `  taken      ${takenAt}`,
    `  keys       ${keys}, ${sizeText(bytes)}`,
    `  revision   ${revision}`,
    `  index      ${appliedIdx}`,
    ...(acceptedRound === undefined ? [] : [`  round      ${acceptedRound}`]),
    `  hash       ${stateHash}`,
  ];
  return `${lines.map(terminalText).join("\n")}\n`;
}
