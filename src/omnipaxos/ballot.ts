/** Identifies a node. A positive integer, unique in the cluster, never reused for another machine's data. */
export type NodeId = number;

/**
 * A leadership round. The order compares (n, priority, pid) only; equality also compares configId, as in the reference: all
 * ballots of one cluster are of one configuration, so the two agree wherever ballots meet.
 */
export interface Ballot {
  readonly configId: number;
  readonly n: number;
  readonly priority: number;
  readonly pid: NodeId;
}

/** The ballot below every other: what a node holds that has never promised. */
export const BALLOT_BOTTOM: Ballot = { configId: 0, n: 0, priority: 0, pid: 0 };

/** Negative when a < b, 0 when neither is greater, positive when a > b. */
export function compareBallots(a: Ballot, b: Ballot): number {
  return a.n - b.n || a.priority - b.priority || a.pid - b.pid;
}

/** Whether both are the same ballot, in all four fields. */
export function ballotsEqual(a: Ballot, b: Ballot): boolean {
  return a.n === b.n && a.pid === b.pid && a.priority === b.priority && a.configId === b.configId;
}

/** "2.0.3": number, priority, node. For people and for names; the order is that of `compareBallots`, not of the text. */
export function ballotText({ n, priority, pid }: Omit<Ballot, "configId">): string {
  return `${n}.${priority}.${pid}`;
}
