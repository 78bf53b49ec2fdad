/**
 * The snapshots that are in this node's store, as far as the replica has been told, and where in the log the rounds of each
 * one's history begin: that identifies a history when its entries are gone.
 *
 * Invariant STORED-1. `has(snapshot)` implies that the host has it, complete and durable. Those that an earlier process of this
 *     node left behind are not known, but for the one that the log names: they would be fetched once more.
 */
import { ByteReader } from "../../base/index.ts";
import {
  readSnapshotHeader,
  SNAPSHOT_HEADER_BYTES_MAX,
  SnapshotError,
  type Rounds,
} from "../../store/index.ts";
import { sameSnapshot, type SnapshotName } from "../../protocol/messages/index.ts";

interface Stored {
  readonly name: SnapshotName;
  /** Null: it does not tell. One that is damaged is found out when it is loaded. */
  readonly rounds: Rounds | null;
}

export class StoredSnapshots {
  #known: Stored[] = [];

  has(name: SnapshotName): boolean {
    return this.#find(name) !== undefined;
  }

  /** Null: not known. */
  roundsOf(name: SnapshotName): Rounds | null {
    return this.#find(name)?.rounds ?? null;
  }

  add(name: SnapshotName, rounds: Rounds | null): void {
    if (!this.has(name)) this.#known.push({ name, rounds });
  }

  /** These are not in the store any more. */
  remove(names: readonly SnapshotName[]): void {
    this.#known = this.#known.filter(
      ({ name }) => !names.some((other) => sameSnapshot(name, other)),
    );
  }

  #find(name: SnapshotName): Stored | undefined {
    return this.#known.find((stored) => sameSnapshot(stored.name, name));
  }
}

/** @param head of a snapshot, with the next bytes that came of it, as far as they can tell its rounds */
export function longerHead(head: Uint8Array, bytes: Uint8Array): Uint8Array {
  const lack = SNAPSHOT_HEADER_BYTES_MAX - head.length;
  return lack === 0 ? head : Buffer.concat([head, bytes.subarray(0, lack)]);
}

export function roundsIn(head: Uint8Array): Rounds | null {
  try {
    return readSnapshotHeader(new ByteReader().reset(head))?.state.rounds ?? null;
  } catch (error) {
    if (error instanceof SnapshotError) return null;
    throw error;
  }
}
