/** `omnikv start`: a local cluster and a prompt in one terminal. */
import { resolve } from "node:path";
import { Command } from "commander";
import { promptPassword } from "./options/ask-password.ts";
import { createAdminClient, createClient } from "../client/api/index.ts";
import { KvError, printable } from "../base/index.ts";
import {
  CLIENT_PORT_BASE,
  type ClusterNode,
  DEFAULT_CLUSTER_ID,
  nodesFrom,
  pageUrl,
  parseClusterId,
} from "../server/config/index.ts";
import { createAdminPrompt, createClientPrompt, createStartPrompt } from "../prompt/index.ts";
import { EXIT } from "../prompt/terminal/index.ts";
import { LocalServers } from "../server/launch/index.ts";
import {
  collect,
  readSettings,
  runPromptProcess,
  sleep,
  clientOptionsOf,
  promptPartsOf,
  type PromptSettings,
} from "./options/prompt-options.ts";

interface StartFlags {
  readonly size: string;
  readonly dataDir?: string;
  readonly basePort: string;
  readonly clusterId: string;
  readonly timeout: string;
  readonly command?: readonly string[];
  readonly exec?: readonly string[];
  readonly json?: true;
}

/** As run1.sh, run2.sh and run3.sh, which share its data. */
const DEFAULT_SIZE = 3;

const EXAMPLES = `
Examples:
  omnikv start                       three servers and a prompt; Ctrl-D or "exit" stops them all
  omnikv start --size 5              five of them, with data of their own in data/size-5
  omnikv start --base-port 5100 --data-dir other   ports 5101 … and 5201 …, where the usual ones are taken
  omnikv start --cluster-id monday --data-dir data-monday   what "omnikv restore" made
  omnikv start -c '1 write a b; 2 read a'
  omnikv start -c 'crash leader; wait-leader; write a b; restart 3; status'

The prompt takes the commands of "omnikv client" and of "omnikv manage", and crash, restart, pause and resume of its
servers. While it runs, "omnikv manage" in another terminal opens a management prompt beside it.`;

export function startCommand(): Command {
  return new Command("start")
    .description(
      "Starts a local cluster and opens a prompt for keys and management; leaving it stops the cluster.",
    )
    .option("--size <n>", "how many servers: 1, 3, 5 or 7", String(DEFAULT_SIZE))
    .option(
      "--data-dir <directory>",
      "where they keep their data (default: data, or data/size-N when N is not 3)",
    )
    .option(
      "--base-port <port>",
      "node I listens on this plus I, and for the others a hundred above it",
      String(CLIENT_PORT_BASE),
    )
    .option("--cluster-id <id>", "of data that a restore made", DEFAULT_CLUSTER_ID)
    .option("--timeout <time>", "how long the prompt waits for an answer", "5s")
    .option("-c, --command <commands>", "run these, separated by ; and leave", collect, undefined)
    .option("--exec <commands>", "the same", collect, undefined)
    .option("--json", "one JSON object a line, errors too")
    .addHelpText("after", EXAMPLES)
    .action(start);
}

async function start(flags: StartFlags): Promise<void> {
  if (!["1", "3", "5", "7"].includes(flags.size)) {
    throw new KvError("BAD_REQUEST", `--size: expected 1, 3, 5 or 7, got "${flags.size}"`);
  }
  const size = Number(flags.size);
  const nodes = nodesFrom(basePortIn(flags.basePort), size);
  const clusterId = parseClusterId(flags.clusterId, "--cluster-id");
  const settings = { ...readSettings({ timeout: flags.timeout }), nodes, clusterId };
  const dataDirectory = resolve(flags.dataDir ?? defaultDataDirectory(size));
  const servers = await LocalServers.start({
    nodes,
    clusterId,
    dataDirectory,
    flags: ["--allow-faults"],
  }).catch(withPortsHint);
  try {
    await openPrompt(settings, flags, servers, dataDirectory);
  } finally {
    await servers.stop();
  }
}

/** Node ids and the distance to the ports for nodes leave room below 65,536. */
const BASE_PORT_MAX = 65_000;

function basePortIn(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= BASE_PORT_MAX) return port;
  const expected = `a number from 1 to ${BASE_PORT_MAX}`;
  throw new KvError("BAD_REQUEST", `--base-port: expected ${expected}, got "${text}"`);
}

/** A server says how one port is changed; here all of them move at once. */
function withPortsHint(error: unknown): never {
  if (!(error instanceof KvError) || !error.message.includes("is taken by another process")) {
    throw error;
  }
  const text = `${error.message}. Or move all of this cluster: omnikv start --base-port 5100`;
  throw new KvError(error.code, text, { cause: error });
}

/** Each size of cluster has data of its own: a directory belongs to the nodes it was made for. */
function defaultDataDirectory(size: number): string {
  return size === DEFAULT_SIZE ? "data" : `data/size-${size}`;
}

async function openPrompt(
  settings: PromptSettings,
  flags: StartFlags,
  servers: LocalServers,
  dataDirectory: string,
): Promise<void> {
  const access = clientOptionsOf(settings);
  const client = createClient({ ...access, failFast: true });
  const admin = createAdminClient(access);
  const common = {
    ...promptPartsOf(settings),
    startCommand: (node: number) =>
      `${servers.paused().includes(node) ? "resume" : "restart"} ${node}`,
  };
  const { style } = common;
  const keysAndServers = createStartPrompt(
    createClientPrompt({ ...common, client }),
    createAdminPrompt({
      ...common,
      client: admin,
      sleep,
      servers,
      password: promptPassword,
    }),
  );
  const prompt: typeof keysAndServers = {
    ...keysAndServers,
    news: (tell) =>
      servers.onLost((node, farewell) => {
        const text = `${printable(farewell)}: \`restart ${node}\` starts it again`;
        const json = { event: "lost", node, message: farewell };
        tell({ text: style.bad(text), json, status: EXIT.ok });
      }),
  };
  try {
    await runPromptProcess(prompt, flags, {
      name: "client",
      promptText: `${prompt.style.strong("omnikv")}> `,
      greeting: greeting(settings.nodes, dataDirectory),
    });
  } finally {
    client.close();
    admin.close();
  }
}

function greeting(nodes: readonly ClusterNode[], dataDirectory: string): string {
  const where = nodes.map(({ id, host, port }) => `node ${id} at ${host}:${port}`).join(", ");
  const [first] = nodes;
  const page = first === undefined ? "" : pageUrl(first, false);
  const list = nodes.map(({ id, host, port }) => `${id}=${host}:${port}`).join(",");
  const elsewhere =
    first?.port === CLIENT_PORT_BASE + 1 ? "" : `Other commands find it with --nodes ${list}\n`;
  return (
    `${nodes.length} servers run: ${where}. Data and logs: ${dataDirectory}\n` +
    `Try "1 write 35 hello", "2 read 35", status, "isolate leader", heal, "crash 2", help.\n` +
    elsewhere +
    `Watch the cluster and break its links in a browser: ${page}\n` +
    `Ctrl-D or "exit" leaves and stops the servers.`
  );
}
