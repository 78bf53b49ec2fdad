/** What Raft does in a scenario: the paper's table 1, as docs/lab.md explains it. */
import type { Scenario } from "../../client/scenarios/index.ts";

/** Null: it goes on, or nothing was published. */
export function raftNote(
  { name, canLead }: Scenario,
  nodes: number,
  leader: number,
): string | null {
  // With fewer nodes the shapes fall together: then another node than the hub can win a vote.
  if (canLead.length !== 1 || canLead.includes(leader) || nodes < 5) return null;
  if (name === "constrained") return "Raft stands still here";
  return name === "quorum-loss" ? "plain Raft may stand still here" : null;
}
