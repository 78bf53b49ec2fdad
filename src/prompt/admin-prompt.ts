/** Carries out the commands of the management prompt. */
import { KvError, requestedFault, unreachable } from "../base/index.ts";
import type { NodeAddress } from "../client/terms/index.ts";
import {
  ADMIN_HELP,
  type AdminAction,
  type AdminCalls,
  adminTable,
  type ClusterOptions,
  type FarEnd,
  faultSentence,
  type ManageAction,
  renderLinks,
  renderStatus,
} from "./management/index.ts";
import { type ClusterAction, KEY_COMMANDS } from "./commands/index.ts";
import { runClusterAction } from "./cluster-prompt.ts";
import {
  EXIT,
  formatDuration,
  type Outcome,
  type Prompt,
  roundMs,
  type Style,
  type Target,
} from "./terminal/index.ts";
import { failureOutcome } from "./failure.ts";

export type AdminPromptOptions = ClusterOptions;

/** For the other ends of a node's links, in milliseconds: a silent one must not delay what is known. */
const FAR_ENDS_MS = 500;

export function createAdminPrompt(options: AdminPromptOptions): Prompt<ManageAction> {
  const { nodes, style } = options;
  return {
    table: {
      ...adminTable(nodes.map(({ id }) => id)),
      elsewhere: { prompt: "client", commands: KEY_COMMANDS.commands },
    },
    help: ADMIN_HELP,
    nodes: nodes.map(({ id, host, port }) => ({ id, address: `${host}:${port}` })),
    style,
    execute: (target, action, signal, screen) =>
      isClusterAction(action)
        ? runClusterAction(options, action, signal, screen)
        : Promise.all(
            asked(nodes, target, action).map((node) => ask(options, node, action, signal)),
          ),
  };
}

function isClusterAction(action: ManageAction): action is ClusterAction {
  switch (action.op) {
    case "scenario":
    case "changeLinks":
    case "healAll":
    case "table":
    case "watch":
    case "waitLeader":
    case "sleep":
    case "server":
    case "access":
    case "showSettings":
    case "changeSetting":
    case "compact":
      return true;
    case "status":
    case "getLinks":
    case "breakLink":
    case "restoreLink":
    case "setFault":
    case "heal":
    case "setQuota":
      return false;
    default:
      return unreachable(action, "management action");
  }
}

/** "all" leaves out the peer that the command is about: no node has a link to itself. */
function asked(
  nodes: readonly NodeAddress[],
  target: Target,
  action: AdminAction,
): readonly NodeAddress[] {
  if (target !== null) return nodes.filter(({ id }) => id === target);
  const peer = "peer" in action ? action.peer : null;
  return nodes.filter(({ id }) => id !== peer);
}

async function ask(
  { client, nodes, timeoutMs, style, startCommand, now }: AdminPromptOptions,
  node: NodeAddress,
  action: AdminAction,
  signal: AbortSignal,
): Promise<Outcome> {
  const started = now();
  try {
    const others = nodes.filter(({ id }) => id !== node.id).map(({ id }) => id);
    const told = await carryOut(client, { node: node.id, others }, action, signal, style);
    const { text, fields, alarmed } = told;
    const ms = now() - started;
    return {
      // Behind the first line: the rest may be a table.
      text: text.replace(/$|\n/, (end) => ` ${style.dim(`(${formatDuration(ms)})`)}${end}`),
      json: { ok: true, node: node.id, op: action.op, ...fields, ms: roundMs(ms) },
      status: alarmed === true ? EXIT.failed : EXIT.ok,
      isResult: true,
    };
  } catch (error) {
    if (!(error instanceof KvError)) throw error;
    const context = {
      op: action.op,
      changes: action.op !== "status" && action.op !== "getLinks",
      lookFirst: `\`${node.id} get_links\` shows how it is, and trying again does no harm`,
      node: node.id,
      address: `${node.host}:${node.port}`,
      timeoutMs,
      startCommand,
      style,
    };
    return failureOutcome(error, context, now() - started);
  }
}

interface Told {
  readonly text: string;
  readonly fields: Readonly<Record<string, unknown>>;
  /** The node has an alarm: scripts must notice. */
  readonly alarmed?: boolean;
}

async function carryOut(
  client: AdminCalls,
  { node, others }: { readonly node: number; readonly others: readonly number[] },
  action: AdminAction,
  signal: AbortSignal,
  style: Style,
): Promise<Told> {
  const options = { signal };
  const name = style.node(`node ${node}`);
  const done = (words: string, result: object = {}): Told => ({
    text: `${name}: ${style.good("ok")}, ${words}`,
    fields: { ...result },
  });
  switch (action.op) {
    case "status": {
      const status = await client.call(node, "status", {}, options);
      const alarmed = status.alarms.length > 0;
      return { text: renderStatus(status, style), fields: status, alarmed };
    }
    case "getLinks": {
      if (action.peer === node) {
        throw new KvError("BAD_REQUEST", `node ${node} has no link to itself`);
      }
      const { links } = await client.call(node, "getLinks", {}, options);
      const shown = links.filter(({ peer }) => action.peer === null || peer === action.peer);
      const peers = others.filter((id) => shown.some(({ peer }) => peer === id));
      const far = await farEnds(client, node, peers, signal);
      const fields = {
        links: shown.map((link) => ({ ...link, there: far.get(link.peer) ?? null })),
      };
      return { text: renderLinks(node, shown, far, style), fields };
    }
    case "breakLink": {
      const { op, peer, direction } = action;
      const result = await client.call(node, op, { peer, direction }, options);
      return done(`the link to node ${peer} is broken${ways(direction)}`, result);
    }
    case "restoreLink": {
      const { op, peer, direction } = action;
      const result = await client.call(node, op, { peer, direction }, options);
      const far = (await farEnds(client, node, [peer], signal)).get(peer);
      const isBrokenThere = far !== undefined && (far.brokenIn || far.brokenOut);
      const rest = isBrokenThere
        ? `, here; it is still broken at node ${peer} (\`${peer} restore_link ${node}\`)`
        : "";
      return done(`the link to node ${peer} is restored${ways(direction)}${rest}`, result);
    }
    case "setFault": {
      const { op, peer, direction, fault } = action;
      const params = { peer, direction, ...requestedFault(fault) };
      const result = await client.call(node, op, params, options);
      return done(`the link to node ${peer} ${faultSentence(fault)}${ways(direction)}`, result);
    }
    case "heal":
      return done("all its links are restored", await client.call(node, "heal", {}, options));
    case "setQuota":
      await client.call(node, "setQuota", { bytes: action.bytes }, options);
      return done(`a quota of ${action.bytes} bytes holds, for all nodes`);
    default:
      return unreachable(action, "management action");
  }
}

/** What the peers that answer have done to their ends of the node's links, by peer. */
async function farEnds(
  client: AdminCalls,
  node: number,
  peers: readonly number[],
  signal: AbortSignal,
): Promise<ReadonlyMap<number, FarEnd>> {
  const options = { signal, timeoutMs: FAR_ENDS_MS };
  const ends = peers.map(async (peer): Promise<readonly [number, FarEnd][]> => {
    try {
      const { links } = await client.call(peer, "getLinks", {}, options);
      return links
        .filter((link) => link.peer === node)
        .map(({ brokenIn, brokenOut }) => [peer, { brokenIn, brokenOut }] as const);
    } catch (error) {
      // A peer that cannot be asked stays unknown: the node that the command is about has answered.
      if (error instanceof KvError) return [];
      throw error;
    }
  });
  return new Map((await Promise.all(ends)).flat());
}

function ways(direction: "both" | "in" | "out"): string {
  switch (direction) {
    case "both":
      return " both ways";
    case "in":
      return ", what comes in only";
    case "out":
      return ", what goes out only";
    default:
      return unreachable(direction, "direction");
  }
}
