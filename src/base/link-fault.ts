/**
 * What a link may be made to do to messages of one direction, on purpose. The drop table, management, prompts, page and simulator have
 * it from here. A kind of fault that is added is written here once, and most places that must follow do not compile without it.
 */
import { BROKEN_PERMILLE } from "./limits.ts";

export interface LinkFault {
  /** Of a thousand messages, how many are dropped. BROKEN_PERMILLE: the link is broken in this direction. */
  readonly dropPermille: number;
  /** So many milliseconds later each message arrives. Messages keep their order. */
  readonly delayMs: number;
}

/** Some kinds of fault. What is left out or undefined stays as it is, or is as on a whole link: the place says which. */
export type SomeLinkFault = { readonly [K in keyof LinkFault]?: LinkFault[K] | undefined };

export const NO_FAULT: LinkFault = { dropPermille: 0, delayMs: 0 };
export const BROKEN: LinkFault = { ...NO_FAULT, dropPermille: BROKEN_PERMILLE };
const KINDS = Object.keys(NO_FAULT) as readonly (keyof LinkFault)[];

/** What every version of a node wants to be told; it refuses a request without one of these, or with a kind that it does not know. */
type FirstKind = "dropPermille" | "delayMs";
const FIRST_KINDS: ReadonlySet<keyof LinkFault> = new Set<FirstKind>(["dropPermille", "delayMs"]);
type RequestedFault = Pick<LinkFault, FirstKind> & SomeLinkFault;

/** The kinds of fault in `changes`, and nothing else that it has; for what it leaves out, those of `before`. */
export function linkFault(changes: SomeLinkFault, before: LinkFault = NO_FAULT): LinkFault {
  const fault: Record<keyof LinkFault, number> = { ...before };
  for (const kind of KINDS) fault[kind] = changes[kind] ?? before[kind];
  return fault;
}

/**
 * The fault as a request tells it to a node. A kind that came later than the first version is left out where there is none of it,
 * so that a manager can still put the other faults into a node that does not know this one.
 */
export function requestedFault(fault: LinkFault): RequestedFault {
  const { dropPermille, delayMs } = fault;
  const later = KINDS.filter((kind) => !FIRST_KINDS.has(kind) && fault[kind] !== NO_FAULT[kind]);
  return { dropPermille, delayMs, ...Object.fromEntries(later.map((kind) => [kind, fault[kind]])) };
}

/** Nothing is lost or delayed. */
export function isWhole(fault: LinkFault): boolean {
  return KINDS.every((kind) => fault[kind] === NO_FAULT[kind]);
}
