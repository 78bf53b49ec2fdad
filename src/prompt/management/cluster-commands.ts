/** Commands of the management prompt that are for the whole cluster: no node stands in front of them. */
import {
  ACCESS_COMMANDS,
  type ClusterAction,
  type ServerAction,
  SETTING_COMMANDS,
} from "../commands/index.ts";
import {
  type CommandGroup,
  type CommandSpec,
  nodeIn,
  nodeOrLeaderIn,
  timeIn,
} from "../terminal/index.ts";
import { linkCommands } from "./link-commands.ts";
import { scenarioCommands } from "./scenario-commands.ts";

type Spec = CommandSpec<ClusterAction>;

const WAIT_LEADER_MS = 10_000;

export function clusterGroups(
  nodeIds: readonly number[],
): Readonly<Record<"cluster" | "scenarios" | "servers" | "access", CommandGroup<ClusterAction>>> {
  return {
    cluster: {
      title: "The cluster",
      commands: [...viewCommands(), ...SETTING_COMMANDS],
      nodeWord: null,
    },
    access: { title: "Users and roles", commands: ACCESS_COMMANDS, nodeWord: null },
    scenarios: {
      title: "Scenarios: links of all nodes at once",
      commands: [...scenarioCommands(nodeIds), ...linkCommands(nodeIds), heal],
      nodeWord: null,
    },
    servers: {
      title: 'Servers: only at the prompt of "omnikv start", which started them',
      commands: serverCommands(nodeIds),
      nodeWord: null,
    },
  };
}

const heal: Spec = {
  name: "heal",
  synonyms: ["restore_all", "fix", "reset", "repair"],
  forms: [""],
  summary: "restores every link of every node",
  examples: ["heal"],
  arguments: [],
  count: [0, 0],
  build: () => ({ op: "healAll" }),
};

export const STATUS_COMMAND: Spec = {
  name: "status",
  synonyms: ["info", "state", "stat", "table"],
  forms: [""],
  summary: "all nodes in a table: who leads, how far each is, broken links",
  examples: ["status"],
  arguments: [],
  count: [0, 0],
  build: () => ({ op: "table" }),
};

function viewCommands(): readonly Spec[] {
  return [
    STATUS_COMMAND,
    {
      name: "watch",
      synonyms: ["monitor", "top", "follow"],
      forms: ["[SECONDS]"],
      summary: "the same live, until Ctrl-C or q, or for so many seconds",
      details: ["Without a terminal: the table once, then a line for each change."],
      examples: ["watch", "watch 30"],
      arguments: ["time"],
      count: [0, 1],
      build: ({ positionals: [time] }) => ({
        op: "watch",
        forMs: time === undefined ? null : timeIn(time, "SECONDS", "s"),
      }),
    },
    {
      name: "wait-leader",
      synonyms: ["wait_leader", "wait", "await"],
      forms: ["[TIMEOUT]"],
      summary: "waits until one node has led, with a majority, for half a second",
      details: [`For scripts. TIMEOUT is ${WAIT_LEADER_MS / 1000}s unless you say otherwise.`],
      examples: ["wait-leader", "wait-leader 5s"],
      arguments: ["time"],
      count: [0, 1],
      build: ({ positionals: [time] }) => ({
        op: "waitLeader",
        timeoutMs: time === undefined ? WAIT_LEADER_MS : timeIn(time, "TIMEOUT", "s"),
      }),
    },
    {
      name: "sleep",
      forms: ["TIME"],
      summary: "does nothing for a while, for scripts",
      examples: ["sleep 2s", "sleep 500ms"],
      arguments: ["time"],
      count: [1, 1],
      build: ({ positionals: [time] }) => ({ op: "sleep", ms: timeIn(time, "TIME", "s") }),
    },
  ];
}

function serverCommands(nodeIds: readonly number[]): readonly Spec[] {
  const command = (what: ServerAction, synonyms: string[], summary: string, of: string): Spec => ({
    name: what,
    synonyms,
    forms: ["NODE"],
    summary,
    examples: [`${what} ${of}`],
    arguments: [what === "crash" || what === "pause" ? "nodeOrLeader" : "node"],
    count: [1, 1],
    build: ({ positionals: [token] }) => ({
      op: "server",
      what,
      node:
        what === "crash" || what === "pause"
          ? nodeOrLeaderIn(token, nodeIds)
          : nodeIn(token, nodeIds),
    }),
  });
  const last = String(nodeIds.at(-1) ?? 1);
  return [
    command("crash", ["kill", "kill9"], "kills the node's process (kill -9)", last),
    command("restart", ["start", "reboot"], "starts it again; its own faults are forgotten", last),
    command(
      "pause",
      ["stop", "freeze", "suspend"],
      "stops it without killing it (SIGSTOP)",
      "leader",
    ),
    command("resume", ["continue", "cont", "unpause", "thaw"], "lets it go on (SIGCONT)", last),
  ];
}
