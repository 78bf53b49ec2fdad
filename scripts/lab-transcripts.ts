/** Makes every transcript in docs/lab.md anew: `npx tsx scripts/lab-transcripts.ts --help`. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { readWords } from "../src/measure/experiments/flags.ts";

const HELP = `Usage: npx tsx scripts/lab-transcripts.ts [FILE [FIRST [LAST]]]   (npm run build first)

Makes every transcript in docs/lab.md anew: runs what its "console" blocks say, in order, and puts what is printed in the place
of what stands there. A line after "$ " is a command of the shell; one after "omnikv> " is typed, at a terminal, to the
"omnikv start" that was started last, which goes on from block to block. The directory that all runs in is shown as ~.

  FILE          docs/lab.md
  FIRST, LAST   numbers of blocks, from 1: the others are left as they are

Needs the default ports and util-linux's "script". Where ports are taken, as root:
unshare -n sh -c 'ip link set lo up; npx tsx scripts/lab-transcripts.ts'`;

const ROOT = resolve(import.meta.dirname, "..");
const OMNIKV = join(ROOT, "dist/bin/omnikv.js");
const FENCE = "```console\n";
const SHELL = "$ ";
const PROMPT = "omnikv> ";
/** How the terminal shows a fresh prompt: column 1, rest of the screen cleared. */
const PROMPT_SHOWN = `\u001b[1G\u001b[0J${PROMPT}`;
// oxlint-disable-next-line no-control-regex -- these are what is taken out
const CONTROLS = /\u001b\[[0-9;?]*[A-Za-z]|\r/g;
const PROMPT_MS = 90_000;
const SHELL_MS = 600_000;

const { file: name, first, last } = readWords(HELP, { file: null, first: 1, last: Infinity });
const file = resolve(name ?? join(ROOT, "docs/lab.md"));
const home = mkdtempSync(join(tmpdir(), "omnikv-transcripts-"));
const bin = join(home, ".bin");
mkdirSync(bin);
writeFileSync(join(bin, "omnikv"), `#!/bin/sh\nexec "${process.execPath}" "${OMNIKV}" "$@"\n`);
chmodSync(join(bin, "omnikv"), 0o755);
const env = {
  ...process.env,
  PATH: `${bin}:${process.env["PATH"] ?? ""}`,
  NO_COLOR: "1",
  TERM: "xterm",
  HOME: home,
  OMNIKV_HISTORY: "",
};

/** `omnikv start` at a terminal. */
class Session {
  readonly #child: ChildProcess;
  #output = "";
  #taken = 0;
  #ended = false;
  #wake: () => void = () => {};

  constructor(command: string) {
    const line = `stty cols 120; exec ${command}`;
    this.#child = spawn("script", ["-qefc", line, "/dev/null"], { cwd: home, env });
    this.#child.stdout?.on("data", (text: Buffer) => {
      this.#output += text.toString();
      this.#wake();
    });
    this.#child.once("exit", () => {
      this.#ended = true;
      this.#wake();
    });
  }

  /** What was printed until the next prompt, or the end. */
  async untilPrompt(): Promise<string> {
    const deadline = Date.now() + PROMPT_MS;
    for (;;) {
      const end = this.#output.indexOf(PROMPT_SHOWN, this.#taken);
      if (end >= 0 || this.#ended) {
        const text = this.#output.slice(this.#taken, end < 0 ? undefined : end);
        this.#taken = end < 0 ? this.#output.length : end + PROMPT_SHOWN.length;
        return text.replace(CONTROLS, "");
      }
      if (Date.now() > deadline) throw new Error(`no prompt after: ${this.#output.slice(-500)}`);
      await new Promise<void>((wake) => {
        const timer = setTimeout(wake, 1000);
        this.#wake = () => {
          clearTimeout(timer);
          wake();
        };
      });
    }
  }

  async type(line: string): Promise<string> {
    this.#child.stdin?.write(`${line}\n`);
    const shown = await this.untilPrompt();
    // What was typed is shown as well.
    return shown.slice(shown.indexOf("\n") + 1);
  }

  async end(): Promise<void> {
    if (!this.#ended) await this.type("exit");
  }
}

let session: Session | null = null;

async function run(line: string): Promise<string> {
  process.stderr.write(`${line}\n`);
  if (line.startsWith(PROMPT)) {
    if (session === null) throw new Error(`nothing is started that could be told: ${line}`);
    return session.type(line.slice(PROMPT.length));
  }
  const command = line.slice(SHELL.length);
  if (command.startsWith("omnikv start")) {
    await session?.end();
    session = new Session(command);
    return session.untilPrompt();
  }
  const { stdout } = spawnSync("sh", ["-c", `{ ${command}\n} 2>&1`], {
    cwd: home,
    env,
    encoding: "utf8",
    timeout: SHELL_MS,
  });
  return stdout;
}

async function again(block: string): Promise<string> {
  const lines = block
    .split("\n")
    .filter((line) => line.startsWith(SHELL) || line.startsWith(PROMPT));
  let text = "";
  for (const line of lines) {
    const output = (await run(line)).replaceAll(home, "~").trimEnd();
    text += `${line}\n${output === "" ? "" : `${output}\n`}`;
  }
  return text;
}

try {
  const parts = readFileSync(file, "utf8").split(/^(```console\n[^]*?^```$)/m);
  let number = 0;
  for (const [i, part] of parts.entries()) {
    if (!part.startsWith(FENCE)) continue;
    number += 1;
    if (number < first || number > last) continue;
    parts[i] = `${FENCE}${await again(part.slice(FENCE.length, -3))}\`\`\``;
  }
  writeFileSync(file, parts.join(""));
} finally {
  await (session as Session | null)?.end();
  rmSync(home, { recursive: true, force: true });
}
