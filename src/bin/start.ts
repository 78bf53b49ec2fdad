/** `omnikv start`: a local cluster and the client prompt in one terminal. */
import { resolve } from "node:path";
import { Command } from "commander";
import { KvError } from "../base/errors.ts";
import { DEFAULT_CLUSTER_ID, defaultCluster, pageUrl } from "../config/cluster.ts";
import { startLocalCluster, stopLocalCluster, type LocalServer } from "../server/local-cluster.ts";
import { openClientPrompt } from "./client.ts";
import { readSettings } from "./prompt-options.ts";

interface StartFlags {
  readonly size: string;
  readonly dataDir: string;
  readonly timeout: string;
  readonly command?: readonly string[];
  readonly json?: true;
}

const EXAMPLES = `
Examples:
  omnikv start                       three servers and a prompt; Ctrl-D or "exit" stops them all
  omnikv start --size 5
  omnikv start -c '1 write a b; 2 read a'

While it runs, "sh runm.sh" in another terminal opens the management prompt.`;

export function startCommand(): Command {
  return new Command("start")
    .description(
      "Starts a local cluster and opens the client prompt; leaving the prompt stops the cluster.",
    )
    .option("--size <n>", "how many servers: 1, 3, 5 or 7", "3")
    .option("--data-dir <directory>", "where they keep their data", "data")
    .option("--timeout <time>", "how long the prompt waits for an answer", "5s")
    .option("-c, --command <commands>", "run these, separated by ; and leave", collect, undefined)
    .option("--json", "one JSON object a line, errors too")
    .addHelpText("after", EXAMPLES)
    .action(start);
}

function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

async function start(flags: StartFlags): Promise<void> {
  if (!["1", "3", "5", "7"].includes(flags.size)) {
    throw new KvError("BAD_REQUEST", `--size: expected 1, 3, 5 or 7, got "${flags.size}"`);
  }
  const { nodes } = defaultCluster(Number(flags.size));
  const settings = {
    ...readSettings({ timeout: flags.timeout }),
    nodes,
    clusterId: DEFAULT_CLUSTER_ID,
  };
  const dataDirectory = resolve(flags.dataDir);
  const servers = await startLocalCluster({
    nodes,
    clusterId: DEFAULT_CLUSTER_ID,
    dataDirectory,
    flags: ["--allow-faults"],
  });
  try {
    await openClientPrompt(settings, flags, greeting(servers, dataDirectory));
  } finally {
    await stopLocalCluster(servers);
  }
}

function greeting(servers: readonly LocalServer[], dataDirectory: string): string {
  const where = servers
    .map(({ node }) => `node ${node.id} at ${node.host}:${node.port}`)
    .join(", ");
  const [first] = servers;
  const page = first === undefined ? "" : pageUrl(first.node);
  return (
    `${servers.length} servers run: ${where}. Data and logs: ${dataDirectory}\n` +
    `Try "1 write 35 hello", "2 read 35", help. Watch the cluster and break its links: ${page} in a browser,\n` +
    `or with "sh runm.sh" in another terminal.\n` +
    `Ctrl-D or "exit" leaves and stops the servers.`
  );
}
