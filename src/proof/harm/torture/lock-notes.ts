/** The notes of processes about locks and leases, and their check. Times are in microseconds of the machine's monotonic clock. */

export type LockNote =
  /** It has the lock, from this moment at the latest. */
  | { readonly event: "held"; readonly token: number; readonly atUs: number }
  /** Its signal was not aborted at this moment, so it may believe that it holds the lock. */
  | { readonly event: "believes"; readonly token: number; readonly atUs: number }
  /** A write bound to the token was answered. */
  | { readonly event: "wrote"; readonly token: number; readonly revision: number }
  /** One was refused: LOCK_LOST. */
  | { readonly event: "refused"; readonly token: number }
  /** Given back, or lost: the error's code. */
  | {
      readonly event: "over";
      readonly token: number;
      readonly atUs: number;
      readonly how: string;
    }
  /** A grant or a keep-alive, sent then, was acknowledged. */
  | {
      readonly event: "renewed";
      readonly lease: number;
      readonly ttlMs: number;
      readonly sentUs: number;
      readonly ackUs: number;
    }
  /** A keep-alive was answered with "there is no such lease". */
  | { readonly event: "missing"; readonly lease: number; readonly atUs: number }
  | ({ readonly event: "seen" } & SeenChange);

/** An event of a watch. */
export interface SeenChange {
  readonly revision: number;
  readonly type: "put" | "delete";
  readonly key: string;
}

/** When the key of a lease was seen to be deleted. */
export interface LeaseEnd {
  readonly lease: number;
  readonly atUs: number;
}

export interface LockHistory {
  readonly notes: readonly LockNote[];
  readonly ends: readonly LeaseEnd[];
  /** The events of the watch whose process is never stopped. */
  readonly steady: readonly SeenChange[];
}

export interface LockVerdict {
  readonly violations: readonly string[];
  readonly text: string;
}

/** By how much clocks of one machine may disagree. */
const CLOCK_US = 1000;

/**
 * - Each token is of one holder, and it grows: guarded writes with a token lie behind it and before the next one.
 * - No process believes that it holds the lock when a later holder has it already.
 * - No lease ends before its time to live since the last renewal was sent that was acknowledged.
 * - The watch of a process that was stopped again and again has told the same as the other one.
 */
export function checkLocks({ notes, ends, steady }: LockHistory): LockVerdict {
  const violations = [
    ...checkTokens(notes),
    ...checkLeases(notes, ends),
    ...checkWatches(notes, steady),
  ];
  const count = (event: LockNote["event"]): number =>
    notes.filter((note) => note.event === event).length;
  const text = [
    `${count("held")} holders, ${count("wrote")} guarded writes, ${count("refused")} refused`,
    `${ends.length} leases ended, ${latenessText(notes, ends)}`,
    `${count("seen")} changes seen by the watcher that was stopped`,
  ].join("\n");
  return { violations, text };
}

function* checkTokens(notes: readonly LockNote[]): Iterable<string> {
  const heldUs = new Map<number, number>();
  for (const note of notes) {
    if (note.event !== "held") continue;
    if (heldUs.has(note.token)) yield `two holders have the token ${note.token}`;
    heldUs.set(note.token, note.atUs);
  }
  const tokens = [...heldUs.keys()].toSorted((a, b) => a - b);
  /** The first token behind this revision. */
  const nextAfter = (revision: number): number =>
    tokens.find((token) => token > revision) ?? Infinity;
  for (const note of notes) {
    if (note.event === "wrote") {
      const { token, revision } = note;
      if (revision <= token || revision >= nextAfter(token)) {
        yield `a write with the token ${token} was made at revision ${revision}, token ${nextAfter(token)} came before`;
      }
    }
    if (note.event === "believes") {
      const { token, atUs } = note;
      // It is enough to look at the next one: who came later still had it later.
      const nextUs = heldUs.get(nextAfter(token));
      if (nextUs !== undefined && nextUs + CLOCK_US < atUs) {
        yield `token ${nextAfter(token)} was held ${(atUs - nextUs) / 1000} ms before the holder of ${token} stopped to believe that it holds the lock`;
      }
    }
  }
}

function* checkLeases(notes: readonly LockNote[], ends: readonly LeaseEnd[]): Iterable<string> {
  const missing = notes.filter((note) => note.event === "missing");
  const until = holdsUntil(notes, "sentUs");
  for (const { lease, atUs } of [...ends, ...missing]) {
    const untilUs = until.get(lease) ?? 0;
    if (atUs + CLOCK_US < untilUs) {
      yield `lease ${lease} ended ${(untilUs - atUs) / 1000} ms early`;
    }
  }
}

/** By lease: the moment before which it may not end, or after which it is late. */
function holdsUntil(
  notes: readonly LockNote[],
  from: "sentUs" | "ackUs",
): ReadonlyMap<number, number> {
  const until = new Map<number, number>();
  for (const note of notes) {
    if (note.event !== "renewed") continue;
    const untilUs = note[from] + note.ttlMs * 1000;
    until.set(note.lease, Math.max(until.get(note.lease) ?? 0, untilUs));
  }
  return until;
}

function checkWatches(notes: readonly LockNote[], steady: readonly SeenChange[]): string[] {
  const seen = notes.filter((note) => note.event === "seen");
  const [first] = seen;
  if (first === undefined) return ["the watcher has seen nothing"];
  const expected = steady.filter(({ revision }) => revision >= first.revision).map(textOf);
  const told = seen.map(textOf);
  const wrong = expected.findIndex((text, i) => told[i] !== text);
  if (wrong !== -1) {
    return [`the watcher was told ${told[wrong] ?? "nothing"} instead of ${expected[wrong]}`];
  }
  return told.length > expected.length ? ["the watcher was told more than there is"] : [];
}

function textOf({ revision, type, key }: SeenChange): string {
  return `${type} ${key} at ${revision}`;
}

function latenessText(notes: readonly LockNote[], ends: readonly LeaseEnd[]): string {
  const until = holdsUntil(notes, "ackUs");
  const lateMs = ends
    .flatMap(({ lease, atUs }) => {
      const untilUs = until.get(lease);
      return untilUs === undefined ? [] : [(atUs - untilUs) / 1000];
    })
    .toSorted((a, b) => a - b);
  const at = (part: number): string =>
    `${Math.round(lateMs[Math.floor((lateMs.length - 1) * part)] ?? 0)} ms`;
  return `late by ${at(0.5)} (half of them), ${at(1)} (the last), interruptions included`;
}
