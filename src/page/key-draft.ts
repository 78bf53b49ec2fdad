/**
 * The key that the user edits: its value when it was read, and its new value. Pure, so that tests can check what is
 * easily got wrong: a value is never saved under another key, nor over a change that the user has not seen.
 *
 * Invariants:
 *   DRAFT-1. A value that was read is shown under its own key only: with another key it is gone.
 *   DRAFT-2. An answer for another key than the present one changes nothing.
 *   DRAFT-3. Once a key was read, saving holds only for the revision that the user saw.
 *   DRAFT-4. The value keeps its line ends, though a text box knows but one kind of them (LF).
 */
import type { CasCondition } from "../client/terms/index.ts";
import type { ShownRead } from "./page-actions.ts";

/** What is known of the key in the store. */
export type Seen =
  | { readonly kind: "absent" }
  | {
      readonly kind: "found";
      /** Null: bytes that are no text, or too many to come along with an answer. */
      readonly text: string | null;
      readonly revision: number;
      /** Null: not read since it was written. */
      readonly created: number | null;
      readonly version: number | null;
    };

export interface Draft {
  readonly key: string;
  /** As it is stored: a text box shows `boxText` of it. */
  readonly value: string;
  /** Null: the key was not read. */
  readonly seen: Seen | null;
  /** The user chose the key, and its value is on the way. */
  readonly awaited: boolean;
  /** Another client changed it meanwhile: its present state. */
  readonly conflict: Seen | null;
}

export const EMPTY_DRAFT: Draft = {
  key: "",
  value: "",
  seen: null,
  awaited: false,
  conflict: null,
};

function seenText(seen: Seen | null): string {
  return seen?.kind === "found" ? (seen.text ?? "") : "";
}

/** The draft holds text that would be lost. */
export function isDirty({ value, seen }: Draft): boolean {
  return value !== seenText(seen);
}

/** The user chose the key from the list: the page asks for its value. */
export function chosen(key: string): Draft {
  return { ...EMPTY_DRAFT, key, awaited: true };
}

/** The user typed the key. The value that he typed stays; the one that was read does not. */
export function withKey(draft: Draft, key: string): Draft {
  if (key === draft.key) return draft;
  return { ...EMPTY_DRAFT, key, value: isDirty(draft) ? draft.value : "" };
}

/** While the page waits for the value there is nothing to change yet. */
export function withValue(draft: Draft, value: string): Draft {
  return draft.awaited ? draft : { ...draft, value };
}

/** The user typed it into a text box: its line ends become those of the value, or else of what was read (DRAFT-4). */
export function withTyped(draft: Draft, typed: string): Draft {
  const { value, seen } = draft;
  return withValue(draft, fromBox(typed, value.includes("\n") ? value : seenText(seen)));
}

/** What a text box makes of a text. */
export function boxText(text: string): string {
  return text.replaceAll(/\r\n?/g, "\n");
}

/** The text of a text box, with CRLF if the other text has it. */
function fromBox(shown: string, like: string): string {
  return like.includes("\r\n") ? shown.replaceAll("\n", "\r\n") : shown;
}

/** A text box would change it: its line ends are mixed, or a CR is none. */
export function isMixed(text: string): boolean {
  return fromBox(boxText(text), text) !== text;
}

/** A read does not replace a value that the user has changed here: if it is a newer one, there is a conflict. */
export function afterRead(draft: Draft, key: string, read: ShownRead): Draft {
  if (draft.key !== key) return draft;
  const now = seenOf(read);
  if (!draft.awaited && isDirty(draft)) {
    if (draft.seen === null || revisionOf(draft.seen) === revisionOf(now)) return draft;
    return { ...draft, conflict: now };
  }
  return { key, value: seenText(now), seen: now, awaited: false, conflict: null };
}

/** The read failed: it is as if the user had typed the key. */
export function afterFailedRead(draft: Draft, key: string): Draft {
  return draft.key === key ? { ...draft, awaited: false } : draft;
}

export function afterSave(draft: Draft, key: string, value: string, revision: number): Draft {
  if (draft.key !== key) return draft;
  const { seen } = draft;
  const before = seen?.kind === "found" ? seen : null;
  const made = seen?.kind === "absent";
  const now: Seen = {
    kind: "found",
    text: value,
    revision,
    created: made ? revision : (before?.created ?? null),
    version: made
      ? 1
      : before?.version === undefined || before.version === null
        ? null
        : before.version + 1,
  };
  return { ...draft, seen: now, conflict: null };
}

export function afterConflict(
  draft: Draft,
  key: string,
  found: { readonly text: string | null; readonly revision: number } | null,
): Draft {
  if (draft.key !== key) return draft;
  const now: Seen =
    found === null ? { kind: "absent" } : { kind: "found", ...found, created: null, version: null };
  // A save whose answer was lost, most likely.
  if (found !== null && found.text === draft.value) return { ...draft, seen: now, conflict: null };
  return { ...draft, conflict: now };
}

export function afterDelete(draft: Draft, key: string): Draft {
  return draft.key === key ? { ...EMPTY_DRAFT, key, seen: { kind: "absent" } } : draft;
}

/** The user takes the other client's value and gives up his own. */
export function takeTheirs(draft: Draft): Draft {
  const { key, conflict } = draft;
  if (conflict === null) return draft;
  return { ...EMPTY_DRAFT, key, value: seenText(conflict), seen: conflict };
}

/** The user keeps his own value: it may be saved over the other client's, but over nothing newer. */
export function keepMine(draft: Draft): Draft {
  return draft.conflict === null ? draft : { ...draft, seen: draft.conflict, conflict: null };
}

/** Under which condition it may be saved (DRAFT-3); null: under any, for nothing was read. */
export function saveCondition({ seen }: Draft): CasCondition | null {
  if (seen === null) return null;
  return seen.kind === "absent" ? { absent: true } : { revision: seen.revision };
}

/** Bytes that are no text would be damaged by an editor of text. */
export function isBinary({ seen }: Draft): boolean {
  return seen?.kind === "found" && seen.text === null;
}

/** So would line ends that are mixed. Null: it can be edited. */
export function whyNotEdited(draft: Draft): string | null {
  const binary = isBinary(draft);
  if (!binary && !isMixed(draft.value)) return null;
  const why = binary ? "Its value is no text" : "Its value has mixed line ends or a bare CR";
  return `${why}: it cannot be edited here. Write it with omnikv put KEY -, from standard input`;
}

export type JsonLook =
  | { readonly kind: "text" }
  /** `pretty` is null when writing it anew would change more than its spaces, as with numbers of twenty digits. */
  | { readonly kind: "json"; readonly pretty: string | null }
  | { readonly kind: "broken"; readonly reason: string };

/** Whether it is a JSON object or array, or looks as if it should be one. */
export function jsonLook(value: string): JsonLook {
  if (!/^\s*[{[]/.test(value)) return { kind: "text" };
  try {
    const parsed: unknown = JSON.parse(value);
    const same = JSON.stringify(parsed) === withoutSpaces(value);
    return { kind: "json", pretty: same ? JSON.stringify(parsed, null, 2) : null };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { kind: "broken", reason: error.message };
  }
}

/** Strings stay as they are. */
function withoutSpaces(json: string): string {
  return json.replaceAll(/("(?:[^"\\]|\\.)*")|\s+/g, "$1");
}

function seenOf(read: ShownRead): Seen {
  if (!read.found) return { kind: "absent" };
  const { text, modRevision, createRevision, version } = read;
  return { kind: "found", text, revision: modRevision, created: createRevision, version };
}

/** At which it was last changed; 0: there is no such key. */
export function revisionOf(seen: Seen): number {
  return seen.kind === "absent" ? 0 : seen.revision;
}
