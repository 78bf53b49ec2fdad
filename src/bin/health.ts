/** `omnikv health`: whether each node of a cluster is ready, for scripts. It asks what probes ask, GET /readyz. */
import { setTimeout as pause } from "node:timers/promises";
import { Command } from "commander";
import { hostPort, KvError, printable, printableJson, systemCode } from "../base/index.ts";
import { clientTlsIn } from "../client/tls/index.ts";
import {
  type ClusterNode,
  namesIds,
  parseAddresses,
  parseNodesFlag,
} from "../server/config/index.ts";
import { type HttpAnswer, httpGet } from "../machine/http/index.ts";
import { timeLimit } from "../machine/runtime/index.ts";
import type { TlsSide } from "../machine/tls/index.ts";
import {
  type CertificateEnd,
  endsSoonText,
  parseCertificates,
  parseChecks,
  PASSED_TEXT,
  readToken,
  type ToldCheck,
} from "../server/probes/index.ts";
import { EXIT, type ExitStatus } from "../prompt/terminal/index.ts";
import {
  addCredentialOptions,
  readAccess,
  type Access,
  type AccessFlags,
} from "./options/credential-options.ts";
import { CLUSTER_HELP, clusterOf, parseTime } from "./options/prompt-options.ts";

export interface HealthFlags extends AccessFlags {
  readonly timeout: string;
  readonly wait?: string;
  readonly json?: true;
  readonly token?: true;
}

/** Null: it was named by its address only. */
interface Target {
  readonly node: number | null;
  readonly host: string;
  readonly port: number;
}

interface Health extends Target {
  readonly ready: boolean;
  /** The checks that do not hold. */
  readonly failed: readonly ToldCheck[];
  /** Those that it uses, and when they end. */
  readonly certificates: readonly CertificateEnd[];
  /** Why nothing is known of it; null: it has answered. */
  readonly error: string | null;
}

/** A longer answer is no answer of ours. */
const ANSWER_BYTES_MAX = 64 * 1024;
/** A change of leader is over within four election time-outs, 400 ms. */
const ASK_AGAIN_MS = 250;

const HELP = `
Examples:
  omnikv health                                        nodes 1 to 3 on this machine
  omnikv health --cluster cluster.json                 the nodes of a file, with its secret
  omnikv health --nodes 10.0.0.1:4101,10.0.0.2:4102    or by their addresses
  omnikv health --nodes 10.0.0.1:4101 --cacert ca.crt  over TLS
  omnikv health --wait 1min                            after a restart: when all are ready, or that time is over
  omnikv health --json | jq -r 'select(.ready | not) | .address'
  omnikv health --token --secret-file secret.txt       for Prometheus (docs/operations.md)

A node is ready when a client can write through it now. One line a node, in the order given; with --json an object. A certificate
that ends within two weeks, or has ended, is named behind; with --json each of them.
Exit status: 0 every node is ready · 1 some node is not, or does not answer · 2 usage.`;

export function healthCommand(): Command {
  return addCredentialOptions(new Command("health"))
    .description("Asks each node whether it is ready, and why not. For scripts and probes.")
    .option("--nodes <list>", "HOST:PORT,… or ID=HOST:PORT,… (default: nodes 1 to 3 here)")
    .option("--cluster <file>", CLUSTER_HELP)
    .option("--timeout <time>", "how long to wait for each answer: 500ms, 5s", "2s")
    .option("--wait <time>", "ask again until every node is ready, for so long at most: 30s, 5min")
    .option("--json", "one JSON object a line")
    .option("--token", "print what opens /metrics of a cluster with a secret, and ask nobody")
    .addHelpText("after", HELP)
    .action(async (flags: HealthFlags) => {
      process.exitCode = await runHealth(flags, process.stdout);
    });
}

/** @throws KvError BAD_REQUEST that names the flag */
export async function runHealth(
  flags: HealthFlags,
  out: { write(text: string): unknown },
): Promise<ExitStatus> {
  const { targets, secret, tls, credentials } = readFlags(flags);
  const timeoutMs = parseTime(flags.timeout, "--timeout");
  const waitMs = flags.wait === undefined ? 0 : parseTime(flags.wait, "--wait");
  const token = secret === null ? null : readToken(secret);
  if (flags.token === true) {
    if (token === null) {
      throw new KvError("BAD_REQUEST", "--token: is made of a secret: give --secret-file too");
    }
    out.write(`${token}\n`);
    return EXIT.ok;
  }
  const authorization = token === null ? basicOf(credentials) : `Bearer ${token}`;
  const ask = (): Promise<readonly Health[]> =>
    Promise.all(targets.map((target) => healthOf(target, authorization, tls, timeoutMs)));
  const all = await askUntilReady(ask, waitMs);
  for (const health of all) out.write(`${flags.json === true ? asJson(health) : asText(health)}\n`);
  return all.every(({ ready }) => ready) ? EXIT.ok : EXIT.failed;
}

/** @returns the last answers: all ready, or what there was when the time was over */
async function askUntilReady(
  ask: () => Promise<readonly Health[]>,
  waitMs: number,
): Promise<readonly Health[]> {
  const untilMs = performance.now() + waitMs;
  for (;;) {
    const all = await ask();
    if (all.every(({ ready }) => ready) || performance.now() >= untilMs) return all;
    await pause(ASK_AGAIN_MS);
  }
}

function readFlags(flags: HealthFlags): {
  readonly targets: readonly Target[];
  readonly secret: string | null;
  readonly tls: TlsSide | null;
  readonly credentials: Access["credentials"];
} {
  const { nodes } = flags;
  const cluster = clusterOf(flags);
  const { secret, tls, credentials } = readAccess(flags, cluster);
  const targets = nodes === undefined ? cluster.nodes.map(targetOf) : parseTargets(nodes);
  const side = tls === false ? null : clientTlsIn(tls, undefined);
  return { targets, secret, tls: side, credentials };
}

/** A user without a password asks as a stranger does: a probe has no terminal to ask at. */
function basicOf({ user, password }: Access["credentials"]): string | null {
  if (user === undefined || password === undefined) return null;
  return `Basic ${Buffer.from(`${user}:${password()}`).toString("base64")}`;
}

function targetOf({ id, host, port }: ClusterNode): Target {
  return { node: id, host, port };
}

function parseTargets(text: string): readonly Target[] {
  if (namesIds(text)) return parseNodesFlag(text).map(targetOf);
  return parseAddresses(text).map((address) => ({ node: null, ...address }));
}

async function healthOf(
  target: Target,
  authorization: string | null,
  tls: TlsSide | null,
  timeoutMs: number,
): Promise<Health> {
  const unknown = (error: string): Health => ({
    ...target,
    ready: false,
    failed: [],
    certificates: [],
    error,
  });
  let answer: HttpAnswer;
  try {
    answer = await get(target, authorization, tls, timeoutMs);
  } catch (error) {
    return unknown(reasonOf(error));
  }
  if (answer.status === 401) {
    return unknown(
      authorization === null
        ? "it wants the cluster's secret (--secret-file), or a user with the role root (--user, --password-file)"
        : "it has another secret, or the user is not one with the role root and this password",
    );
  }
  const checks = parseChecks(answer.body);
  // Another program that listens there may answer 200 to everything.
  if (checks.length === 0) {
    return unknown(`what answers there is no omnikv server, or an older one (${answer.status})`);
  }
  const failed = checks.filter(({ failure }) => failure !== null);
  const passed = answer.status === 200 && answer.body.includes(PASSED_TEXT);
  const ready = passed && failed.length === 0;
  return { ...target, ready, failed, certificates: parseCertificates(answer.body), error: null };
}

async function get(
  { host, port }: Target,
  authorization: string | null,
  tls: TlsSide | null,
  timeoutMs: number,
): Promise<HttpAnswer> {
  const headers = authorization === null ? {} : { authorization };
  const { signal, end } = timeLimit(timeoutMs);
  const path = "/readyz?verbose";
  try {
    return await httpGet({ host, port, path, headers, tls, signal, bytesMax: ANSWER_BYTES_MAX });
  } catch (error) {
    throw signal.aborted ? new Error(`no answer within ${timeoutMs} ms`, { cause: error }) : error;
  } finally {
    end();
  }
}

/** A name with several addresses fails with an error that has no text of its own. */
function reasonOf(error: unknown): string {
  const said = error instanceof Error ? error.message : String(error);
  return said === "" ? (systemCode(error) ?? "no connection") : said;
}

function asText(health: Health): string {
  const { node, ready, failed, certificates, error } = health;
  const who = node === null ? hostPort(health) : `node ${node} at ${hostPort(health)}`;
  if (error !== null) return `${who}: not ready: ${printable(error)}`;
  const nowMs = Date.now();
  const soon = certificates.flatMap((each) => endsSoonText(each, nowMs) ?? []);
  if (ready) return [`${who}: ready`, ...soon].join("; ");
  const reasons = failed.map(({ name, failure }) => printable(`${name}: ${failure ?? ""}`));
  const why = reasons.length === 0 ? ["it does not say why"] : reasons;
  return `${who}: not ready: ${[...why, ...soon].join("; ")}`;
}

function asJson(health: Health): string {
  const { node, ready, failed, certificates, error } = health;
  const checks = failed.map(({ name, failure }) => ({ check: name, reason: failure }));
  const ends = certificates.map(({ port, which, endsMs }) => ({
    port,
    which,
    ends: new Date(endsMs).toISOString(),
  }));
  return printableJson({
    node,
    address: hostPort(health),
    ready,
    failed: checks,
    certificates: ends,
    error,
  });
}
