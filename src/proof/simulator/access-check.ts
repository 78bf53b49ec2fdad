/**
 * Holds what limited clients were told against the rights in the decided log.
 *
 * Invariants:
 *   ACCESSCHECK-1. The user had all rights at once that an answered request needs, in a state that the answer can be from: at the
 *       revision that it names, and of no epoch before one that some client had heard of when it was asked.
 *   ACCESSCHECK-2. A request refused for want of rights was not permitted at some time.
 */
import { assert } from "../../base/index.ts";
import type { NaiveAccess } from "./access-model.ts";
import type { DecidedLog } from "./decided-log.ts";
import type { History, LimitedRecord } from "./history.ts";

/** @throws InvariantError that names the request that does not fit */
export function checkAccess({ limited, accessSeen }: History, log: DecidedLog): void {
  for (const record of limited) {
    const isPermitted = (state: NaiveAccess): boolean => permits(state, record);
    if (record.outcome === "FORBIDDEN") {
      assert(
        log.access.some((state) => !isPermitted(state)),
        `refused, and permitted all the time: ${text(record)}`,
      );
      continue;
    }
    if (record.outcome !== "ok") continue;
    const heard = accessSeen.filter(({ mark }) => mark < record.call).map(({ epoch }) => epoch);
    const least = record.local ? 0 : Math.max(0, ...heard);
    const { revisions } = record;
    const epochs = revisions === null ? null : (log.epochs[revisions.from] ?? null);
    const states = log.access.filter(
      ({ epoch }) =>
        epoch >= least &&
        (epochs === null ||
          (epoch >= epochs.first &&
            epoch <= (revisions?.isChange === true ? epochs.first : epochs.last))),
    );
    assert(
      states.some(isPermitted),
      `told what was not permitted${epochs === null ? "" : ` from epoch ${epochs.first} to ${epochs.last}`}: ${text(record)}`,
    );
  }
}

/** With any password. */
function permits(state: NaiveAccess, { user, reads, writes }: LimitedRecord): boolean {
  const actor = { name: user, generation: 0 };
  return (
    reads.every((where) => state.may(actor, "read", where)) &&
    writes.every((where) => state.may(actor, "write", where))
  );
}

function text(record: LimitedRecord): string {
  return JSON.stringify(record);
}
