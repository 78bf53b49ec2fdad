/** The table of the management prompt. */
import { FAULT_DELAY_MS_MAX, type LinkFault, QUOTA_BYTES_MIN } from "../../base/index.ts";
import type { LinkDirection } from "../../protocol/admin/index.ts";
import {
  type CommandGroup,
  type CommandSpec,
  type CommandTable,
  type FlagSpec,
  type HelpTexts,
  type ParsedArguments,
  sizeIn,
  type Token,
  UsageError,
} from "../terminal/index.ts";
import { clusterGroups } from "./cluster-commands.ts";
import type { ClusterAction } from "../commands/index.ts";

export type AdminAction =
  /** peer null: all links. */
  | { readonly op: "getLinks"; readonly peer: number | null }
  | { readonly op: "breakLink"; readonly peer: number; readonly direction: LinkDirection }
  | { readonly op: "restoreLink"; readonly peer: number; readonly direction: LinkDirection }
  | {
      readonly op: "setFault";
      readonly peer: number;
      readonly direction: LinkDirection;
      readonly fault: LinkFault;
    }
  | { readonly op: "heal" }
  | { readonly op: "status" }
  | { readonly op: "setQuota"; readonly bytes: number };

const DIRECTIONS: readonly FlagSpec[] = [
  { name: "--in", help: "only what comes from the peer" },
  { name: "--out", help: "only what goes to the peer" },
];

function commandsFor(nodeIds: readonly number[]): readonly CommandSpec<AdminAction>[] {
  const peer = (token: Token | undefined): number => peerIn(token, nodeIds);
  const status: CommandSpec<AdminAction> = {
    name: "status",
    synonyms: ["info", "state", "stat"],
    forms: [""],
    summary: "all about it: role, leader, ballot, indexes, phase, uptime",
    examples: ["1 status", "all status"],
    arguments: [],
    count: [0, 0],
    build: () => ({ op: "status" }),
  };
  const getLinks: CommandSpec<AdminAction> = {
    name: "get_links",
    synonyms: ["links", "list_links", "show_links"],
    forms: ["[0]"],
    summary: "which links are broken, and the state of all of them",
    details: ["0, or nothing, means all links; a node's id shows only the link to it."],
    examples: ["1 get_links 0", "all get_links"],
    arguments: ["node"],
    count: [0, 1],
    build: ({ positionals: [token] }) => ({
      op: "getLinks",
      peer: token === undefined || token.text === "0" ? null : peer(token),
    }),
  };
  const breakLink: CommandSpec<AdminAction> = {
    name: "break_link",
    synonyms: ["break", "cut", "cut_link", "disconnect"],
    forms: ["PEER [--in|--out]"],
    summary: "drops all messages between the node and a peer",
    details: [
      "The node's drop table does it: the socket stays up, clients and management still reach the node.",
      "Breaking a broken link changes nothing. A restart of the node forgets it.",
    ],
    examples: ["1 break_link 2", "1 break_link 2 --out", "all break_link 3"],
    arguments: ["node"],
    count: [1, 1],
    flags: DIRECTIONS,
    build: (args) => ({
      op: "breakLink",
      peer: peer(args.positionals[0]),
      direction: directionIn(args),
    }),
  };
  const restoreLink: CommandSpec<AdminAction> = {
    name: "restore_link",
    synonyms: ["restore", "reconnect", "mend"],
    forms: ["PEER [--in|--out]"],
    summary: "lets messages pass again",
    examples: ["1 restore_link 2", "all restore_link 3"],
    arguments: ["node"],
    count: [1, 1],
    flags: DIRECTIONS,
    build: (args) => ({
      op: "restoreLink",
      peer: peer(args.positionals[0]),
      direction: directionIn(args),
    }),
  };
  const heal: CommandSpec<AdminAction> = {
    name: "heal",
    synonyms: ["restore_all", "fix"],
    forms: [""],
    summary: "restores every link of the node",
    examples: ["1 heal", "all heal"],
    arguments: [],
    count: [0, 0],
    build: () => ({ op: "heal" }),
  };
  const setFault = setFaultCommand(peer);
  return [status, getLinks, breakLink, restoreLink, setFault, heal, SET_QUOTA];
}

type PeerIn = (token: Token | undefined) => number;

function setFaultCommand(peer: PeerIn): CommandSpec<AdminAction> {
  return {
    name: "set_fault",
    synonyms: ["fault", "delay", "drop", "loss"],
    forms: ["PEER [--drop PERCENT] [--delay MS] [--in|--out]"],
    summary: "loses some messages on a link, or delays all",
    details: ["Without --drop and --delay the link loses and delays nothing any more."],
    examples: ["1 set_fault 2 --drop 10 --delay 50", "1 set_fault 2"],
    arguments: ["node"],
    count: [1, 1],
    flags: [
      { name: "--drop", value: "PERCENT", help: "how many messages are lost, 0 to 100" },
      { name: "--delay", value: "MS", help: `milliseconds, 0 to ${FAULT_DELAY_MS_MAX}` },
      ...DIRECTIONS,
    ],
    build: (args) => ({
      op: "setFault",
      peer: peer(args.positionals[0]),
      direction: directionIn(args),
      fault: {
        dropPermille: Math.round(10 * numberIn(args, "--drop", 100)),
        delayMs: numberIn(args, "--delay", FAULT_DELAY_MS_MAX),
      },
    }),
  };
}

const SET_QUOTA: CommandSpec<AdminAction> = {
  name: "set_quota",
  forms: ["SIZE"],
  summary: "the same as config set quota: what the keys and values of the whole cluster may take",
  details: [
    "Beyond it what makes them grow is refused (NO_SPACE), by all nodes alike. SIZE is in bytes, or with k, m or g behind it.",
    "Any node can be asked; it holds for all. Each needs two and a half times as much heap (docs/security.md).",
  ],
  examples: ["1 set_quota 768m", "1 set_quota 2g"],
  arguments: ["text"],
  count: [1, 1],
  build: ({ positionals: [token] }) => ({
    op: "setQuota",
    bytes: sizeIn(token, "SIZE", QUOTA_BYTES_MIN),
  }),
};

function peerIn(token: Token | undefined, nodeIds: readonly number[]): number {
  const text = token?.text ?? "";
  const id = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (nodeIds.includes(id)) return id;
  throw new UsageError(`PEER is one of ${nodeIds.join(", ")}, got "${text}"`);
}

function directionIn({ flags }: ParsedArguments): LinkDirection {
  const isIn = flags.has("--in");
  if (isIn === flags.has("--out")) return "both";
  return isIn ? "in" : "out";
}

function numberIn({ flags }: ParsedArguments, name: string, max: number): number {
  const text = flags.get(name)?.text;
  if (text === undefined) return 0;
  const number = /^\d{1,9}(\.\d{1,3})?%?$/.test(text) ? Number.parseFloat(text) : NaN;
  if (number <= max) return number;
  throw new UsageError(`${name} takes a number from 0 to ${max}, got "${text}"`);
}

export type ManageAction = AdminAction | ClusterAction;

export function adminTable(nodeIds: readonly number[]): CommandTable<ManageAction> {
  const { cluster, scenarios, servers, access } = clusterGroups(nodeIds);
  const links: CommandGroup<ManageAction> = {
    title: "One node, or all",
    commands: commandsFor(nodeIds),
    nodeWord: "all",
  };
  return { groups: [cluster, scenarios, links, access, servers], nodeIds };
}

export const ADMIN_HELP: HelpTexts = {
  intro: "Shows how the nodes are, and breaks and restores their links.",
  notes: ["Faults need servers that were started with --allow-faults (run1.sh to run3.sh do)."],
};
