/** Faults in the links of a whole cluster: what both ends of each must be told, and who could not be told. */
import { KvError } from "../base/errors.ts";
import type { LinkPair } from "../scenarios/index.ts";
import type { AdminParams } from "../wire/admin.ts";
import type { AdminClient } from "./admin-client.ts";

/** Of one direction of a link. */
export interface DirectedFault {
  readonly from: number;
  readonly to: number;
  /** Of a thousand messages, how many are dropped. 1000: the direction is broken. */
  readonly dropPermille: number;
  readonly delayMs: number;
}

export interface FaultsOutcome {
  /** Nodes that have the new faults. */
  readonly reached: readonly number[];
  /** Nodes that could not be told, and why. */
  readonly failed: ReadonlyMap<number, KvError>;
}

type NodeFault = AdminParams<"setFaults">["faults"][number];

const BROKEN_PERMILLE = 1000;

/** These links broken, in both directions. */
export function brokenLinks(pairs: readonly LinkPair[]): DirectedFault[] {
  return pairs.flatMap(([a, b]) => [
    { from: a, to: b, dropPermille: BROKEN_PERMILLE, delayMs: 0 },
    { from: b, to: a, dropPermille: BROKEN_PERMILLE, delayMs: 0 },
  ]);
}

/**
 * What one node must hold. A broken direction is broken at both ends, so that one of them suffices; losses and delays are
 * put in by the sender only, since a message would suffer them twice.
 */
export function faultsOfNode(node: number, faults: readonly DirectedFault[]): NodeFault[] {
  return faults.flatMap(({ from, to, dropPermille, delayMs }): NodeFault[] => {
    if (from === node) return [{ peer: to, direction: "out", dropPermille, delayMs }];
    if (to === node && dropPermille === BROKEN_PERMILLE) {
      return [{ peer: from, direction: "in", dropPermille, delayMs: 0 }];
    }
    return [];
  });
}

/**
 * Makes these the faults of the cluster: every direction that is not named is whole afterwards, on every node that could
 * be reached. All nodes are asked at once; this never rejects for what a node answers.
 */
export async function applyFaults(
  admin: Pick<AdminClient, "call">,
  nodes: readonly number[],
  faults: readonly DirectedFault[],
  options: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {},
): Promise<FaultsOutcome> {
  const failed = new Map<number, KvError>();
  await Promise.all(
    nodes.map(async (node) => {
      try {
        await admin.call(node, "setFaults", { faults: faultsOfNode(node, faults) }, options);
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
    .map(([node, error]) => `node ${node} could not be reached: ${error.message}`)
    .join("; ");
}
