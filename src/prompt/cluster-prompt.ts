/** Carries out the commands for the whole cluster. */
import { KvError, unreachable } from "../base/index.ts";
import {
  applyFaults,
  changeLinks,
  type ClusterLook,
  type FaultsOutcome,
  leaderIn,
  logsIn,
  lookAtCluster,
  runScenario,
} from "../client/admin/index.ts";
import {
  ableToLead,
  leadText,
  majority,
  planCloudflare,
  planIsolation,
  planOrder,
  planPartition,
  planScenario,
  type Scenario,
} from "../client/scenarios/index.ts";
import {
  type ClusterOptions,
  faultsTimeoutMs,
  lookTimeoutMs,
  reasonText,
  reasonWords,
  renderTable,
  runAccess,
  settingOutcome,
  waitForLeader,
  watchCluster,
} from "./management/index.ts";
import {
  EXIT,
  type ExitStatus,
  formatDuration,
  type NodeOrLeader,
  type Outcome,
  roundMs,
  type Screen,
  worse,
} from "./terminal/index.ts";
import type { ClusterAction, ScenarioRequest, ServerAction } from "./commands/index.ts";
import { failureOutcome, statusOf } from "./failure.ts";

interface Run {
  readonly options: ClusterOptions;
  readonly ids: readonly number[];
  readonly signal: AbortSignal;
  readonly startedMs: number;
  readonly name: string;
}

/** Never rejects for what nodes answer. */
export async function runClusterAction(
  options: ClusterOptions,
  action: ClusterAction,
  signal: AbortSignal,
  screen: Screen,
): Promise<readonly Outcome[]> {
  const ids = options.nodes.map(({ id }) => id);
  const run: Run = { options, ids, signal, startedMs: options.now(), name: nameOf(action) };
  try {
    if (action.op === "watch") {
      await watchCluster(options, action.forMs, signal, screen);
      return [];
    }
    return [await carryOut(run, action, screen)];
  } catch (error) {
    if (!(error instanceof KvError)) throw error;
    const { timeoutMs, startCommand, style } = options;
    const context = {
      op: run.name,
      changes: !LOOKS_ONLY.has(action.op),
      lookFirst: lookFirst(action),
      node: null,
      address: options.nodes.map(({ host, port }) => `${host}:${port}`).join(", "),
      explained: true,
      timeoutMs,
      startCommand,
      style,
    };
    return [failureOutcome(error, context, options.now() - run.startedMs)];
  }
}

const LOOKS_ONLY: ReadonlySet<ClusterAction["op"]> = new Set([
  "table",
  "waitLeader",
  "sleep",
  "showSettings",
]);

function lookFirst({ op }: ClusterAction): string {
  const isSetting = op === "changeSetting" || op === "compact";
  return `\`${isSetting ? "config list" : "status"}\` shows how it is`;
}

/** As it was typed. */
function nameOf(action: ClusterAction): string {
  switch (action.op) {
    case "scenario":
    case "changeLinks":
      return action.name;
    case "healAll":
      return "heal";
    case "table":
      return "status";
    case "waitLeader":
      return "wait-leader";
    case "server":
      return action.what;
    case "access":
      return action.name;
    case "showSettings":
    case "changeSetting":
      return "config";
    case "watch":
    case "sleep":
    case "compact":
      return action.op;
    default:
      return unreachable(action, "cluster action");
  }
}

async function carryOut(
  run: Run,
  action: Exclude<ClusterAction, { readonly op: "watch" }>,
  screen: Screen,
): Promise<Outcome> {
  const { options, ids, signal } = run;
  const { client } = options;
  const calls = { timeoutMs: faultsTimeoutMs(options), signal };
  switch (action.op) {
    case "scenario":
      return breakLinks(run, action.request);
    case "changeLinks": {
      const outcome = await changeLinks(client, action.changes, calls);
      return told(run, outcome, action.words, { changes: action.changes });
    }
    case "healAll":
      return told(run, await applyFaults(client, ids, [], calls), "all links are whole", {});
    case "table":
      return table(run, screen.columns?.());
    case "waitLeader": {
      const { leader, ballot } = await waitForLeader(options, action.timeoutMs, signal);
      return done(run, `node ${leader} leads`, { leader, ballot });
    }
    case "sleep":
      await options.sleep(action.ms, signal);
      if (signal.aborted) throw new KvError("CANCELLED", "cancelled", { definite: true });
      return done(run, `slept ${formatDuration(action.ms)}`, {});
    case "access": {
      const { words, fields, total, isAnswer } = await runAccess(options, action, signal);
      if (isAnswer === true) return answered(run, words, fields);
      return total === undefined ? done(run, words, fields) : listed(run, words, total, fields);
    }
    case "server":
      return changeServer(run, action.what, action.node);
    case "showSettings":
    case "changeSetting": {
      const { words, fields } = await settingOutcome(options, action, signal);
      return answered(run, words, fields);
    }
    case "compact": {
      const { words, fields } = await settingOutcome(options, action, signal);
      return done(run, words, fields);
    }
    default:
      return unreachable(action, "cluster action");
  }
}

/** @throws KvError when no node answers */
async function lookAround({ options, ids, signal }: Run): Promise<ClusterLook> {
  const timeoutMs = lookTimeoutMs(options);
  const look = await lookAtCluster(options.client, ids, { timeoutMs, signal });
  const errors = look.flatMap(({ error }) => (error === null ? [] : [error]));
  const [first] = errors;
  if (first === undefined || errors.length < ids.length) return look;
  const reasons = look.map(({ node, error }) =>
    reasonText(options, node, error ?? first, timeoutMs),
  );
  throw new KvError(first.code, `no node answers: ${reasons.join("; ")}`, { definite: true });
}

async function breakLinks(run: Run, request: ScenarioRequest): Promise<Outcome> {
  const { options, ids, signal } = run;
  const leader = leaderIn(await lookAround(run));
  const scenario = plan(request, ids, leader);
  const outcome = await runScenario(options.client, ids, scenario, {
    timeoutMs: faultsTimeoutMs(options),
    signal,
    sleep: (ms) => options.sleep(ms, signal),
  });
  if (signal.aborted) {
    throw new KvError("CANCELLED", "cancelled half-way: `heal` makes all links whole");
  }
  const broken = scenario.steps.at(-1)?.broken ?? [];
  const down = [...outcome.failed].flatMap(([node, { code }]) =>
    code === "FORBIDDEN" ? [] : [node],
  );
  const canLead = ableToLead(ids, broken, leader, down);
  const words = `${scenario.summary}; ${leadText(canLead, leader)}`;
  return told(run, outcome, words, { summary: scenario.summary, broken, leader, canLead });
}

function plan(request: ScenarioRequest, ids: readonly number[], leader: number | null): Scenario {
  switch (request.kind) {
    case "named": {
      const { name, hub } = request;
      const cast = { nodes: ids, leader: known(leader) };
      return planScenario(name, hub === null ? cast : { ...cast, hub });
    }
    case "order":
      return planOrder(request.name, request.order, ids, leader);
    case "cloudflare":
      return planCloudflare(request.pair, ids, leader);
    case "isolate":
      return planIsolation(nodeOf(request.node, leader), ids, leader);
    case "partition":
      return planPartition(request.groups, ids, leader);
    default:
      return unreachable(request, "scenario");
  }
}

function nodeOf(node: NodeOrLeader, leader: number | null): number {
  return node === "leader" ? known(leader) : node;
}

function known(leader: number | null): number {
  if (leader !== null) return leader;
  const text =
    "no node leads now: `heal`, then `wait-leader`, and try again (`status` shows all nodes)";
  throw new KvError("NO_QUORUM", text);
}

async function changeServer(run: Run, what: ServerAction, node: NodeOrLeader): Promise<Outcome> {
  const { options, ids } = run;
  const { servers } = options;
  if (servers === null) {
    const text = `only the prompt of \`omnikv start\` can ${what} servers, for it started them; do it where node ${node} runs`;
    throw new KvError("FORBIDDEN", text.replace("node leader", "the leader"));
  }
  const id = node === "leader" ? known(leaderIn(await lookAround(run))) : node;
  await servers[what](id);
  const running = servers.running();
  const enough = running.length >= majority(ids);
  const rest = `${running.length} of ${ids.length} nodes run: ${enough ? "a majority" : "no majority, writes wait"}`;
  return done(run, `node ${id} ${CHANGED[what]}; ${rest}`, { node: id, running });
}

const CHANGED: Readonly<Record<ServerAction, string>> = {
  crash: "was killed",
  restart: "runs again, with whole links",
  pause: "is paused",
  resume: "goes on",
};

/** Nothing but the words: they may be what a script looks for. */
function answered(run: Run, words: string, fields: Readonly<Record<string, unknown>>): Outcome {
  const ms = roundMs(run.options.now() - run.startedMs);
  return { text: words, json: { ok: true, op: run.name, ...fields, ms }, status: EXIT.ok };
}

/** Nothing was done: the lines are what was asked for. */
function listed(
  run: Run,
  lines: string,
  total: string,
  fields: Readonly<Record<string, unknown>>,
): Outcome {
  const { style, now } = run.options;
  const ms = now() - run.startedMs;
  return {
    text: lines,
    footer: { text: `${total} ${style.dim(`(${formatDuration(ms)})`)}`, isPart: false },
    json: { ok: true, op: run.name, ...fields, ms: roundMs(ms) },
    status: EXIT.ok,
  };
}

function done(run: Run, words: string, fields: Readonly<Record<string, unknown>>): Outcome {
  const { style, now } = run.options;
  const ms = now() - run.startedMs;
  return {
    text: `${style.good("ok")}, ${words} ${style.dim(`(${formatDuration(ms)})`)}`,
    json: { ok: true, op: run.name, ...fields, ms: roundMs(ms) },
    status: EXIT.ok,
  };
}

/** The outcome of a change at all nodes: complete, partial, or none. */
function told(
  run: Run,
  { reached, failed }: FaultsOutcome,
  words: string,
  fields: Readonly<Record<string, unknown>>,
): Outcome {
  if (failed.size === 0) return done(run, words, { ...fields, reached, failed: [] });
  const { options } = run;
  const { style, now } = options;
  const ms = now() - run.startedMs;
  const failures = [...failed].sort(([a], [b]) => a - b);
  const reasons = failures.map(([node, error]) =>
    reasonText(options, node, error, faultsTimeoutMs(options)),
  );
  const unknown = failures.some(([, error]) => !error.definite);
  const status = failures.reduce<ExitStatus>(
    (worst, [, error]) => worse(worst, error.definite ? statusOf(error) : EXIT.unknown),
    EXIT.ok,
  );
  const took = style.dim(`(${formatDuration(ms)})`);
  const text =
    reached.length === 0
      ? style.bad(`nothing was done: ${reasons.join("; ")}`)
      : `${style.warn(`done on ${nodesText(reached)} only`)}: ${words}\n  ${style.bad(`not told: ${reasons.join("; ")}`)}`;
  return {
    text: `${text} ${took}`,
    json: {
      ok: false,
      op: run.name,
      ...fields,
      reached,
      failed: failures.map(([node, { code, message }]) => ({ node, code, message })),
      code: failures[0]?.[1].code,
      definite: !unknown && reached.length === 0,
      retryable: failures.some(([, error]) => error.retryable),
      message: reasons.join("; "),
      ms: roundMs(ms),
    },
    status,
  };
}

function nodesText(nodes: readonly number[]): string {
  return nodes.length === 1 ? `node ${nodes.join("")}` : `nodes ${nodes.join(", ")}`;
}

async function table(run: Run, columns: number | undefined): Promise<Outcome> {
  const { options, ids, signal } = run;
  const look = await lookAtCluster(options.client, ids, {
    timeoutMs: lookTimeoutMs(options),
    signal,
  });
  if (signal.aborted) throw new KvError("CANCELLED", "cancelled", { definite: true });
  const waitedMs = lookTimeoutMs(options);
  const reason = (node: number, error: KvError): string =>
    reasonWords(options, node, error, waitedMs);
  const isAlarmed = look.some((each) => (each.status?.alarms.length ?? 0) > 0);
  const status = look.reduce<ExitStatus>(
    (worst, { error }) => (error === null ? worst : worse(worst, statusOf(error))),
    isAlarmed || logsIn(look).length > 1 ? EXIT.failed : EXIT.ok,
  );
  const nodes = look.map(({ node, status: said, error }) =>
    said === null
      ? { ok: false, node, code: error.code, message: error.message }
      : { ok: true, node, ...said },
  );
  const leader = leaderIn(look);
  const ms = roundMs(options.now() - run.startedMs);
  const failed = look.flatMap(({ error }) => (error === null ? [] : [error]));
  const [first] = failed;
  const failure =
    first === undefined
      ? {}
      : { code: first.code, definite: true, retryable: first.retryable, message: first.message };
  return {
    text: renderTable(look, reason, options.style, columns).join("\n"),
    json: { ok: first === undefined, op: run.name, leader, nodes, ...failure, ms },
    status,
    isResult: true,
  };
}
