/** `omnikv import [FILE]`: writes keys and values that are there as lines of JSON. */
import { createReadStream, statSync } from "node:fs";
import { Command } from "commander";
import { createClient, KvError, type BatchOperation, type KvClient } from "../client/api/index.ts";
import { printable } from "../base/index.ts";
import { type KeyLine, parseKeyLine, textLines, UsageError } from "../prompt/terminal/index.ts";
import { learnSettings } from "./nodes/learn-nodes.ts";
import { LineBatches, type NumberedLine } from "./files/line-batch.ts";
import { failedLinesText, WrongLines } from "./files/import-trouble.ts";
import { isOfLock } from "./files/lock-key.ts";
import { KEYS, Progress } from "./files/progress.ts";
import {
  addAccessOptions,
  adviceOn,
  clientOptionsOf,
  type PromptFlags,
} from "./options/prompt-options.ts";

interface ImportFlags extends PromptFlags {
  readonly ifAbsent?: true;
}

const HELP = `
Examples:
  omnikv import keys.jsonl
  gunzip -c app.jsonl.gz | omnikv import --if-absent -

One object a line, as omnikv export writes them: {"key":"a","value":"b"}, or "keyBase64", "valueBase64". Other fields are
passed over. It writes up to the first line that is wrong or was not written, names that and the next ones, and says how many were
written; what stands before that line is written. To run it again does no harm: the same keys get the same values. Of lines with the
same key the last one counts, with --if-absent the first. Keys of locks and elections are wrong: nobody would hold them,
and they would never end.

Exit status: 0 all of it is written · 1 it is not · 2 usage, or a line that is wrong.`;

export function importCommand(): Command {
  const command = new Command("import")
    .description("Writes keys and values that are there as lines of JSON.")
    .argument("[file]", "where from; - is the standard input", "-")
    .option("--if-absent", "leave keys alone that are there already");
  return addAccessOptions(command)
    .addHelpText("after", HELP)
    .action((file: string, flags: ImportFlags) => run(file, flags));
}

interface Counts {
  written: number;
  left: number;
}

async function run(file: string, flags: ImportFlags): Promise<void> {
  if (file !== "-") refuseUnlessFile(file);
  const settings = await learnSettings(flags);
  const input = file === "-" ? process.stdin : createReadStream(file);
  const client = createClient(clientOptionsOf(settings));
  const progress = new Progress("import", KEYS);
  const counts: Counts = { written: 0, left: 0 };
  try {
    const batches = new LineBatches(async (lines) => {
      await write(client, lines, flags.ifAbsent === true, counts);
      progress.at(counts.written);
    });
    /** The number of the line that is being read. */
    let number = 1;
    const wrong = new WrongLines();
    try {
      for await (const line of textLines(input, "in Base64")) {
        const parsed = line.trim() === "" ? null : parseLine(line, number, wrong);
        // What stands behind a wrong line is looked at, and not written.
        if (parsed !== null && wrong.none) await batches.add({ ...parsed, line: number });
        number += 1;
      }
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      wrong.add(number, error.message);
    }
    await batches.flush();
    if (!wrong.none) throw new KvError("BAD_REQUEST", wrong.text(writtenText(counts)));
  } finally {
    progress.end();
    client.close();
    input.destroy();
  }
  process.stderr.write(`${progress.text(counts.written)}${leftText(counts)}\n`);
}

/** @returns null: it is wrong, which is noted */
function parseLine(line: string, number: number, wrong: WrongLines): KeyLine | null {
  try {
    const parsed = parseKeyLine(line);
    refuseOfLock(parsed.key);
    return parsed;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    wrong.add(number, error.message);
    return null;
  }
}

/** "2 lines were written, 1 was there already" */
function writtenText(counts: Counts): string {
  const { written } = counts;
  const lines = written === 1 ? "1 line was" : `${written === 0 ? "no" : written} lines were`;
  return `${lines} written${leftText(counts)}`;
}

function leftText({ left }: Counts): string {
  return left === 0 ? "" : `, ${left} ${left === 1 ? "was" : "were"} there already`;
}

/** @throws UsageError */
function refuseOfLock(key: Uint8Array): void {
  if (!isOfLock(key)) return;
  const text = `"${printable(Buffer.from(key).toString("utf8"))}" is the key of a lock or an election: imported, it would be held for ever, by nobody; leave this line out`;
  throw new UsageError(text);
}

/** Before any node is asked. @throws KvError BAD_REQUEST */
function refuseUnlessFile(file: string): void {
  const stats = statSync(file, { throwIfNoEntry: false });
  if (stats?.isDirectory() === false) return;
  const problem = stats === undefined ? "there is no such file" : "it is a directory";
  throw new KvError(
    "BAD_REQUEST",
    `${file}: ${problem}; expected a file that omnikv export has made`,
  );
}

/** @throws KvError that names the first lines that were not written, and says how many there are */
async function write(
  client: KvClient,
  batch: readonly NumberedLine[],
  ifAbsent: boolean,
  counts: Counts,
): Promise<void> {
  const operations = batch.map(({ key, value }): BatchOperation =>
    ifAbsent ? { op: "cas", key, value, condition: { absent: true } } : { op: "write", key, value },
  );
  const outcomes = await client.batch(operations);
  for (const outcome of outcomes) {
    if (!outcome.ok) continue;
    if (outcome.op === "cas" && !outcome.result.swapped) counts.left += 1;
    else counts.written += 1;
  }
  const failed = outcomes.flatMap((outcome, i) =>
    outcome.ok ? [] : [{ line: batch[i]?.line ?? 0, error: outcome.error }],
  );
  // What nobody knows says more than what was not done.
  const { error } = failed.find((each) => !each.error.definite) ?? failed[0] ?? {};
  if (error === undefined) return;
  const what = failedLinesText(failed, (each) => printable(adviceOn(each)));
  const text = `${what}; of the others, ${writtenText(counts)}`;
  throw new KvError(error.code, text, { definite: error.definite });
}
