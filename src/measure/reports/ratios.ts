import type { Measurement } from "./measurement.ts";
import { median } from "./statistics.ts";
import { alignColumns } from "./table.ts";

const HEAD = [
  "operation",
  "at once",
  "ops/s",
  "p50",
  "p99",
  "server CPU",
  "µs/op",
  "client CPU",
  "µs/op",
];

/**
 * What it costs to have one system and not the other, cell by cell: its figures as multiples of the other's. Of several rounds each
 * is a pair, and the median of their ratios is told, as rounds differ more than the two of a pair.
 */
export function renderRatios(
  rows: readonly Measurement[],
  usual: string,
  compared: string,
): string {
  const of = (system: string, { operation, concurrency }: Measurement): readonly Measurement[] =>
    rows.filter(
      (row) =>
        row.system === system && row.operation === operation && row.concurrency === concurrency,
    );
  const cells = rows
    .filter((row) => row.system === usual && of(usual, row)[0] === row)
    .flatMap((first) => {
      const pairs = of(usual, first).flatMap((one, i): (readonly [Measurement, Measurement])[] => {
        const other = of(compared, first)[i];
        return other === undefined ? [] : [[one, other]];
      });
      if (pairs.length === 0) return [];
      const ratio = (figure: (row: Measurement) => number): string =>
        median(pairs.map(([one, other]) => figure(other) / figure(one))).toFixed(2);
      const both = (figure: (row: Measurement) => number): string =>
        [0, 1]
          .map((i) => median(pairs.map((pair) => figure(pair[i] ?? first))).toFixed(1))
          .join(" : ");
      const cost = (figure: (row: Measurement) => number): readonly string[] =>
        pairs.flat().every((row) => figure(row) > 0) ? [ratio(figure), both(figure)] : ["-", "-"];
      return [
        [
          first.operation,
          String(first.concurrency),
          ratio((row) => row.operationsPerSecond),
          ratio((row) => row.latency.p50Us),
          ratio((row) => row.latency.p99Us),
          ...cost(serverUs),
          ...cost(clientUs),
        ],
      ];
    });
  return `${compared}, as ratios to ${usual}; µs/op: ${usual} : ${compared}\n${alignColumns([HEAD, ...cells])}`;
}

/** Processor time of all servers, by the operation. 0: not known. */
function serverUs({ servers, completed }: Measurement): number {
  const seconds = (servers ?? []).reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
  return (seconds * 1e6) / Math.max(1, completed);
}

function clientUs({ client, completed }: Measurement): number {
  return ((client?.cpuSeconds ?? 0) * 1e6) / Math.max(1, completed);
}
