/** Faults in a node's data that an operator must take care of. */
import type { UnreadableEntries } from "../../store/index.ts";
import type { NodeId } from "../../omnipaxos/index.ts";
import { type DiskFullError, TooManyFilesError } from "../../machine/ports/index.ts";
import type { Replica } from "../../replica/index.ts";
import type { AdminAlarm } from "../../protocol/admin/index.ts";

export type AlarmSource = Pick<Replica, "alarms" | "verdict" | "state"> & {
  readonly joining: Pick<NonNullable<Replica["joining"]>, "confirmed" | "needed"> | null;
  readonly space: Pick<Replica["space"], "lack">;
};

/**
 * @param unreadable entries that this process has passed over: those of earlier processes stand in the state for ever
 * @param otherLogs peers whose data come from another beginning
 * @param lack the lack of room that keeps the node from writing; null: none
 */
export function alarmsOf(
  replica: AlarmSource,
  unreadable: UnreadableEntries,
  lack: DiskFullError | null,
  otherLogs: readonly NodeId[] = [],
): AdminAlarm[] {
  const { joining, verdict, space, state } = replica;
  const alarms: AdminAlarm[] = replica.alarms.map(({ peer, agreedIdx, differsIdx }) => ({
    kind: "diverged" as const,
    peer,
    agreedIdx,
    differsIdx,
    refuses: verdict.kind !== "prevails",
  }));
  if (joining !== null) {
    alarms.push({ kind: "joining", confirmed: [...joining.confirmed], needed: joining.needed });
  }
  if (unreadable.count > 0 && unreadable.lastIdx !== null) {
    alarms.push({ kind: "unreadableEntry", idx: unreadable.lastIdx, entries: unreadable.count });
  }
  if (space.lack !== null) {
    const { contentBytes, sizeBytes, quotaBytes } = state;
    const usedBytes = space.lack === "quota" ? contentBytes : sizeBytes;
    alarms.push({ kind: "noSpace", cause: space.lack, usedBytes, quotaBytes });
  }
  if (lack !== null) {
    alarms.push({ kind: "diskFull", cause: lack instanceof TooManyFilesError ? "files" : "space" });
  }
  for (const peer of otherLogs) alarms.push({ kind: "otherLog", peer });
  return alarms;
}

type CatchingUp = NonNullable<Replica["catchUp"]>;

/** The lack of room for a node's own log, or for a peer's snapshot without which it gets no further. */
export function lackOf(parts: {
  readonly storage: { readonly lack: DiskFullError | null };
  readonly replica: { readonly catchUp: Pick<CatchingUp, "isStuck"> | null };
  readonly snapshots: { readonly receiveLack: DiskFullError | null };
}): DiskFullError | null {
  const { storage, replica, snapshots } = parts;
  return storage.lack ?? (replica.catchUp?.isStuck === true ? snapshots.receiveLack : null);
}
