/** What a node tells a peer that it refuses: what it expected, what came, and the way out. */
import {
  ballotText,
  compareBallots,
  type Contradiction,
  type NodeId,
} from "../../omnipaxos/index.ts";
import { wayOut } from "../../base/index.ts";
import type { RememberedPeer } from "../../storage/index.ts";
import { originText, type PeerHello, type RefusalCode } from "../../protocol/handshake/index.ts";

const FINAL_REFUSALS = ["LOST_IDENTITY", "WENT_BACK", "REPLACED"] as const;

/** A refusal after which the refused process must end, when the refusal is proved: its disk may not vote. */
export type FinalRefusal = (typeof FINAL_REFUSALS)[number];

export function isFinalRefusal(code: RefusalCode): code is FinalRefusal {
  return FINAL_REFUSALS.some((final) => final === code);
}

export const refusalText = {
  otherMembers: (peer: NodeId, theirs: readonly NodeId[], ours: readonly NodeId[]): string =>
    `node ${peer} was started as one of nodes ${theirs.join(", ")}, the node it connects to as one of nodes ` +
    `${ours.join(", ")}: start all with the same --peers, --cluster or --size`,
  otherOrigin: (self: NodeId, own: number, peer: NodeId, theirs: number): string =>
    `the data of node ${peer} and those of node ${self} come from two different beginnings (${originText(theirs)} and ` +
    `${originText(own)}): they are of two clusters, or of one that was begun anew while a disk of before was kept. Correct ` +
    `the addresses in --peers or the cluster file, or give each node the data directory that belongs here`,
  lostIdentity: (peer: NodeId, members: number): string =>
    `node ${peer} has taken part with another data directory and may have promised or accepted what this one does not ` +
    `hold, so letting it in could lose acknowledged writes. Start it with its old data directory. If that is gone for ` +
    `good: ${wayOut(members)}`,
  otherDisk: (self: NodeId, peer: NodeId, members: number): string =>
    `node ${peer} is known here with another data directory than the one that answers at its address; that one has the data of ` +
    `a cluster, and node ${self}, which says this, has none yet. If node ${self} belongs to another cluster with the same id, its ` +
    `list of addresses is wrong: correct that one, and give clusters ids of their own (--cluster-id). If both belong ` +
    `together: start node ${peer} with its old data directory. If that is gone for good: ${wayOut(members)}`,
  wentBack: (peer: NodeId, less: string, members: number): string =>
    `the disk of node ${peer} holds less than it has told: ${less}. It is an older copy, has been damaged, or was ` +
    `copied and the copy started as node ${peer} too; letting it in could lose acknowledged writes. Start node ${peer} once, ` +
    `with the data directory it ran on last (after a copy was started that is the copy). If that is gone for good: ` +
    wayOut(members),
  replaced: (peer: NodeId, members: number): string =>
    `another data directory has taken the place of this one as node ${peer}, by --rejoin: this one must not take part any ` +
    `more. Start node ${peer} with the directory that replaced it, and keep this one until that one serves: should the others be ` +
    `lost, omnikv backup --data-dir makes a backup of it. If the directory that replaced it is gone: ` +
    wayOut(members),
  notLost: (peer: NodeId): string =>
    `node ${peer} is connected with the data directory it has always had: stop it first if its place is to be taken`,
  twoWait: (peer: NodeId): string =>
    `another process is connected as node ${peer}, with an empty disk of its own that waits for the same place: stop one of the two`,
} as const;

/** The last words of a node that stops because the log that it should take over contradicts its decided entries. */
export function contradictionText(contradiction: Contradiction, members: number): string {
  return (
    `${contradictionClause(contradiction)}. Acknowledged writes may be lost on one side: a disk was put back from an older copy, a data directory was ` +
    `used by another cluster, or the majority of the disks was replaced. This node keeps what it has and stops. Keep its ` +
    `data directory: it may be the only one with those writes. If the others are right: ${wayOut(members)}`
  );
}

function contradictionClause({ with: peer, from, to, decidedIdx, kind }: Contradiction): string {
  if (kind === "differs") {
    return `node ${peer} gives other entries for indexes ${from} to ${to - 1}, which this node has decided`;
  }
  if (to === decidedIdx) {
    return `the log that node ${peer} hands over has ${from} entries, and this node has decided ${to}`;
  }
  // A promiser has decided entries that the log of the leader, or of the node that was to lead, lacks.
  return `node ${peer} has decided ${to} entries, and the log that this node leads with has ${from}`;
}

/** Which of the peer's earlier claims its disk no longer bears out, in words; null: it bears out all of them. */
export function lessThanTold(known: RememberedPeer, hello: PeerHello): string | null {
  const { durable, marks, joined, generation } = hello;
  if (!known.waits && !joined) return "it had its place, and now waits for one";
  if (joined && generation < known.generation) {
    return `it had claimed number ${known.generation} in its place, and now knows of ${generation}`;
  }
  if (!knowsMark(known, marks)) {
    return (
      `it does not know what it told last: a peer has heard mark ${known.mark} of it, and this disk has ` +
      `${marksText(known, marks)} (a mark is a number that a node writes to its disk and then tells its peers)`
    );
  }
  if (compareBallots(durable.promise, known.promise) < 0) {
    const [had, has] = [ballotText(known.promise), ballotText(durable.promise)];
    return `it had promised ballot ${had}, and now knows of ${has}`;
  }
  const rounds = compareBallots(durable.acceptedRound, known.acceptedRound);
  if (rounds < 0 || (rounds === 0 && durable.acceptedIdx < known.acceptedIdx)) {
    const had = `${known.acceptedIdx} entries in round ${ballotText(known.acceptedRound)}`;
    const has = `${durable.acceptedIdx} in round ${ballotText(durable.acceptedRound)}`;
    return `it had accepted ${had}, and now has ${has}`;
  }
  if (durable.decidedIdx < known.decidedIdx) {
    return `it had decided ${known.decidedIdx} entries, and now knows of ${durable.decidedIdx}`;
  }
  return null;
}

/** The marks that the disk has instead of the one that this node heard. */
function marksText({ bootId }: RememberedPeer, marks: PeerHello["marks"]): string {
  const run = marks.find(({ boot }) => boot === bootId);
  if (run !== undefined) return `the marks of that run up to ${run.to} only`;
  const last = marks.at(-1);
  return last === undefined ? "none" : `marks of other runs only, up to ${last.to}`;
}

/** Whether its disk was there, or has come of one that was there, when it told the last mark that was heard of it. */
function knowsMark({ bootId, mark }: RememberedPeer, marks: PeerHello["marks"]): boolean {
  const run = marks.find(({ boot }) => boot === bootId);
  if (run !== undefined) return mark <= run.to;
  // It has been met later, and is not remembered so: then it is this node's own memory that is older (TOLD-2).
  return mark < (marks[0]?.from ?? 1);
}
