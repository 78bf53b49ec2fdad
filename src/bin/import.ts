/** `omnikv import [FILE]`: writes keys and values that are there as lines of JSON. */
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { Command } from "commander";
import { createClient, KvError, type BatchOperation, type KvClient } from "../api/index.ts";
import { printable } from "../base/printable.ts";
import { parseKeyLine, type KeyLine } from "../repl/key-lines.ts";
import { UsageError } from "../repl/usage-error.ts";
import { KeyProgress } from "./key-progress.ts";
import { learnSettings } from "./learn-nodes.ts";
import { addAccessOptions, type PromptFlags } from "./prompt-options.ts";

/** Written as one batch: so many keys, or so many bytes of them. */
const BATCH_KEYS = 4096;
const BATCH_BYTES = 8 * 1024 * 1024;

interface ImportFlags extends PromptFlags {
  readonly ifAbsent?: true;
}

const HELP = `
Examples:
  omnikv import keys.jsonl
  gunzip -c app.jsonl.gz | omnikv import --if-absent -

One object a line, as omnikv export writes them: {"key":"a","value":"b"}, or "keyBase64", "valueBase64". Other fields are
passed over. It stops at the first line that is wrong or was not written, and names it; what stands before that line is
written. To run it again does no harm: the same keys get the same values.

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
  lines: number;
  written: number;
  left: number;
}

async function run(file: string, flags: ImportFlags): Promise<void> {
  const { nodes, clusterId, secret, timeoutMs } = await learnSettings(flags);
  const input = file === "-" ? process.stdin : createReadStream(file);
  const client = createClient({ nodes, clusterId, secret, timeoutMs });
  const progress = new KeyProgress("import");
  const counts: Counts = { lines: 0, written: 0, left: 0 };
  try {
    let batch: KeyLine[] = [];
    let bytes = 0;
    const flush = async (): Promise<void> => {
      await write(client, batch, flags.ifAbsent === true, counts);
      progress.at(counts.written);
      batch = [];
      bytes = 0;
    };
    for await (const line of createInterface({ input, crlfDelay: Infinity })) {
      const parsed = line.trim() === "" ? null : await parsedOr(line, counts, flush);
      if (parsed === null) {
        counts.lines += 1;
        if (batch.length === 0) continue;
        await flush();
        continue;
      }
      counts.lines += 1;
      batch.push(parsed);
      bytes += parsed.key.length + parsed.value.length;
      if (batch.length >= BATCH_KEYS || bytes >= BATCH_BYTES) await flush();
    }
    await flush();
  } finally {
    progress.end();
    client.close();
    input.destroy();
  }
  const left = counts.left === 0 ? "" : `, ${counts.left} were there already`;
  progress.done(counts.written, left);
}

/** What stands before a wrong line is written before it is complained of. */
async function parsedOr(
  line: string,
  { lines }: Counts,
  flush: () => Promise<void>,
): Promise<KeyLine> {
  try {
    return parseKeyLine(line);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    await flush();
    throw new KvError("BAD_REQUEST", `line ${lines + 1}: ${error.message}`);
  }
}

/** @throws KvError of the first line that was not written, which it names */
async function write(
  client: KvClient,
  batch: readonly KeyLine[],
  ifAbsent: boolean,
  counts: Counts,
): Promise<void> {
  const operations = batch.map(({ key, value }): BatchOperation =>
    ifAbsent ? { op: "cas", key, value, condition: { absent: true } } : { op: "write", key, value },
  );
  const first = counts.lines - batch.length + 1;
  const outcomes = await client.batch(operations);
  for (const outcome of outcomes) {
    if (!outcome.ok) continue;
    if (outcome.op === "cas" && !outcome.result.swapped) counts.left += 1;
    else counts.written += 1;
  }
  const at = outcomes.findIndex(({ ok }) => !ok);
  const failed = outcomes[at];
  if (failed === undefined || failed.ok) return;
  const { code, message, definite } = failed.error;
  const what = definite ? "was not written" : "may or may not have been written";
  throw new KvError(code, `line ${first + at} ${what}: ${printable(message)}`, { definite });
}
