import type { Ballot } from "../omnipaxos/index.ts";
export interface RememberedPeer {
  readonly incarnation: string;
  readonly generation: number;
  readonly bootNumber: number;
  readonly bootId: number;
  readonly promise: Ballot;
  readonly acceptedRound: Ballot;
  readonly acceptedIdx: number;
  readonly decidedIdx: number;
}
export interface PeerMemory {
  get(peer: number): RememberedPeer | undefined;
  set(peer: number, remembered: RememberedPeer): void;
  update(peer: number, remembered: RememberedPeer): void;
}
