import type { OmniPaxos } from "../../omnipaxos/index.ts";
import type { SnapshotName } from "../../protocol/messages/index.ts";
import type { ReadView } from "./read-index.ts";

/** What reads have to know of the core, as it is when they ask. */
export function readView(
  core: OmniPaxos<Uint8Array, SnapshotName>,
  fixed: Pick<ReadView, "pid" | "boot" | "peers" | "writeQuorum">,
): ReadView {
  return {
    pid: fixed.pid,
    boot: fixed.boot,
    peers: fixed.peers,
    writeQuorum: fixed.writeQuorum,
    get promise() {
      return core.promise;
    },
    get decidedIdx() {
      return core.decidedIdx;
    },
    get acceptedIdx() {
      return core.acceptedIdx;
    },
    get isAcceptingLeader() {
      return core.adoptedIdx !== null && core.stopSign === null;
    },
    get adoptedIdx() {
      return core.adoptedIdx ?? 0;
    },
  };
}
