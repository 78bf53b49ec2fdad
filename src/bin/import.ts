/** `omnikv import [FILE]`: writes keys and values that are there as lines of JSON. */
import { createReadStream, statSync } from "node:fs";
import { Command } from "commander";
import { createClient, KvError, type BatchOperation, type KvClient } from "../client/api/index.ts";
import { printable } from "../base/index.ts";
import { parseKeyLine, textLines, UsageError } from "../prompt/terminal/index.ts";
import { learnSettings } from "./nodes/learn-nodes.ts";
import { LineBatches, type NumberedLine } from "./files/line-batch.ts";
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
passed over. It stops at the first line that is wrong or was not written, names it, and says how many were written; what
stands before that line is written. To run it again does no harm: the same keys get the same values. Of lines with the
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
    try {
      for await (const line of textLines(input, "in Base64")) {
        if (line.trim() === "") {
          number += 1;
          continue;
        }
        const parsed = parseKeyLine(line);
        refuseOfLock(parsed.key);
        await batches.add({ ...parsed, line: number });
        number += 1;
      }
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      // The lines before a wrong line are written before the error is reported.
      await batches.flush();
      const before = `before it, ${writtenText(counts)}`;
      throw new KvError("BAD_REQUEST", `line ${number}: ${error.message}; ${before}`);
    }
    await batches.flush();
  } finally {
    progress.end();
    client.close();
    input.destroy();
  }
  process.stderr.write(`${progress.text(counts.written)}${leftText(counts)}\n`);
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

/** @throws KvError of the first line that was not written, which it names */
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
  const at = outcomes.findIndex(({ ok }) => !ok);
  const failed = outcomes[at];
  if (failed === undefined || failed.ok) return;
  const { code, definite } = failed.error;
  const what = definite ? "was not written" : "may or may not have been written";
  const advice = printable(adviceOn(failed.error));
  const others = `of the others, ${writtenText(counts)}`;
  const text = `line ${batch[at]?.line ?? 0} ${what}: ${advice}; ${others}`;
  throw new KvError(code, text, { definite });
}
