/** Says in the log when nodes differ in their states, once each, and tells the operator what to do about it. */
import type { NodeId } from "../../omnipaxos/index.ts";
import type { Logger } from "../../machine/ports/index.ts";
import {
  type Divergence,
  nodesText,
  type Outvoted,
  type Replica,
  type Verdict,
} from "../../replica/index.ts";
import { wayOut } from "../../base/index.ts";

const HOW_TO_DECIDE =
  "keep every data directory, and start all nodes, each with the one that it ran on last; if two sides are left then, people " +
  "have to choose: `omnikv backup --data-dir` of the right one begins a new cluster";

export class AgreementLog {
  readonly #replica: Replica;
  readonly #logger: Logger;
  #alarms: readonly Divergence[] = [];
  #verdict: Verdict["kind"] = "agrees";

  constructor(replica: Replica, logger: Logger) {
    this.#replica = replica;
    this.#logger = logger;
  }

  /** Cheap when nothing changed: the node asks once a tick. */
  update(): void {
    const { alarms, verdict } = this.#replica;
    if (alarms === this.#alarms && verdict.kind === this.#verdict) return;
    const of = (list: readonly Divergence[], peer: NodeId): boolean =>
      list.some((each) => each.peer === peer);
    for (const alarm of alarms) if (!of(this.#alarms, alarm.peer)) this.#raised(alarm);
    for (const { peer } of this.#alarms) if (!of(alarms, peer)) this.#ended(peer);
    this.#alarms = alarms;
    if (verdict.kind === this.#verdict) return;
    this.#verdict = verdict.kind;
    if (verdict.kind === "undecided") {
      this.#logger.error(
        "no majority of the nodes is known to have this node's state: clients are refused (DIVERGED) until one is",
        { code: "DIVERGED", reason: HOW_TO_DECIDE },
      );
    } else if (verdict.kind === "prevails") {
      this.#logger.error(
        "a majority of the nodes has this node's state: clients are served while enough of those are up",
      );
    }
  }

  #raised({ peer, agreedIdx, differsIdx }: Divergence): void {
    this.#logger.error(
      `node ${peer} applied the same log to another state than this node: ${rangeText(agreedIdx, differsIdx)}; one of the two is wrong, and neither takes part in the other's decisions`,
      { code: "DIVERGED", peer, agreedIdx, differsIdx },
    );
  }

  #ended(peer: NodeId): void {
    this.#logger.info(
      `node ${peer} was started anew or took over a snapshot, and its state is that of this node again`,
      { peer },
    );
  }
}

/** Why a node stops when most others do not have its state, and the way out. */
export function outvotedText(node: NodeId, { by, agreedIdx, differsIdx }: Outvoted): string {
  return (
    `the state of node ${node} is not that of ${nodesText(by)}, which have the same one and are the majority: ` +
    `${rangeText(agreedIdx, differsIdx)}. Either the program or the machine of this node made a mistake, and what it answered ` +
    `since then may be wrong; or a disk of the others was put back from an older copy or used twice, and acknowledged writes ` +
    `may be on this one only. This node keeps what it has and stops. Keep its data directory. If the others are right: ${wayOut()}`
  );
}

function rangeText(agreedIdx: number | null, differsIdx: number): string {
  const agreed =
    agreedIdx === null ? "not known to be the same at any" : `the same at ${agreedIdx}`;
  return `by log index ${agreed}, different at ${differsIdx}`;
}
