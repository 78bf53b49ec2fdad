/** The options that both prompts share, from flags to values, and the run of a prompt as a process. */
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import type { Command } from "commander";
import { KvError } from "../../base/index.ts";
import {
  type ClusterDescription,
  type ClusterNode,
  defaultCluster,
  loadClusterFile,
  parseNodesFlag,
} from "../../server/config/index.ts";
import {
  addCredentialOptions,
  readAccess,
  type Access,
  type AccessFlags,
} from "./credential-options.ts";
import { CLUSTER_VARIABLE } from "./variables.ts";
import { colorLevel, packageFile } from "../../machine/host/index.ts";
import { nodeClock } from "../../machine/runtime/index.ts";
import {
  askYesNo,
  createStyle,
  type ExitStatus,
  formatDuration,
  parseDuration,
  historyPath,
  type Prompt,
  runPrompt,
  type Screen,
  type Style,
  withSignInHint,
} from "../../prompt/terminal/index.ts";

/** As commander gives them. */
export interface PromptFlags extends AccessFlags {
  readonly timeout: string;
  readonly command?: readonly string[];
  readonly exec?: readonly string[];
  readonly json?: true;
  readonly bail?: true;
}

type ClusterFlags = Pick<PromptFlags, "nodes" | "cluster">;

export interface PromptSettings extends Access {
  readonly nodes: readonly ClusterNode[];
  /** Null: not known, so not checked. */
  readonly clusterId: string | null;
  readonly timeoutMs: number;
  /** How a user starts a node. */
  readonly startCommand: (node: number) => string;
}

const EXIT_CODES = `
Exit status: 0 all went well · 1 a command failed · 2 usage · 3 no connection or no majority · 4 the outcome of a write
is unknown · 130 interrupted · 141 the reader of the output has gone. Of several, the most severe: 130, then 4, 3, 2, 1. A read that finds nothing, and a cas
that does not swap, went well. After a session at a terminal the status is 0, or 130 after Ctrl-C.

Environment: OMNIKV_CLUSTER, OMNIKV_SECRET_FILE, OMNIKV_CACERT, OMNIKV_CERT, OMNIKV_KEY, OMNIKV_TLS_MIN_VERSION as the options, which go before them; NO_COLOR, FORCE_COLOR, OMNIKV_HISTORY (history file; empty: none), XDG_STATE_HOME.`;

export const CLUSTER_HELP = `the same from a JSON file, shared with the servers (env: ${CLUSTER_VARIABLE})`;

/** Adds the options that say which cluster is meant. */
export function addAccessOptions(command: Command): Command {
  return addCredentialOptions(command)
    .option(
      "--nodes <list>",
      "who to talk to: 127.0.0.1:4101,…, which name the others, or 1=127.0.0.1:4101,2=…, and nobody else (default: on this machine, all that node 1, 2 or 3 names)",
    )
    .option("--cluster <file>", CLUSTER_HELP)
    .option("--timeout <time>", "how long to wait for an answer: 500ms, 5s", "5s");
}

/** Words behind the name of a prompt are meant for it. */
export function refuseWords(command: Command): void {
  const { args } = command;
  if (args.length === 0) return;
  const text = `error: too many arguments: commands stand behind -c: omnikv ${command.name()} -c "${args.join(" ")}"`;
  command.error(text);
}

/** Adds the options of both prompts. @param examples lines for the end of the help */
export function addPromptOptions(command: Command, examples: string): Command {
  return addAccessOptions(command)
    .allowExcessArguments()
    .option("-c, --command <commands>", "run these, separated by ; and leave", collect, undefined)
    .option("--exec <commands>", "the same", collect, undefined)
    .option("--json", "one JSON object a line, errors too")
    .option("--bail", "stop at the first command that does not go well (not in a terminal)")
    .addHelpText("after", `${examples}\n${EXIT_CODES}`);
}

export function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

/**
 * The cluster of `--cluster`, or the usual one on this machine.
 * @throws KvError BAD_REQUEST that names the flag
 */
export function clusterOf(flags: ClusterFlags): ClusterDescription {
  if (flags.nodes !== undefined && flags.cluster !== undefined) {
    throw new KvError(
      "BAD_REQUEST",
      "--nodes and --cluster both say where the nodes are: give one of them",
    );
  }
  const file = clusterFileOf(flags);
  if (file === undefined) return defaultCluster();
  return loadClusterFile(file, flags.cluster === undefined ? CLUSTER_VARIABLE : "--cluster");
}

/** Of the option or, where no option says which cluster is meant, of its variable, as the server has it. */
export function clusterFileOf({ nodes, cluster }: ClusterFlags): string | undefined {
  if (cluster !== undefined || nodes !== undefined) return cluster;
  const file = process.env[CLUSTER_VARIABLE];
  if (file === "") throw new KvError("BAD_REQUEST", `${CLUSTER_VARIABLE}: expected a file`);
  return file;
}

/** @throws KvError BAD_REQUEST that names the flag */
export function readSettings(flags: PromptFlags): PromptSettings {
  const { nodes } = flags;
  const file = clusterFileOf(flags);
  const cluster = clusterOf(flags);
  return {
    nodes: nodes === undefined ? cluster.nodes : parseNodesFlag(nodes),
    clusterId: file === undefined ? null : cluster.clusterId,
    ...readAccess(flags, cluster),
    timeoutMs: parseTime(flags.timeout, "--timeout"),
    startCommand: startCommand(nodes === undefined && file === undefined),
  };
}

const TIME_MS_MAX = 3_600_000;

/** The error's text, and advice when no node has answered. */
export function adviceOn({ code, message }: KvError): string {
  return code === "TIMEOUT"
    ? `${message}. Is a majority of the nodes up?`
    : withSignInHint(message);
}

/** "500ms", "5s", "1.5min", "1h" in milliseconds. @throws KvError BAD_REQUEST that names the flag */
export function parseTime(text: string, flag: string, maxMs = TIME_MS_MAX): number {
  const ms = parseDuration(text, "s") ?? 0;
  if (ms >= 1 && ms <= maxMs) return ms;
  if (ms > maxMs) {
    throw new KvError(
      "BAD_REQUEST",
      `${flag}: expected ${formatDuration(maxMs)} at most, got "${text}"`,
    );
  }
  throw new KvError("BAD_REQUEST", `${flag}: expected a time like 500ms or 5s, got "${text}"`);
}

function startCommand(isDefaultCluster: boolean): (node: number) => string {
  // A checkout has one for each of the first three nodes.
  const isThere = (script: string): boolean => existsSync(packageFile(script));
  return (node) =>
    isDefaultCluster && isThere(`run${node}.sh`)
      ? `sh run${node}.sh`
      : `omnikv server --node ${node}`;
}

/** What both clients are made of. */
export function clientOptionsOf(settings: PromptSettings) {
  const { nodes, clusterId, secret, tls, timeoutMs, credentials } = settings;
  return { nodes, clusterId, secret, tls, timeoutMs, ...credentials };
}

/** What both prompts are made of, beside their client. */
export function promptPartsOf({ nodes, timeoutMs, startCommand }: PromptSettings) {
  return { nodes, timeoutMs, startCommand, style: terminalStyle(), now: () => nodeClock.now() };
}

function terminalStyle(): Style {
  return createStyle(colorLevel(process.env, process.stdout.isTTY));
}

/** Resolves after `ms`, or at once when the signal is aborted. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const wake = (): void => {
      cancel();
      signal.removeEventListener("abort", wake);
      resolve();
    };
    const cancel = nodeClock.after(ms, wake);
    signal.addEventListener("abort", wake, { once: true });
  });
}

export interface PromptProcess {
  /** "client" or "manage": names the history file. */
  readonly name: string;
  readonly promptText: string;
  readonly greeting: string;
}

/** Runs a prompt on this process's streams and leaves its exit status behind. */
export async function runPromptProcess<A>(
  prompt: Prompt<A>,
  flags: Pick<PromptFlags, "command" | "exec" | "json" | "bail">,
  { name, promptText, greeting }: PromptProcess,
): Promise<void> {
  const commands = [...(flags.command ?? []), ...(flags.exec ?? [])];
  await runAsProcess((signal) =>
    runPrompt(prompt, {
      input: process.stdin,
      output: process.stdout,
      errors: process.stderr,
      isTerminal: process.stdin.isTTY && process.stdout.isTTY,
      command: commands.length === 0 ? null : commands.join("\n"),
      json: flags.json === true,
      bail: flags.bail === true,
      promptText,
      greeting,
      historyPath: historyPath(process.env, homedir(), name),
      signal,
      confirm: confirmAt(signal),
    }),
  );
}

/** What asks the person at this process's terminal. Undefined: nobody sits there to be asked. */
export function confirmAt(signal: AbortSignal): Screen["confirm"] {
  const { stdin, stderr, stdout } = process;
  const shown = [stderr, stdout].find(({ isTTY }) => isTTY);
  if (!stdin.isTTY || shown === undefined) return undefined;
  return (question) => askYesNo(stdin, shown, question, signal);
}

/** After a signal, for what was written and is not read yet. */
const UNREAD_MS = 1000;

/** Leaves the status behind. @param run its signal is aborted when the process is told to end */
export async function runAsProcess(
  run: (signal: AbortSignal) => Promise<ExitStatus>,
): Promise<void> {
  const abort = new AbortController();
  const onSignal = (): void => abort.abort();
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal).on("SIGHUP", onSignal);
  try {
    process.exitCode = await run(abort.signal);
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal).off("SIGHUP", onSignal);
    // A reader that stands still must not keep a process alive that was told to end.
    if (abort.signal.aborted) setTimeout(() => process.exit(), UNREAD_MS).unref();
  }
}
