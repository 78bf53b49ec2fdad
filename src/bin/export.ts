/** `omnikv export [FILE]`: keys and values as lines of JSON. */
import { Command } from "commander";
import { createClient, KvError } from "../client/api/index.ts";
import { keyLine } from "../prompt/terminal/index.ts";
import { learnSettings } from "./nodes/learn-nodes.ts";
import { boundKeysText } from "./files/bound-keys.ts";
import { isOfLock } from "./files/lock-key.ts";
import { openOutput, withoutRoom } from "./files/output.ts";
import { KEYS, Progress } from "./files/progress.ts";
import {
  addAccessOptions,
  adviceOn,
  clientOptionsOf,
  type PromptFlags,
} from "./options/prompt-options.ts";

/** Lines are handed over in pieces of this length. */
const PIECE_LENGTH = 64 * 1024;

interface ExportFlags extends PromptFlags {
  readonly prefix?: string;
  readonly force?: true;
}

const HELP = `
Examples:
  omnikv export keys.jsonl
  omnikv export --prefix app/ | gzip > app.jsonl.gz
  omnikv export --nodes 10.0.0.1:4101 - | omnikv import --nodes 10.0.1.1:4101 -

One object a line: {"key":"a","value":"b"}; what is no UTF-8 comes as "keyBase64", "valueBase64". All lines are one state of
the store, a linearizable one. For all that a cluster holds, revisions included, see omnikv backup.

Leases are not exported. So the keys of locks and elections are left out: imported, they would be held for ever, by nobody. Other keys that are
bound to a lease are there; imported, they stay. It is said how many they are.

Exit status: 0 all of it is written · 1 it is not (a FILE is then not there) · 2 usage.`;

export function exportCommand(): Command {
  const command = new Command("export")
    .description("Writes keys and values as lines of JSON.")
    .argument("[file]", "where to; - is the standard output", "-")
    .option("--prefix <prefix>", "only keys that begin with this")
    .option("--force", "replace the file when it is there");
  return addAccessOptions(command)
    .addHelpText("after", HELP)
    .action((file: string, flags: ExportFlags) => run(file, flags));
}

async function run(file: string, flags: ExportFlags): Promise<void> {
  const settings = await learnSettings(flags);
  const client = createClient(clientOptionsOf(settings));
  const output = await openOutput(file, flags.force === true);
  const progress = new Progress("export", KEYS);
  let keys = 0;
  try {
    let piece = "";
    for await (const entry of client.range({ prefix: flags.prefix ?? "" })) {
      if (isOfLock(entry.key)) continue;
      piece += keyLine(entry);
      keys += 1;
      if (piece.length < PIECE_LENGTH) continue;
      await output.write(Buffer.from(piece));
      progress.at(keys);
      piece = "";
    }
    await output.write(Buffer.from(piece));
    await output.finish();
    const remark = await boundKeysText(client, flags.prefix ?? "");
    if (remark !== null) process.stderr.write(`omnikv export: ${remark}\n`);
  } catch (error) {
    await output.giveUp();
    const said = withoutRoom(error, file, "Nothing was exported,");
    if (said !== error) throw said;
    if (error instanceof KvError) {
      throw new KvError(error.code, `export ended after ${keys} keys: ${adviceOn(error)}`);
    }
    throw error;
  } finally {
    progress.end();
    client.close();
  }
  process.stderr.write(`${progress.text(keys)}${file === "-" ? "" : ` in ${file}`}\n`);
}
