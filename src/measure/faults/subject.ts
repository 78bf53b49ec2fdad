/** The subject of an experiment: a cluster that the experiment may cut and throw away. */
import type { LinkPair, NodeId } from "../../client/scenarios/index.ts";

/** How a node sees the world. */
export interface NodeLook {
  readonly node: NodeId;
  /** "cutOff": neither leads nor follows a node that does. "silent": it did not answer. */
  readonly standing: "leading" | "following" | "cutOff" | "silent";
  /** The node that it takes for the leader. */
  readonly leader: NodeId | null;
  /** Which leadership it has promised to obey; null: silent. */
  readonly term: Term | null;
}

/** Ballot or term: a later leadership has the greater order. Of two nodes that lead, the greater one's writes count. */
interface Term {
  readonly order: number;
  /** As the system writes it: "4.2" is ballot 4 of node 2, "17" term 17. */
  readonly text: string;
}

/** One client program. When its node does not answer it asks the others, one after the other. */
export interface Writer {
  /** Resolves when the write is acknowledged, rejects when it failed or its outcome is unknown. */
  write(key: string, value: string): Promise<void>;
  /** Rejects what is under way. */
  close(): void;
}

export interface Subject {
  /** The name of the system, with its version. */
  readonly system: string;
  readonly nodes: readonly NodeId[];
  readonly electionTimeoutMs: number;
  /** What is lost on a broken link: messages, in the servers themselves, or packets, on their way. */
  readonly loses: "messages" | "packets";
  /**
   * A new client.
   * @param first which node it asks first
   * @param attemptTimeoutMs after so long without an answer it asks the next one
   */
  openWriter(first: NodeId, attemptTimeoutMs: number): Writer;
  /** Asks every node how it stands now. */
  look(): Promise<readonly NodeLook[]>;
  /** From now on exactly these links are broken. */
  applyBroken(broken: readonly LinkPair[]): Promise<void>;
  /** Ends everything and leaves nothing behind. May be called at any time, more than once. */
  dispose(): Promise<void>;
}

/** The node whose leadership counts: the one that leads with the greatest term. */
export function leaderOf(looks: readonly NodeLook[]): NodeLook | null {
  let leader: NodeLook | null = null;
  for (const look of looks) {
    if (look.standing !== "leading" || look.term === null) continue;
    if (leader === null || look.term.order > (leader.term?.order ?? 0)) leader = look;
  }
  return leader;
}
