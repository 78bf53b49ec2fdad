/** `omnikv server`: one node in the foreground. */
import { Command } from "commander";
import { KvError } from "../base/errors.ts";
import { terminalText } from "../base/printable.ts";
import { programVersion } from "../platform/version.ts";
import { FLAG_DEFAULTS, readServerOptions, type ServerFlags } from "../server/options.ts";
import { startServer } from "../server/server.ts";
import { StorageError } from "../storage/storage-error.ts";

const EXIT_TIMEOUT_MS = 3000;

const EXAMPLES = `
Examples:
  omnikv server --node 1                     node 1 of three on this machine, data in data/node1
  omnikv server --node 2 --data-dir /var/lib/omnikv
  omnikv server --node 1 --cluster cluster.json --secret-file secret.txt
  omnikv server --node 3 --peers "1=10.0.0.1,2=10.0.0.2,3=10.0.0.3" --host 10.0.0.3 --secret-file secret.txt

Node I listens for clients on port 4100 + I and for its peers on 4200 + I, unless the cluster file or --peers say
otherwise. Exit status: 0 stopped by a signal · 1 the node cannot go on (the last line says why) · 2 wrong flags.`;

export function serverCommand(): Command {
  const d = FLAG_DEFAULTS;
  return new Command("server")
    .description("Runs one server in this terminal until Ctrl-C.")
    .requiredOption("--node <id>", "which node of the cluster this is")
    .option("--data-dir <directory>", "where it keeps its data (default: data/node<id>)")
    .option("--host <host>", "address to listen on (default: the cluster's entry, 127.0.0.1)")
    .option("--port <port>", "client and management port (default: 4100 + id)")
    .option("--peer-port <port>", "port for the other nodes (default: 4200 + id)")
    .option("--peers <list>", "all nodes: ID=HOST[:PORT[:PEERPORT]],… this one included")
    .option("--cluster <file>", "the same from a JSON file")
    .option("--cluster-id <name>", "nodes of another cluster are refused (default: omnikv-local)")
    .option("--secret-file <file>", "the cluster's secret; needed to listen beyond this machine")
    .option("--allow-faults", "the management prompt may break links")
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
    .option("--snapshot-mb <n>", "take a snapshot after so many megabytes of log", d.snapshotMb)
    .option("--snapshot-entries <n>", "or after so many entries", d.snapshotEntries)
    .addHelpText("after", EXAMPLES)
    .action(runServer);
}

async function runServer(flags: ServerFlags): Promise<void> {
  const options = readServerOptions(flags, programVersion());
  try {
    const server = await startServer(options);
    const stop = (): void => server.stop();
    process.once("SIGINT", stop).once("SIGTERM", stop).once("SIGHUP", stop);
    // A parent process that started us with a channel wants to know when we listen, and is gone when it closes.
    process.once("disconnect", stop);
    process.exitCode = await server.ended;
    // A node that failed closes what it can; a disk that hangs must not keep its process alive.
    setTimeout(() => process.exit(), EXIT_TIMEOUT_MS).unref();
    if (process.connected) process.disconnect();
  } catch (error) {
    if (!(error instanceof StorageError || error instanceof KvError)) throw error;
    process.stderr.write(`omnikv server: ${terminalText(error.message)}\n`);
    process.exitCode = 1;
  }
}
