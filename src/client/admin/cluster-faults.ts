/** Faults in the links of a whole cluster: what both ends of each must be told, and who could not be told. */
import {
  BROKEN,
  BROKEN_PERMILLE,
  KvError,
  linkFault,
  type LinkFault,
  NO_FAULT,
  requestedFault,
  type SomeLinkFault,
} from "../../base/index.ts";
import type { LinkPair, Scenario } from "../scenarios/index.ts";
import { type AdminLink, type AdminParams, toldFault } from "../../protocol/admin/index.ts";
import type { AdminCore } from "./admin-core.ts";

/** A fault in one direction of a link. */
export interface DirectedFault extends LinkFault {
  readonly from: number;
  readonly to: number;
}

export interface FaultsOutcome {
  /** Nodes that have the new faults. */
  readonly reached: readonly number[];
  /** Nodes that could not be told, and why. */
  readonly failed: ReadonlyMap<number, KvError>;
}

interface CallOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

type NodeFault = AdminParams<"setFaults">["faults"][number];

/** These links broken, in both directions. */
export function brokenLinks(pairs: readonly LinkPair[]): DirectedFault[] {
  return pairs.flatMap(([a, b]) => [
    { from: a, to: b, ...BROKEN },
    { from: b, to: a, ...BROKEN },
  ]);
}

/**
 * What one node must hold. A broken direction is broken at both ends, so that one of them suffices; losses and delays are
 * put in by the sender only, since a message would suffer them twice.
 */
export function faultsOfNode(node: number, faults: readonly DirectedFault[]): NodeFault[] {
  return faults.flatMap(({ from, to, ...fault }): NodeFault[] => {
    if (from === node) return [{ peer: to, direction: "out", ...requestedFault(fault) }];
    if (to === node && fault.dropPermille === BROKEN_PERMILLE) {
      return [{ peer: from, direction: "in", ...requestedFault(BROKEN) }];
    }
    return [];
  });
}

/**
 * Makes these the faults of the cluster: every direction that is not named is whole afterwards, on every node that could
 * be reached. All nodes are asked at once; this never rejects for what a node answers.
 */
export async function applyFaults(
  admin: Pick<AdminCore, "call">,
  nodes: readonly number[],
  faults: readonly DirectedFault[],
  options: CallOptions = {},
): Promise<FaultsOutcome> {
  return tellAll(nodes, (node) =>
    admin.call(node, "setFaults", { faults: faultsOfNode(node, faults) }, options),
  );
}

/** `applyFaults` for links that are broken in both directions. */
export function applyBroken(
  admin: Pick<AdminCore, "call">,
  nodes: readonly number[],
  broken: readonly LinkPair[],
  options: CallOptions = {},
): Promise<FaultsOutcome> {
  return applyFaults(admin, nodes, brokenLinks(broken), options);
}

/**
 * Carries out the steps of a scenario. A node that could not be told of one step is asked again with the next.
 * @param sleep resolves early when the scenario is given up; then the steps that are left are not taken
 * @returns how the last step that was taken went
 */
export async function runScenario(
  admin: Pick<AdminCore, "call">,
  nodes: readonly number[],
  { steps }: Pick<Scenario, "steps">,
  { sleep, ...options }: CallOptions & { readonly sleep: (ms: number) => Promise<void> },
): Promise<FaultsOutcome> {
  let outcome: FaultsOutcome = { reached: nodes, failed: new Map() };
  for (const { afterMs, broken } of steps) {
    if (afterMs > 0) await sleep(afterMs);
    if (options.signal?.aborted === true) break;
    outcome = await applyBroken(admin, nodes, broken, options);
  }
  return outcome;
}

/** What becomes different in one direction of a link; what is not said stays as it is. */
export interface LinkChange extends SomeLinkFault {
  readonly from: number;
  readonly to: number;
}

/**
 * Changes these directions and no other. Only the nodes at their ends are asked; this never rejects for what a node
 * answers. As in `faultsOfNode` the receiver only holds what is broken for good.
 */
export function changeLinks(
  admin: Pick<AdminCore, "call">,
  changes: readonly LinkChange[],
  options: CallOptions = {},
): Promise<FaultsOutcome> {
  const nodes = [...new Set(changes.flatMap(({ from, to }) => [from, to]))].sort((a, b) => a - b);
  return tellAll(nodes, async (node) => {
    const { links } = await admin.call(node, "getLinks", {}, options);
    const now = (other: number, direction: "in" | "out"): LinkFault => {
      const link: AdminLink | undefined = links.find(({ peer }) => peer === other);
      return link === undefined ? NO_FAULT : toldFault(link, direction);
    };
    for (const { from, to, ...change } of changes) {
      if (from === node) {
        const fault = requestedFault(linkFault(change, now(to, "out")));
        await admin.call(node, "setFault", { peer: to, direction: "out", ...fault }, options);
      }
      if (to === node) {
        const fault = requestedFault(linkFault(atReceiver(change), now(from, "in")));
        await admin.call(node, "setFault", { peer: from, direction: "in", ...fault }, options);
      }
    }
  });
}

/** Of what the sender does now the receiver does nothing any more, unless the direction is broken. */
function atReceiver(change: SomeLinkFault): Readonly<Record<keyof LinkFault, number | undefined>> {
  return {
    dropPermille:
      change.dropPermille === undefined || change.dropPermille === BROKEN_PERMILLE
        ? change.dropPermille
        : NO_FAULT.dropPermille,
    delayMs: change.delayMs === undefined ? undefined : NO_FAULT.delayMs,
  };
}

/** Asks all of these nodes at once, so that one that does not answer holds up none of the others. */
async function tellAll(
  nodes: readonly number[],
  tell: (node: number) => Promise<unknown>,
): Promise<FaultsOutcome> {
  const failed = new Map<number, KvError>();
  await Promise.all(
    nodes.map(async (node) => {
      try {
        await tell(node);
      } catch (error) {
        if (!(error instanceof KvError)) throw error;
        failed.set(node, error);
      }
    }),
  );
  return { reached: nodes.filter((node) => !failed.has(node)), failed };
}

/** One sentence for people; empty when all were reached. */
export function failedText({ failed }: FaultsOutcome): string {
  return [...failed]
    .sort(([a], [b]) => a - b)
    .map(([node, error]) => `node ${node} was not told: ${error.message}`)
    .join("; ");
}
