/**
 * Holds what watches of users with limited rights were told against the rights in the decided log. Whether events are missing is for
 * watch-check.ts.
 *
 * A node tells a watch of an event while it has applied some state of the rights: one of an epoch no earlier than that of the event, and no
 * later than the node had when the frame arrived. Within one watch these epochs never go back.
 *
 * Invariants:
 *   WATCHRIGHTSCHECK-1. In some such state the user might read all of the watch's range: when it was created, and at each event.
 *   WATCHRIGHTSCHECK-2. The user had by then no later password, or sign-in that was asked for anew, than the one it came with.
 *   WATCHRIGHTSCHECK-3. A watch that ended for want of rights was not permitted in some such state.
 *   WATCHRIGHTSCHECK-4. When all has come to rest, no watch is left that is not permitted (`mayWatch`).
 */
import { assert } from "../../base/index.ts";
import { byteStringOfText } from "../../store/index.ts";
import type { NaiveAccess } from "./access-model.ts";
import type { DecidedLog } from "./decided-log.ts";
import type { WatchedWish, WatchRecord } from "./watch-check.ts";

type RightsLog = Pick<DecidedLog, "access" | "epochs">;

/** @throws InvariantError that names the watch that does not fit */
export function checkWatchRights(
  user: string,
  records: readonly WatchRecord[],
  log: RightsLog,
): void {
  for (const record of records) checkRecord(user, record, log);
}

/** With any password. */
export function mayWatch(state: NaiveAccess, user: string, { start, end }: WatchedWish): boolean {
  const where = {
    start: byteStringOfText(start),
    end: end === null ? null : byteStringOfText(end),
  };
  return state.may({ name: user, generation: 0 }, "read", where);
}

function checkRecord(user: string, record: WatchRecord, { access, epochs }: RightsLog): void {
  const { watcher, wish, created, items, ended, times } = record;
  const what = `watcher ${watcher}, ${user}, ${JSON.stringify(wish)}`;
  const { askedEpoch, createdEpoch, endedEpoch, signedIn } = times;
  let least = askedEpoch;
  // The earliest state that fits leaves most for what comes later.
  const isTold = (revision: number, most: number): boolean => {
    least = Math.max(least, epochs[revision]?.first ?? 0);
    const state = access.find(
      (each) =>
        each.epoch >= least &&
        each.epoch <= most &&
        mayWatch(each, user, wish) &&
        isSignedIn(each, user, signedIn),
    );
    least = state?.epoch ?? least;
    return state !== undefined;
  };
  if (created !== null) {
    const sinceRevision = wish.from === null ? created - 1 : 0;
    assert(isTold(sinceRevision, createdEpoch), `created, and not permitted: ${what}`);
  }
  for (const [i, { kind, revision }] of items.entries()) {
    const epoch = times.told[i] ?? 0;
    if (kind !== "events") continue;
    const before = least;
    assert(
      isTold(revision, epoch),
      `told of revision ${revision}, and not permitted from epoch ${before} to ${epoch}: ${what}`,
    );
  }
  if (ended?.code !== "FORBIDDEN") return;
  const states = access.filter(({ epoch }) => epoch >= least && epoch <= endedEpoch);
  assert(
    states.some((state) => !mayWatch(state, user, wish)),
    `ended, and permitted from epoch ${least} to ${endedEpoch}: ${what}`,
  );
}

/** @param most the epoch in which the connection's sign-in was seen to hold at the latest */
function isSignedIn(state: NaiveAccess, user: string, most: number): boolean {
  return !state.isOn || (state.users.get(user)?.generation ?? Infinity) <= most;
}
