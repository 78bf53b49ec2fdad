/** Keys, or versions of one, in columns as wide as a terminal takes. Pure. */
import { quote, type Screen, type Style } from "../terminal/index.ts";

export interface KeyRow {
  /** Undefined: the rows are versions of one key. */
  readonly key?: Uint8Array;
  /** Undefined: only keys were asked for. Null: it was deleted. */
  readonly value?: Uint8Array | null;
  readonly revision: number;
  readonly version: number;
}

const KEY_WIDTH_MAX = 40;
const VALUE_WIDTH_MIN = 10;
const GAP = "  ";

/** In groups of three digits for readers at a terminal; a program that reads the words takes the digits for a number. */
export function keyCount(count: number, screen: Pick<Screen, "columns">): string {
  if (count === 1) return "1 key";
  const isTerminal = screen.columns?.() !== undefined;
  return `${isTerminal ? count.toLocaleString("en-US") : count} keys`;
}

/** One line each, and one of names above. */
export function keyTable(rows: readonly KeyRow[], columns: number, style: Style): string[] {
  const numbers = (values: readonly number[], name: string): string[] => {
    const texts = [name, ...values.map(String)];
    const width = Math.max(...texts.map(({ length }) => length));
    return texts.map((text) => text.padStart(width));
  };
  const revisions = numbers(
    rows.map(({ revision }) => revision),
    "revision",
  );
  const versions = numbers(
    rows.map(({ version }) => version),
    "version",
  );
  const keys = ["key", ...rows.map(({ key }) => (key === undefined ? "" : quote(key)))];
  const keyWidth = Math.min(KEY_WIDTH_MAX, Math.max(...keys.map(({ length }) => length)));
  const hasKeys = rows.some(({ key }) => key !== undefined);
  const hasValues = rows.some(({ value }) => value !== undefined);
  const taken = (hasKeys ? keyWidth + GAP.length : 0) + (revisions[0]?.length ?? 0);
  const left = columns - taken - (versions[0]?.length ?? 0) - 2 * GAP.length;
  const valueWidth = Math.max(VALUE_WIDTH_MIN, left);
  const values = ["value", ...rows.map(({ value }) => valueText(value))];
  return revisions.map((revision, i) => {
    const value = cut(values[i] ?? "", valueWidth);
    const key = cut(keys[i] ?? "", keyWidth).padEnd(keyWidth);
    const line = [
      ...(hasKeys ? [key] : []),
      revision,
      versions[i] ?? "",
      ...(hasValues ? [i === 0 ? value : style.value(value)] : []),
    ].join(GAP);
    return i === 0 ? style.dim(line) : line;
  });
}

function valueText(value: Uint8Array | null | undefined): string {
  if (value === undefined) return "";
  return value === null ? "(deleted)" : quote(value);
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}
