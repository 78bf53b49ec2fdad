/** `omnikv server`: one node in the foreground. */
import { resolve } from "node:path";
import { Command } from "commander";
import { KvError } from "../base/index.ts";
import { readSettingsText } from "../server/config/index.ts";
import { compileSooner, programVersion } from "../machine/host/index.ts";
import {
  FLAG_DEFAULTS,
  readServerOptions,
  type RunningServer,
  type ServerFlags,
  type ServerOptions,
  startServer,
} from "../server/process/index.ts";
import {
  namingSource,
  resolveSettings,
  settingsText,
  variableOf,
  withDerived,
  type Resolved,
  type Setting,
  type SettingsFile,
} from "./options/settings.ts";

const EXIT_TIMEOUT_MS = 3000;

const EXAMPLES = `
Examples:
  omnikv server --node 1                     node 1 of three on this machine, data in data/node1
  omnikv server --node 2 --data-dir /var/lib/omnikv
  omnikv server --node 1 --cluster cluster.json --secret-file secret.txt
  omnikv server --node 3 --peers "1=10.0.0.1,2=10.0.0.2,3=10.0.0.3" --host 10.0.0.3 \\
    --secret-file secret.txt --cert-file node3.crt --key-file node3.key --peer-cert-file node3.crt \\
    --peer-key-file node3.key --peer-trusted-ca-file ca.crt --peer-client-cert-auth   (docs/tls.md)

  omnikv server --config /etc/omnikv/server.json --print-config

What no flag says is taken from the environment (--data-dir: OMNIKV_DATA_DIR), then from the file of --config
(--data-dir: "dataDir"), then it has its default.
Node I listens for clients on port 4100 + I and for its peers on 4200 + I, unless the cluster file or --peers say
otherwise. Exit status: 0 stopped by a signal · 1 the node cannot start or go on: the last line says why and
what to do (docs/operations.md has them all) · 2 wrong flags.`;

export function serverCommand(): Command {
  const d = FLAG_DEFAULTS;
  return new Command("server")
    .description("Runs one server in this terminal until Ctrl-C.")
    .option("--node <id>", "which node of the cluster this is (required)")
    .option("--config <file>", "settings that no flag and no variable gives, as a JSON object")
    .option("--print-config", "print what holds and where it comes from, and end")
    .option("--data-dir <directory>", "where it keeps its data (default: data/node<id>)")
    .option("--host <host>", "address to listen on (default: the cluster's entry, 127.0.0.1)")
    .option("--port <port>", "client and management port (default: 4100 + id)")
    .option("--peer-port <port>", "port for the other nodes (default: 4200 + id)")
    .option("--peers <list>", "all nodes: ID=HOST[:PORT[:PEERPORT]],… this one included")
    .option("--cluster <file>", "the same from a JSON file")
    .option("--cluster-id <name>", "nodes of another cluster are refused (default: omnikv-local)")
    .option("--secret-file <file>", "what clients prove to know; several lines: all are accepted")
    .option("--peer-secret-file <file>", "what nodes prove to know, and clients need not")
    .option("--cert-file <file>", "certificate for clients, management and the page: turns TLS on")
    .option("--key-file <file>", "its private key")
    .option("--client-cert-auth", "clients must show a certificate")
    .option("--trusted-ca-file <file>", "the authority that theirs are from")
    .option("--peer-cert-file <file>", "certificate for the other nodes: turns TLS on among them")
    .option("--peer-key-file <file>", "its private key")
    .option("--peer-client-cert-auth", "nodes that connect must show a certificate of their host")
    .option("--peer-trusted-ca-file <file>", "the authority that nodes' certificates are from")
    .option("--tls-min-version <version>", "1.3, or 1.2 where something old connects", "1.3")
    .option(
      "--allow-plain-text",
      "listen beyond this machine without TLS: others can read and change what goes by",
    )
    .option("--allow-faults", "the management prompt may break links")
    .option("--rejoin", "with an empty data directory: take everything from the others first")
    .option(
      "--confirm-members",
      "once, for data of omnikv 0.1: the cluster always had exactly these nodes",
    )
    .option("--audit-log <file>", "who did what: JSON lines, without values")
    .option(
      "--audit-log-mb <n>",
      "set the audit log aside when it has so many megabytes",
      d.auditLogMb,
    )
    .option("--log-level <level>", "debug, info, warn or error", d.logLevel)
    .option("--log-format <format>", "pretty or json", d.logFormat)
    .option("--tick-ms <n>", "unit of time", d.tickMs)
    .option(
      "--election-timeout-ms <n>",
      "a lost leader is replaced within four; above the worst round trip",
      d.electionTimeoutMs,
    )
    .option("--resend-ms <n>", "repeat what may have been lost after so long", d.resendMs)
    .option(
      "--request-timeout-ms <n>",
      "refuse a request that finds no quorum for so long",
      d.requestTimeoutMs,
    )
    .option(
      "--snapshot-mb <n>",
      "no snapshot before so many megabytes of log; a large state waits for more",
      d.snapshotMb,
    )
    .option(
      "--snapshot-entries <n>",
      "but take one after so many entries, however short they are",
      d.snapshotEntries,
    )
    .addHelpText("after", EXAMPLES)
    .action(runServer);
}

/** They say where settings come from, so no file or variable can set them. */
const NOT_IN_FILE: ReadonlySet<string> = new Set(["config", "printConfig"]);
/** Options that name files of secrets and of private keys: a user may have given the secret itself. */
const SECRETS = /(?:^|-)(?:secret|key)-file$/;
const PATH_PLACEHOLDER = /<(file|directory)>/;

async function runServer(_: unknown, command: Command): Promise<void> {
  const { resolved, file } = settingsOf(command, process.env);
  const options = ((): ServerOptions => {
    try {
      return readServerOptions(flagsOf(resolved), programVersion());
    } catch (error) {
      throw namingSource(error, resolved, file);
    }
  })();
  if (command.getOptionValue("printConfig") === true) {
    process.stdout.write(settingsText(withDerived(resolved, derivedFrom(options)), file));
    return;
  }
  compileSooner();
  let started: RunningServer | null = null;
  let isToStop = false;
  const stop = (): void => {
    isToStop = true;
    started?.stop();
  };
  // Before the start, which may take a while: what comes meanwhile is carried out after it.
  process.once("SIGINT", stop).once("SIGTERM", stop).once("SIGHUP", stop);
  // A parent process that started us with a channel wants to know when we listen, and is gone when it closes.
  process.once("disconnect", stop);
  const isParentGone = process.send !== undefined && !process.connected;
  const server = await startServer(options);
  started = server;
  if (isToStop || isParentGone) server.stop();
  process.exitCode = await server.ended;
  // A node that failed closes what it can; a disk that hangs must not keep its process alive.
  setTimeout(endNow, EXIT_TIMEOUT_MS).unref();
  if (process.connected) process.disconnect();
}

/** `process.exit` waits for calls of the thread pool, so for a disk that hangs, and would do so for ever. */
function endNow(): void {
  if (process.exitCode === 0) process.exit();
  else process.kill(process.pid, "SIGKILL");
}

function settingsOf(
  command: Command,
  environment: NodeJS.ProcessEnv,
): { readonly resolved: readonly Resolved[]; readonly file: SettingsFile | null } {
  const settings = command.options
    .filter((option) => !NOT_IN_FILE.has(option.attributeName()))
    .map((option): Setting => {
      const isPath = PATH_PLACEHOLDER.test(option.flags);
      const isSwitch = !option.required && !option.optional;
      const isSecret = SECRETS.test(option.name());
      return { name: option.name(), key: option.attributeName(), isSwitch, isPath, isSecret };
    });
  const given = (source: string): Record<string, string | true> =>
    Object.fromEntries(
      settings
        .filter(({ key }) => command.getOptionValueSource(key) === source)
        .map(({ key }) => [key, command.getOptionValue(key) as string | true]),
    );
  const { [CONFIG_VARIABLE]: configured, ...rest } = environment;
  const path = (command.getOptionValue("config") as string | undefined) ?? configured;
  if (path === "") {
    throw new KvError("BAD_REQUEST", "--config: expected a file's name, got an empty text");
  }
  const file = path === undefined ? null : readSettings(resolve(path));
  const sources = { flags: given("cli"), environment: rest, file, defaults: given("default") };
  return { resolved: resolveSettings(settings, sources), file };
}

/** Settings of this node that follow from its id and the list of nodes. */
function derivedFrom({
  node,
  dataDirectory,
  clusterNodes,
  listedFiles,
}: ServerOptions): Record<string, string> {
  const { host, port } = node.clientAddress;
  const self = clusterNodes.find(({ id }) => id === node.nodeId);
  return {
    ...listedFiles,
    dataDir: dataDirectory,
    host,
    port: String(port),
    peerPort: String(self?.peerPort ?? ""),
    clusterId: node.clusterId,
  };
}

const CONFIG_VARIABLE = variableOf({ name: "config" });

function readSettings(path: string): SettingsFile {
  return { path, text: readSettingsText(path, "--config") };
}

function flagsOf(resolved: readonly Resolved[]): ServerFlags {
  const values = resolved.flatMap(({ setting, value }) =>
    value === undefined ? [] : [[setting.key, value] as const],
  );
  const flags: Partial<ServerFlags> = Object.fromEntries(values);
  if (flags.node === undefined) {
    const ways = `--node <id>, ${variableOf({ name: "node" })}, or "node" in the file of --config`;
    throw new KvError("BAD_REQUEST", `which node of the cluster is this? ${ways}`);
  }
  // What has a default is there, as the command has declared it.
  return flags as ServerFlags;
}
