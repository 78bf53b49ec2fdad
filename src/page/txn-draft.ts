/** A transaction that is put together by hand: lines that hold a check or a change each. Pure. */

type CheckKind = "revision" | "value" | "absent";
type ChangeKind = "put" | "delete";

export interface CheckLine {
  readonly kind: CheckKind;
  readonly key: string;
  /** A value, or a revision in digits; of no meaning for "absent". */
  readonly operand: string;
}

export interface ChangeLine {
  readonly kind: ChangeKind;
  readonly key: string;
  /** The value of a put. */
  readonly value: string;
}

export interface TxnDraft {
  readonly checks: readonly CheckLine[];
  readonly changes: readonly ChangeLine[];
}

export const EMPTY_CHECK: CheckLine = { kind: "revision", key: "", operand: "" };
export const EMPTY_CHANGE: ChangeLine = { kind: "put", key: "", value: "" };
export const EMPTY_TXN: TxnDraft = { checks: [], changes: [EMPTY_CHANGE] };

/** As many lines as somebody fills in by hand; the store takes 128. */
export const LINES_MAX = 20;

/** The list with another line in the place of one; null takes it away. */
export function withLine<L>(lines: readonly L[], at: number, line: L | null): readonly L[] {
  return lines.flatMap((each, i) => (i === at ? (line === null ? [] : [line]) : [each]));
}

/** Why it cannot be carried out as it is; null: it can. */
export function whyNotRun({ checks, changes }: TxnDraft): string | null {
  if (changes.length === 0) return "Nothing would be changed";
  if ([...checks, ...changes].some(({ key }) => key === "")) return "A line has no key";
  const wrong = checks.find(({ kind, operand }) => kind === "revision" && !isRevision(operand));
  if (wrong !== undefined) return `The revision of ${wrong.key} is a number, 1 or more`;
  const keys = changes.map(({ key }) => key);
  const twice = keys.find((key, i) => keys.indexOf(key) !== i);
  return twice === undefined ? null : `${twice} would be changed twice`;
}

function isRevision(text: string): boolean {
  return /^[1-9]\d{0,14}$/.test(text);
}

/** In one line, for the list of what was done. */
export function txnText({ checks, changes }: TxnDraft): string {
  const conditions = checks.map(({ kind, key, operand }) => {
    if (kind === "absent") return `!${key}`;
    return kind === "revision" ? `${key}@${operand}` : `${key}=${operand}`;
  });
  const deeds = changes.map(({ kind, key, value }) =>
    kind === "put" ? `put ${key} ${value}` : `del ${key}`,
  );
  const first = conditions.length === 0 ? "" : `if ${conditions.join(" ")} `;
  return `txn ${first}then ${deeds.join(" ")}`;
}
