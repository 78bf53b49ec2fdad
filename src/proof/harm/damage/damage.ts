/**
 * Damage and mistakes done to real servers and their disks, one row after the other: nothing acknowledged may be gone
 * without a sentence that says so.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Images } from "./image.ts";
import type { Kind } from "./kind.ts";
import { KINDS } from "./kinds.ts";
import { findPlaces } from "./places.ts";
import { playRow, type Row } from "./row.ts";

export interface PlannedRow {
  readonly kind: Kind;
  readonly size: number;
}

export interface Selection {
  /** Numbers of nodes. */
  readonly sizes: readonly number[];
  /** Rows whose "group: name" has one of these in it. Empty: all but the hidden ones. */
  readonly only: readonly string[];
  /** The rows that no node can notice, instead of the others. */
  readonly limits: boolean;
}

const SIZES = [3, 5];
/** Where the table stands in docs/proof.md. */
const TABLE_BEGINS = "<!-- scripts/damage.ts writes this -->";
const TABLE_ENDS = "<!-- to here -->";

export function planRows({ sizes, only, limits }: Selection): readonly PlannedRow[] {
  const wanted = KINDS.filter(({ group, name, hidden, limit }) =>
    only.length === 0
      ? hidden !== true && (limit === true) === limits
      : only.some((text) => `${group}: ${name}`.includes(text)),
  );
  return wanted.flatMap((kind) =>
    (kind.sizes ?? SIZES).filter((size) => sizes.includes(size)).map((size) => ({ kind, size })),
  );
}

/**
 * @param onRow called after each row
 * @param keep the disks of the last row and all images stay
 */
export async function playRows(
  rows: readonly PlannedRow[],
  onRow: (row: Row) => void,
  keep: boolean,
): Promise<readonly Row[]> {
  const root = mkdtempSync(join(tmpdir(), "omnikv-damage-"));
  const done: Row[] = [];
  try {
    const places = await findPlaces();
    const images = new Images(places, root);
    for (const { kind, size } of rows) {
      const row = await playRow(kind, size, images, places, root);
      done.push(row);
      onRow(row);
    }
  } finally {
    if (!keep) rmSync(root, { recursive: true, force: true });
  }
  return done;
}

/** Rows of any runs, in the order of the table. @param files what runs have printed as JSON */
export function readRows(files: readonly string[]): readonly Row[] {
  const at = ({ group, name }: Row): number =>
    KINDS.findIndex((kind) => kind.group === group && kind.name === name);
  return files
    .flatMap((file) => readFileSync(file, "utf8").trim().split("\n"))
    .map((line) => JSON.parse(line) as Row)
    .sort((a, b) => at(a) - at(b) || a.size - b.size);
}

/** @param file docs/proof.md */
export function writeTable(file: string, table: string): void {
  const text = readFileSync(file, "utf8");
  const [before, rest] = text.split(TABLE_BEGINS);
  const after = rest?.split(TABLE_ENDS)[1];
  if (before === undefined || after === undefined) throw new Error(`${file} has no place for it`);
  writeFileSync(file, `${before}${TABLE_BEGINS}\n\n${table}\n\n${TABLE_ENDS}${after}`);
}
