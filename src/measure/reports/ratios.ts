import type { Measurement } from "./measurement.ts";
import { alignColumns } from "./table.ts";

/** What it costs to have one system and not the other, cell by cell: its figures as multiples of the other's. */
export function renderRatios(
  rows: readonly Measurement[],
  usual: string,
  compared: string,
): string {
  const plain = rows.filter(({ system }) => system === usual);
  const cells = plain.flatMap((one) => {
    const { operation, concurrency } = one;
    const other = rows.find(
      (row) =>
        row.system === compared && row.operation === operation && row.concurrency === concurrency,
    );
    if (other === undefined) return [];
    const ratios = [
      other.operationsPerSecond / one.operationsPerSecond,
      other.latency.p50Us / one.latency.p50Us,
      other.latency.p99Us / one.latency.p99Us,
    ];
    return [[operation, String(concurrency), ...ratios.map((ratio) => ratio.toFixed(2))]];
  });
  const head = ["operation", "at once", "ops/s", "p50", "p99"];
  return `${compared}, as ratios to ${usual}\n${alignColumns([head, ...cells])}`;
}
