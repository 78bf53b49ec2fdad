/** Commands that change some links of the cluster and leave the others as they are. */
import { FAULT_DELAY_MS_MAX } from "../../base/index.ts";
import type { LinkChange } from "../../client/admin/index.ts";
import { allPairs } from "../../client/scenarios/index.ts";
import {
  type CommandSpec,
  formatDuration,
  nodeFrom,
  timeIn,
  type Token,
  UsageError,
  wordsIn,
} from "../terminal/index.ts";
import type { ClusterAction } from "../commands/index.ts";

const LINKS =
  'LINK is 1-2 for both directions, "1>2" for what node 1 sends to node 2 only, or all. Several may be named.';

export function linkCommands(nodeIds: readonly number[]): readonly CommandSpec<ClusterAction>[] {
  const [first = 1, second = 2, third = 3] = nodeIds;
  const link = `${first}-${second}`;
  return [
    {
      name: "flaky",
      synonyms: ["lossy", "loss", "drop", "unstable"],
      forms: ["LINK… PERCENT"],
      summary: "these links lose so many of their messages; 0% for none",
      details: [LINKS, "Delays, and other links, stay as they are."],
      examples: [`flaky ${link} 30%`, `flaky "${first}>${second}" 50%`, "flaky all 5%"],
      arguments: ["link", "percent"],
      count: [2, 1 + nodeIds.length ** 2],
      build: ({ positionals }) => {
        const links = linksIn(positionals.slice(0, -1), nodeIds);
        const dropPermille = permilleIn(positionals.at(-1));
        const loses =
          dropPermille === 0 ? "loses no messages" : `loses ${dropPermille / 10} % of its messages`;
        return {
          op: "changeLinks",
          name: "flaky",
          changes: links.ways.map((way) => ({ ...way, dropPermille })),
          words: `${links.words} ${links.many ? loses.replace("loses", "lose").replace("its", "their") : loses}`,
        };
      },
    },
    {
      name: "delay",
      synonyms: ["slow", "latency", "lag"],
      forms: ["LINK… TIME"],
      summary: "messages on these links take so much longer; 0 for none",
      details: [
        LINKS,
        "The time is added to each direction. Losses, and other links, stay as they are.",
      ],
      examples: [`delay ${first}-${third} 50ms`, "delay all 20ms"],
      arguments: ["link", "delay"],
      count: [2, 1 + nodeIds.length ** 2],
      build: ({ positionals }) => {
        const links = linksIn(positionals.slice(0, -1), nodeIds);
        const delayMs = timeIn(positionals.at(-1), "TIME", "ms", FAULT_DELAY_MS_MAX);
        const verb = links.many ? "delay" : "delays";
        const what = delayMs === 0 ? "nothing" : `messages by ${formatDuration(delayMs)} each way`;
        return {
          op: "changeLinks",
          name: "delay",
          changes: links.ways.map((way) => ({ ...way, delayMs })),
          words: `${links.words} ${verb} ${what}`,
        };
      },
    },
  ];
}

type Way = Pick<LinkChange, "from" | "to">;

interface NamedLinks {
  readonly ways: readonly Way[];
  readonly many: boolean;
  readonly words: string;
}

function linksIn(tokens: readonly Token[], nodeIds: readonly number[]): NamedLinks {
  const words = wordsIn(tokens, /[\s,]+/);
  if (words.length === 1 && words[0] === "all") {
    const ways = allPairs(nodeIds).flatMap(([a, b]) => bothWays(a, b));
    return { ways, many: true, words: "all links" };
  }
  const ways = words.flatMap((word) => waysOf(word, nodeIds));
  const names = words.map((word) => word.replace("->", ">"));
  const many = names.length > 1;
  return { ways, many, words: `${many ? "links" : "link"} ${names.join(", ")}` };
}

function waysOf(word: string, nodeIds: readonly number[]): readonly Way[] {
  const match = /^(\d{1,9})(-|–|->|>|→)(\d{1,9})$/.exec(word);
  if (match === null) {
    throw new UsageError(`LINK is two nodes like 1-2 (or "1>2" for one direction), got "${word}"`);
  }
  const a = nodeFrom(match[1] ?? "", nodeIds);
  const b = nodeFrom(match[3] ?? "", nodeIds);
  if (a === b) throw new UsageError(`node ${a} has no link to itself`);
  return match[2] === "-" || match[2] === "–" ? bothWays(a, b) : [{ from: a, to: b }];
}

function bothWays(a: number, b: number): readonly Way[] {
  return [
    { from: a, to: b },
    { from: b, to: a },
  ];
}

function permilleIn(token: Token | undefined): number {
  const text = token?.text ?? "";
  const percent = /^\d{1,3}(\.\d)?%?$/.test(text) ? Number.parseFloat(text) : NaN;
  if (percent <= 100) return Math.round(10 * percent);
  throw new UsageError(`PERCENT is a number from 0% to 100%, got "${text}"`);
}
