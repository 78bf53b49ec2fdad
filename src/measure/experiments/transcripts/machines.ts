/**
 * Machines of an operator, for transcripts: a shell in each network namespace, with a home directory of its own. `systemctl`,
 * `journalctl` and `scp` are stand-ins of a few lines, as a namespace has no systemd and no sshd; all else is the real thing.
 */
import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Namespaces } from "../../subjects/namespaces.ts";

/** Of what a document shows; namespaces have addresses that nobody else on this machine uses. */
const SHOWN_SUBNET = "10.0.0.";
const COMMAND_MS = 90_000;

const SYSTEMCTL = `#!/bin/sh
# systemctl start|stop|restart omnikv, systemctl kill --signal NAME omnikv
pid="$HOME/.pid" log="$HOME/.journal"
running() { [ -s "$pid" ] && kill -0 "$(cat "$pid")" 2>/dev/null; }
gone() { while running; do sleep 0.05; done; }
stop() { running && kill -TERM "$(cat "$pid")" && gone; }
start() {
  running && return 0
  before=$(cat "$log" 2>/dev/null | wc -l)
  setsid omnikv server --config "$HOME/server.json" >>"$log" 2>&1 </dev/null &
  echo $! >"$pid"
  while running; do
    tail -n +$((before + 1)) "$log" | grep -q ' is ready' && return 0
    sleep 0.05
  done
  echo 'Job for omnikv.service failed because the control process exited with error code.'
  return 1
}
case "$1" in
  start) start ;;
  stop) stop; true ;;
  restart) stop; start ;;
  kill) kill -s "$3" "$(cat "$pid")" && gone ;;
  *) echo "systemctl $*: not here"; exit 1 ;;
esac
`;
const JOURNALCTL = `#!/bin/sh
# journalctl -u omnikv -n LINES
tail -n "$4" "$HOME/.journal"
`;
const SCP = `#!/bin/sh
# scp -p FILE… MACHINE:[PATH]
shift
for last; do :; done
machine=\${last%%:*} path=\${last#*:}
while [ $# -gt 1 ]; do cp -p "$1" "$HOME/../$machine/$path" || exit 1; shift; done
`;

export class Machines {
  readonly #names: readonly string[];
  readonly #namespaces: Namespaces;
  readonly #directory: string;
  readonly #shells = new Map<string, Shell>();

  /** @param program `dist/bin/omnikv.js`. @throws Error when the namespaces cannot be made; then nothing is left */
  constructor(names: readonly string[], program: string) {
    this.#names = names;
    this.#namespaces = new Namespaces(names.length);
    this.#directory = mkdtempSync(join(tmpdir(), "omnikv-tour-"));
    const bin = join(this.#directory, "bin");
    mkdirSync(bin);
    const programs = {
      omnikv: `#!/bin/sh\nexec "${process.execPath}" "${program}" "$@"\n`,
      systemctl: SYSTEMCTL,
      journalctl: JOURNALCTL,
      scp: SCP,
    };
    for (const [name, text] of Object.entries(programs)) {
      writeFileSync(join(bin, name), text);
      chmodSync(join(bin, name), 0o755);
    }
    for (const [i, name] of names.entries()) {
      const home = join(this.#directory, name);
      mkdirSync(home);
      const plain = Object.entries(process.env).filter(([key]) => !key.startsWith("OMNIKV_"));
      const env = {
        ...Object.fromEntries(plain),
        PATH: `${bin}:${process.env["PATH"] ?? ""}`,
        HOME: home,
        NO_COLOR: "1",
        OMNIKV_HISTORY: "",
      };
      this.#shells.set(name, new Shell(this.#namespaces.wrap(i + 1), home, env));
    }
  }

  /** Puts a file there before anything is typed. */
  place(machine: string, name: string, text: string): void {
    writeFileSync(join(this.#directory, machine, name), this.#real(text));
  }

  /** @throws Error for a machine that there is not, and a command that takes too long */
  async run(machine: string, text: string): Promise<string> {
    const shell = this.#shells.get(machine);
    if (shell === undefined) throw new Error(`there is no machine ${machine}`);
    return this.#shown(await shell.run(this.#real(text)), machine);
  }

  /** Ends all that runs there, by the number of each process, and takes all of it away. Safe to call again. */
  dispose(): void {
    for (const i of this.#names.keys()) {
      const namespace = this.#namespaces.wrap(i + 1).at(-1) ?? "";
      const { stdout } = spawnSync("ip", ["netns", "pids", namespace], { encoding: "utf8" });
      for (const pid of stdout.split("\n").filter((line) => line !== "")) endProcess(Number(pid));
    }
    this.#namespaces.dispose();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  get #subnet(): string {
    return this.#namespaces.address(1).replace(/1$/, "");
  }

  #real(text: string): string {
    return text.replaceAll(SHOWN_SUBNET, this.#subnet);
  }

  #shown(text: string, machine: string): string {
    return text
      .replaceAll(this.#subnet, SHOWN_SUBNET)
      .replaceAll(join(this.#directory, machine), "~");
  }
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    // It has ended meanwhile.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** One bash, which goes on from command to command. */
class Shell {
  readonly #child: ChildProcessWithoutNullStreams;
  #output = "";
  #heard: () => void = () => {};
  #commands = 0;

  constructor(wrap: readonly [string, ...string[]], home: string, env: NodeJS.ProcessEnv) {
    const [program, ...args] = [...wrap, "bash", "--noprofile", "--norc"];
    this.#child = spawn(program, args, { cwd: home, env });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.on("data", (text: Buffer) => {
        this.#output += text.toString();
        this.#heard();
      });
    }
    this.#child.once("error", (error) => {
      this.#output += error.message;
    });
  }

  async run(text: string): Promise<string> {
    this.#output = "";
    this.#commands += 1;
    const mark = `-- command ${this.#commands} of ${this.#child.pid} is done --`;
    const done = new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`no end of: ${text}\n${this.#output}`)),
        COMMAND_MS,
      );
      this.#heard = () => {
        if (!this.#output.includes(mark)) return;
        clearTimeout(timer);
        resolve();
      };
    });
    this.#child.stdin.write(`{ ${text}\n} 2>&1 </dev/null\necho "${mark}"\n`);
    await done;
    return this.#output.slice(0, this.#output.indexOf(mark));
  }
}
