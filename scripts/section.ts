/** Parts of documents that scripts write: what stands between two comments. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { format, resolveConfig } from "prettier";

const ENDS = "<!-- to here -->";

/** @param script which writes it, as the comment has it: `scripts/x.ts` @throws when the document has no place for it */
export async function writeSection(document: string, script: string, text: string): Promise<void> {
  const file = join(import.meta.dirname, "..", document);
  const begins = `<!-- ${script} writes this -->`;
  const [before, rest] = readFileSync(file, "utf8").split(begins);
  const end = rest?.indexOf(ENDS) ?? -1;
  if (before === undefined || rest === undefined || end < 0) {
    throw new Error(`${document} has no place between "${begins}" and "${ENDS}"`);
  }
  const whole = `${before}${begins}\n\n${text}\n\n${rest.slice(end)}`;
  const config = await resolveConfig(file);
  writeFileSync(file, await format(whole, { ...config, filepath: file }));
}
