/** The outcome of an operation on a key, in words. */
import { KvError } from "../../base/index.ts";
import type { ShownCommit, ShownRead, ShownSwap } from "../page-actions.ts";
import { formatCount } from "./format.ts";

export interface Outcome {
  readonly ok: boolean;
  /** One short line. */
  readonly text: string;
  /** The value that was read; null: there is none to show. */
  readonly value: string | null;
  /** Revisions, or whether a failed operation may have taken effect nevertheless. */
  readonly more: string | null;
  /** The node that answered; null: none did. */
  readonly by: number | null;
}

export function readOutcome(read: ShownRead): Outcome {
  const by = read.node;
  if (!read.found) return { ok: true, text: "no such key", value: null, more: null, by };
  const { text, hex, createRevision, modRevision, version } = read;
  const revisions = `created at revision ${createRevision}, changed at ${modRevision}, version ${formatCount(version)}`;
  return {
    ok: true,
    text: text === null ? "found, bytes that are no text" : "found",
    value: text ?? `0x${hex}`,
    more: revisions,
    by,
  };
}

export function writeOutcome({
  revision,
  node,
}: {
  readonly revision: number;
  readonly node: number;
}): Outcome {
  return done(`written at revision ${revision}`, node);
}

export function deleteOutcome({
  existed,
  node,
}: {
  readonly existed: boolean;
  readonly node: number;
}): Outcome {
  return done(existed ? "deleted" : "there was no such key", node);
}

export function casOutcome(result: ShownSwap): Outcome {
  if (result.swapped) return done("swapped", result.node);
  if (result.found === null) return done("not swapped: there is no such key", result.node);
  return { ...done("not swapped: found", result.node), value: foundText(result.found.text) };
}

/** The outcome of a transaction; that a check did not hold is no failure, but nothing was done. */
export function commitOutcome(result: ShownCommit): Outcome {
  if (result.committed) return done(`committed at revision ${result.revision}`, result.node);
  const reasons = result.conflicts.map(({ key, revision }) =>
    revision === null ? `there is no ${key}` : `${key} was last changed at revision ${revision}`,
  );
  const text = `not committed: ${reasons.length === 0 ? "a check did not hold" : reasons.join("; ")}`;
  return { ok: false, text, value: null, more: "nothing was changed", by: result.node };
}

/** The outcome of a save that holds only for the revision that the user saw. */
export function saveOutcome(result: ShownSwap, mine: string): Outcome {
  if (result.swapped) return writeOutcome(result);
  const { found, node } = result;
  if (found?.text === mine) {
    return done(`is there already, since revision ${found.revision}`, node);
  }
  const more = "nothing was written";
  if (found === null) {
    return { ok: false, text: "somebody else deleted it meanwhile", value: null, more, by: node };
  }
  const text = `somebody else changed it meanwhile, at revision ${found.revision}`;
  return { ok: false, text, value: null, more, by: node };
}

function foundText(text: string | null): string {
  return text ?? "(too large to show, or no text: read it)";
}

function done(text: string, by: number): Outcome {
  return { ok: true, text, value: null, more: null, by };
}

export function failureOutcome(error: unknown): Outcome {
  return { ok: false, text: failureText(error), value: null, more: doubtText(error), by: null };
}

/** "NO_QUORUM: nobody leads". A wrong input needs no code: what was typed stands beside it. */
export function failureText(error: unknown): string {
  if (error instanceof KvError) {
    return error.code === "BAD_REQUEST" ? error.message : `${error.code}: ${error.message}`;
  }
  return error instanceof Error ? `INTERNAL: ${error.message}` : `INTERNAL: ${String(error)}`;
}

function doubtText(error: unknown): string {
  if (!(error instanceof KvError)) return "whether it happened is unknown";
  const doubt = error.definite ? "it certainly did not happen" : "whether it happened is unknown";
  return error.retryable ? `${doubt}; trying again may help` : doubt;
}
