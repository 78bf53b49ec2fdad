/** What attacks did to a cluster, as a table and a verdict on each. */
import { alignColumns, countOf, mebibytes } from "../../../measure/index.ts";
import type { HonestReport } from "./protocol.ts";

const MIB = 1024 * 1024;
/** What is called well: the honest client's p99 at most so many times as without, or less than this; memory so much more. */
const SLOWER_MAX = 3;
const FAST_MS = 20;
const MEMORY_MAX = 600 * MIB;

export interface AttackResult {
  readonly name: string;
  readonly what: string;
  readonly sentBytes: number;
  readonly connections: number;
  /** Resident memory of the server that took most. */
  readonly rssBefore: number;
  readonly rssPeak: number;
  readonly logBytes: number;
  readonly without: HonestReport;
  readonly during: HonestReport;
  /** The p99 during the attack by that just before, of each round. */
  readonly ratios: readonly number[];
  /** All servers run still. */
  readonly alive: boolean;
}

const failures = ({ failed }: HonestReport): number => countOf(failed);

export function problemsOf(result: AttackResult): readonly string[] {
  const { without, during, alive, rssBefore, rssPeak } = result;
  const problems: string[] = [];
  if (!alive) problems.push("a server ended");
  const failed = failures(during);
  if (failed > 0) problems.push(`${failed} failed: ${Object.keys(during.failed).join(", ")}`);
  if (during.p99Ms > Math.max(FAST_MS, SLOWER_MAX * without.p99Ms)) problems.push("slow");
  if (rssPeak - rssBefore > MEMORY_MAX) problems.push("memory");
  return problems;
}

export function render(results: readonly AttackResult[]): string {
  const mib = (bytes: number): string => mebibytes(bytes, bytes < 10 * MIB ? 1 : 0);
  const ms = (value: number): string => value.toFixed(1);
  return alignColumns([
    [
      "attack",
      "sent MiB",
      "connections",
      "memory MiB",
      "peak",
      "log kB",
      "honest: served",
      "p50 ms",
      "p99",
      "during: served",
      "failed",
      "p50 ms",
      "p99",
      "slowest",
      "times",
      "verdict",
    ],
    ...results.map((result) => {
      const { without, during, ratios } = result;
      const problems = problemsOf(result);
      return [
        result.name,
        mib(result.sentBytes),
        String(result.connections),
        mib(result.rssBefore),
        mib(result.rssPeak),
        (result.logBytes / 1000).toFixed(0),
        String(without.served),
        ms(without.p50Ms),
        ms(without.p99Ms),
        String(during.served),
        String(failures(during)),
        ms(during.p50Ms),
        ms(during.p99Ms),
        ms(during.slowestMs),
        ratios.map((ratio) => ratio.toFixed(1)).join(" "),
        problems.length === 0 ? "well" : `MISSED: ${problems.join(", ")}`,
      ];
    }),
  ]);
}
