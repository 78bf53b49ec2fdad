/** docs/operations.md, carried out: `npx tsx scripts/operations-tour.ts --help`. */
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { exitOnSignals, say } from "../src/measure/experiments/entry.ts";
import { readFlags } from "../src/measure/experiments/flags.ts";
import {
  blocksOf,
  differences,
  runAnew,
  withBlocks,
  type Block,
} from "../src/measure/experiments/transcripts/blocks.ts";
import { Machines } from "../src/measure/experiments/transcripts/machines.ts";
import { toolsRefusal } from "../src/measure/experiments/transcripts/tools.ts";

const ROOT = resolve(import.meta.dirname, "..");
const HELP = `Usage: npx tsx scripts/operations-tour.ts [options]   (as root; npm run build first)

Carries out what the console blocks of docs/operations.md say, in their order: a cluster of three machines, which are network
namespaces, and a fourth for the operator, from the first certificate to the last disaster. Says where what is printed differs in
more than times, numbers and identities from what stands there. All is gone at the end. Exit status: 0 it is as it says, or
namespaces cannot be made here (the reason is printed) · 1 it differs, or something failed.

  --write          put what is printed in the place of what stands there
  --file FILE      another document
  --program FILE   another build's dist/bin/omnikv.js
  --minutes N      give up after so long; 20`;

const flags = readFlags(HELP, {
  write: false,
  file: resolve(ROOT, "docs/operations.md"),
  program: resolve(ROOT, "dist/bin/omnikv.js"),
  minutes: 20,
});
const OPERATOR = "admin";
const PROMPT = /^((?:admin|node[123])\$) /;
/** The program as the compiler wrote it, in place of the bundle: its modules can be changed. */
const AS_COMPILED = `
  export function resolve(name, context, next) {
    return next(name === "../library/commands/commands.js" ? "./commands.js" : name, context);
  }`;
/** A bug for one of the disasters: when the file `lose` is there, a node loses the next entry of its log. */
const BUG = `
import { existsSync, rmSync } from "node:fs";
import { register } from "node:module";
register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(AS_COMPILED)}`)});
import { KvState } from ${JSON.stringify(new URL("../store/kv-state.js", `file://${resolve(flags.program)}`).href)};
const { apply } = KvState.prototype;
KvState.prototype.apply = function (entry, idx, sink) {
  if (!existsSync("lose")) return apply.call(this, entry, idx, sink);
  rmSync("lose");
  this.skip(idx);
};
`;

async function tour(document: string): Promise<readonly Block[]> {
  const machines = new Machines(["node1", "node2", "node3", OPERATOR], resolve(flags.program));
  // A signal and the end of the time come between two commands, or within one.
  process.once("exit", () => machines.dispose());
  exitOnSignals();
  setTimeout(() => {
    say(`not done after ${flags.minutes} minutes`);
    process.exit(1);
  }, flags.minutes * 60_000).unref();
  machines.place("node3", "bug.mjs", BUG);
  const done: Block[] = [];
  for (const block of blocksOf(document, PROMPT)) {
    done.push(
      await runAnew(block, async ({ prompt, text }) => {
        say(`${prompt} ${text}`);
        const output = await machines.run(prompt.slice(0, -1), text);
        if (output !== "") say(output.trimEnd());
        return output;
      }),
    );
  }
  return done;
}

const refusal = toolsRefusal(["bash", "curl", "openssl", "setsid"]);
if (refusal === null) {
  const document = readFileSync(flags.file, "utf8");
  const before = blocksOf(document, PROMPT);
  const after = await tour(document);
  if (flags.write) writeFileSync(flags.file, withBlocks(document, after));
  const found = before.flatMap((block, i) => differences(block, after[i] ?? block));
  say(found.length === 0 ? "it is as it says" : found.join("\n"));
  process.exit(found.length === 0 || flags.write ? 0 : 1);
}
say(`skipped: ${refusal}`);
