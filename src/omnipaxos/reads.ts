import type { CompleteSnapshot, StopSign } from "./messages.ts";
import type { Store } from "./store.ts";

/** What stands at an index. `trimmed` and `snapshotted` are one element for the whole prefix [0, idx) (S22, deviations.md). */
export type LogRead<T, S> =
  | { readonly kind: "decided"; readonly entry: T }
  | { readonly kind: "undecided"; readonly entry: T }
  | { readonly kind: "trimmed"; readonly idx: number }
  | { readonly kind: "snapshotted"; readonly snapshot: CompleteSnapshot<S> }
  | { readonly kind: "stopSign"; readonly stopSign: StopSign; readonly decided: boolean };

/** [from, to) of the log, the compacted prefix as one element; undefined when it leaves [0, acceptedIdx). */
export function readRange<T, S>(
  store: Store<T, S>,
  from: number,
  to: number,
): LogRead<T, S>[] | undefined {
  const { log, decidedIdx, compactedIdx, snapshot, stopSign } = store;
  if (from < 0 || from >= to || to > store.acceptedIdx) return undefined;
  const reads: LogRead<T, S>[] = [];
  let start = from;
  if (from < compactedIdx) {
    const prefix: LogRead<T, S> =
      snapshot === null
        ? { kind: "trimmed", idx: compactedIdx }
        : { kind: "snapshotted", snapshot };
    reads.push(prefix);
    start = prefix.kind === "snapshotted" ? prefix.snapshot.idx : compactedIdx;
  }
  const end = Math.min(to, log.end);
  if (start < end) {
    const entries = log.slice(start, end);
    entries.forEach((entry, i) => {
      reads.push({ kind: start + i < decidedIdx ? "decided" : "undecided", entry });
    });
  }
  if (to > log.end && stopSign !== null) {
    reads.push({ kind: "stopSign", stopSign, decided: store.stopSignDecided });
  }
  return reads;
}
