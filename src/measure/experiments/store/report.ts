/** Medians of a run of `bench-store`, and how omnikv stands to etcd. */
import { median } from "../../reports/statistics.ts";
import { alignColumns } from "../../reports/table.ts";
import type { StoreFigure } from "./measure.ts";

export function renderStore(figures: readonly StoreFigure[]): string {
  const names = new Set(figures.map(({ cell, what }) => `${cell}: ${what}`));
  const rows = [...names].map((name) => {
    const middle = (system: StoreFigure["system"]): number | null => {
      const values = figures
        .filter((figure) => figure.system === system && `${figure.cell}: ${figure.what}` === name)
        .map(({ value }) => value);
      return values.length === 0 ? null : median(values);
    };
    const [ours, theirs] = [middle("omnikv"), middle("etcd")];
    const ratio =
      ours === null || theirs === null || theirs === 0 ? "–" : (ours / theirs).toFixed(2);
    return [name, shown(ours), shown(theirs), ratio];
  });
  return alignColumns([["", "omnikv", "etcd", "omnikv / etcd"], ...rows]);
}

function shown(value: number | null): string {
  if (value === null) return "–";
  return value >= 1000 ? Math.round(value).toLocaleString("en") : value.toFixed(2);
}
