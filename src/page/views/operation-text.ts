/** What became of an operation on a key, in words. */
import { KvError } from "../../base/errors.ts";
import type { ShownRead } from "../page-actions.ts";
import { formatCount } from "./format.ts";

export interface Outcome {
  readonly ok: boolean;
  /** One short line. */
  readonly text: string;
  /** The value that was read; null: there is none to show. */
  readonly value: string | null;
  /** Revisions, or whether what failed may have happened nevertheless. */
  readonly more: string | null;
}

export function readOutcome(read: ShownRead): Outcome {
  if (!read.found) return { ok: true, text: "no such key", value: null, more: null };
  const { text, hex, createRevision, modRevision, version } = read;
  const revisions = `created at revision ${formatCount(createRevision)}, changed at ${formatCount(modRevision)}, version ${formatCount(version)}`;
  return {
    ok: true,
    text: text === null ? "found, bytes that are no text" : "found",
    value: text ?? `0x${hex}`,
    more: revisions,
  };
}

export function writeOutcome({ revision }: { readonly revision: number }): Outcome {
  return {
    ok: true,
    text: `written at revision ${formatCount(revision)}`,
    value: null,
    more: null,
  };
}

export function deleteOutcome({ existed }: { readonly existed: boolean }): Outcome {
  return { ok: true, text: existed ? "deleted" : "there was no such key", value: null, more: null };
}

export function casOutcome(result: {
  readonly swapped: boolean;
  readonly found: string | null;
}): Outcome {
  if (result.swapped) return { ok: true, text: "swapped", value: null, more: null };
  const text = result.found === null ? "not swapped: there is no such key" : "not swapped: found";
  return { ok: true, text, value: result.found, more: null };
}

export function failureOutcome(error: unknown): Outcome {
  return { ok: false, text: failureText(error), value: null, more: doubtText(error) };
}

/** "NO_QUORUM: nobody leads". */
export function failureText(error: unknown): string {
  if (error instanceof KvError) return `${error.code}: ${error.message}`;
  return error instanceof Error ? `INTERNAL: ${error.message}` : `INTERNAL: ${String(error)}`;
}

function doubtText(error: unknown): string {
  if (!(error instanceof KvError)) return "whether it happened is unknown";
  const doubt = error.definite ? "it certainly did not happen" : "whether it happened is unknown";
  return error.retryable ? `${doubt}; trying again may help` : doubt;
}
