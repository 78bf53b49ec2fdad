/**
 * Holds whole states against each other. Hashes of a state leave out what has not shown in an answer yet: sessions and what they keep,
 * leases between two steps of the clock, the quota, hashes of passwords. A snapshot has all of it.
 *
 * Invariants:
 *   STATECHECK-1. Nodes that have applied the same log write the same snapshot, byte for byte, however they came there: entry by entry, by
 *       restarts, or by a snapshot of another node and what follows it.
 *   STATECHECK-2. It is the one that the decided log gives, carried out from its beginning in one go, without any snapshot.
 */
import { assert, sameBytes } from "../../base/index.ts";
import { KvState } from "../../store/index.ts";

interface Stated {
  readonly index: number;
  readonly state: KvState;
}

/**
 * @param stated nodes that have applied the same log
 * @param entries all of it. Null: nobody knows what the log is that they share
 * @throws InvariantError that names the node
 */
export function checkStates(
  stated: readonly Stated[],
  entries: readonly Uint8Array[] | null,
): void {
  const [first] = stated;
  if (first === undefined) return;
  const known = snapshotOf(entries === null ? first.state : carriedOut(entries));
  for (const { index, state } of stated) {
    const has = snapshotOf(state);
    const at = has.findIndex((byte, i) => byte !== known[i]);
    assert(
      sameBytes(has, known),
      `node ${index} has another state at index ${state.appliedIdx} than ${
        entries === null ? `node ${first.index}` : "the log gives"
      }: snapshots of ${has.length} and ${known.length} bytes, which differ from byte ${at} on`,
    );
  }
}

function carriedOut(entries: readonly Uint8Array[]): KvState {
  const state = new KvState();
  for (const [idx, entry] of entries.entries()) state.apply(entry, idx);
  return state;
}

function snapshotOf(state: KvState): Uint8Array {
  return Buffer.concat([...state.clone().encodeSnapshot(64 * 1024)]);
}
