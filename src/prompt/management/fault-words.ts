/** Faults of links in words, for all places of the prompt. A kind of fault that is added does not compile without its words here. */
import { type LinkFault, NO_FAULT } from "../../base/index.ts";
import { type AdminLink, toldFault } from "../../protocol/admin/index.ts";
import { formatDuration } from "../terminal/index.ts";

interface KindWords {
  readonly verb: string;
  readonly amount: (value: number) => string;
  /** In a cell of the cluster's table, behind "to 4" or "from 4". */
  readonly short: (value: number) => string;
}

const WORDS: Readonly<Record<keyof LinkFault, KindWords>> = {
  dropPermille: {
    verb: "loses",
    amount: (permille) => `${permille / 10} %`,
    short: (permille) => `${permille / 10} % lost`,
  },
  delayMs: {
    verb: "delays",
    amount: (ms) => `${ms} ms`,
    short: (ms) => `+${formatDuration(ms)}`,
  },
};
const KINDS = Object.keys(WORDS) as readonly (keyof LinkFault)[];

/** "loses 10 % and delays 50 ms" */
export function faultSentence(fault: LinkFault): string {
  return KINDS.map((kind) => `${WORDS[kind].verb} ${WORDS[kind].amount(fault[kind])}`).join(
    " and ",
  );
}

/** Of one link, for each kind that it has: "loses 10 % in, 0 % out", "delays 50 ms". */
export function faultDetails(link: AdminLink): readonly string[] {
  const [inward, outward] = [besidesBreak(link, "in"), besidesBreak(link, "out")];
  return KINDS.filter(
    (kind) => inward[kind] !== NO_FAULT[kind] || outward[kind] !== NO_FAULT[kind],
  ).map((kind) => {
    const { verb, amount } = WORDS[kind];
    return inward[kind] === outward[kind]
      ? `${verb} ${amount(inward[kind])}`
      : `${verb} ${amount(inward[kind])} in, ${amount(outward[kind])} out`;
  });
}

/** Of all links of a node, kind by kind: "to 4 30 % lost", "from 4 30 % lost", "to 2 +50 ms". */
export function faultCells(links: readonly AdminLink[]): readonly string[] {
  return KINDS.flatMap((kind) =>
    links.flatMap((link) =>
      (["out", "in"] as const).flatMap((direction) => {
        const value = besidesBreak(link, direction)[kind];
        if (value === NO_FAULT[kind]) return [];
        return [`${direction === "out" ? "to" : "from"} ${link.peer} ${WORDS[kind].short(value)}`];
      }),
    ),
  );
}

/** A direction that is broken loses everything, which is said in other words already. */
function besidesBreak(link: AdminLink, direction: "in" | "out"): LinkFault {
  const fault = toldFault(link, direction);
  const isBroken = direction === "in" ? link.brokenIn : link.brokenOut;
  return isBroken ? { ...fault, dropPermille: NO_FAULT.dropPermille } : fault;
}
