import type { OmniPaxos, PaxosMessage } from "../../../src/omnipaxos/index.ts";

/** A snapshot of the tests: the decided entries themselves, so that a wrong fold shows exactly. */
export type Folded = readonly string[];
export type Node = OmniPaxos<string, Folded>;
export type Message = PaxosMessage<string, Folded>;

/** The whole log as a node holds it: snapshot, entries and "SS" for a stop-sign. With a trim, "…" for the prefix. */
export function logOf(node: Node): string[] {
  const log: string[] = [];
  for (const read of node.acceptedIdx === 0 ? [] : node.readEntries(0, node.acceptedIdx)!) {
    switch (read.kind) {
      case "decided":
      case "undecided":
        log.push(read.entry);
        break;
      case "snapshotted":
        log.push(...read.snapshot.value);
        break;
      case "trimmed":
        log.push(...Array.from({ length: read.idx }, () => "…"));
        break;
      case "stopSign":
        log.push("SS");
        break;
    }
  }
  return log;
}

export function decidedOf(node: Node): string[] {
  return logOf(node).slice(0, node.decidedIdx);
}
