/** Beside peer-hello.ts, which clients load too: this needs the protocol core. */
import { ballotsEqual } from "../../omnipaxos/index.ts";
import type { DurableClaims } from "../../protocol/messages/index.ts";

export function sameClaims(a: DurableClaims, b: DurableClaims): boolean {
  return (
    a.acceptedIdx === b.acceptedIdx &&
    a.decidedIdx === b.decidedIdx &&
    ballotsEqual(a.promise, b.promise) &&
    ballotsEqual(a.acceptedRound, b.acceptedRound)
  );
}
