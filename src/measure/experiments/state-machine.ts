/**
 * What the state machine costs, without a cluster around it: applies entries as nodes do (groups of sessions, answers into
 * a frame), then clones, writes and reads a snapshot. CPU is user and system of the process.
 */
import { SNAPSHOT_CHUNK_BYTES } from "../../base/index.ts";
import { KvState, SnapshotDecoder, type AnswerSink } from "../../store/index.ts";
import { AnswerWriter } from "../../protocol/client/index.ts";
import { formatCount } from "../reports/format.ts";
import { sum } from "../reports/statistics.ts";
import { EntryMaker, NO_ANSWERS } from "../workloads/entries.ts";

const OPERATIONS = 500_000;
const HOT_KEYS = 10_000;
const NAME_WIDTH = 44;
const RATE_WIDTH = 11;

/** Prints a line for each part. */
export function measureStateMachine(keys: number, valueBytes: number): void {
  const bench = new StateBench(keys, valueBytes);
  const random = linearRandom();
  const anyKey = (): number => random() % keys;
  bench.apply(`insert ${formatCount(keys)} new keys`, keys, (i) => i, false);
  bench.apply("overwrite random keys, no answers", OPERATIONS, anyKey, false);
  bench.apply("overwrite random keys, answers encoded", OPERATIONS, anyKey, true);
  const hotKey = (): number => random() % HOT_KEYS;
  bench.apply("overwrite 10,000 hot keys, answers encoded", OPERATIONS, hotKey, true);
  const before = performance.now();
  const frozen = bench.state.clone();
  console.log(`clone: ${(performance.now() - before).toFixed(2)} ms`);
  bench.apply("overwrite random keys after a clone", OPERATIONS, anyKey, true);
  measureSnapshot(frozen);
  const memory = process.memoryUsage();
  console.log(
    `heap ${Math.round(memory.heapUsed / 1e6)} MB, rss ${Math.round(memory.rss / 1e6)} MB`,
  );
}

class StateBench {
  readonly state = new KvState();
  readonly #keys: number;
  readonly #value: Uint8Array;
  readonly #maker = new EntryMaker(this.state);
  readonly #answers = new AnswerWriter();

  constructor(keys: number, valueBytes: number) {
    this.#keys = keys;
    this.#value = new Uint8Array(valueBytes).fill(0x61);
  }

  apply(what: string, count: number, key: (i: number) => number, isAnswered: boolean): void {
    const keyOf = (i: number): Uint8Array =>
      Buffer.from(`user/${(key(i) * 7919) % this.#keys}/profile`);
    // Made before the clock starts.
    const made = [...this.#maker.writes(count, keyOf, this.#value)];
    const sink: AnswerSink = isAnswered
      ? { ...NO_ANSWERS, answer: (...fields) => this.#answers.write(...fields) }
      : NO_ANSWERS;
    measure(what, count, () => {
      for (const entry of made) {
        this.state.apply(entry, this.state.appliedIdx, sink);
        this.#answers.drain(this.state.appliedIdx, () => {});
      }
    });
  }
}

function measureSnapshot(frozen: ReturnType<KvState["clone"]>): void {
  const chunks: Uint8Array[] = [];
  let longestMs = 0;
  measure("snapshot, encode", frozen.size, () => {
    let last = performance.now();
    for (const chunk of frozen.encodeSnapshot(SNAPSHOT_CHUNK_BYTES)) {
      chunks.push(chunk);
      longestMs = Math.max(longestMs, performance.now() - last);
      last = performance.now();
    }
  });
  const bytes = sum(chunks.map(({ length }) => length));
  console.log(`snapshot: ${(bytes / 1e6).toFixed(1)} MB; longest piece ${longestMs.toFixed(1)} ms`);
  measure("snapshot, decode", frozen.size, () => {
    const decoder = new SnapshotDecoder();
    for (const chunk of chunks) {
      decoder.push(chunk);
      decoder.step(Infinity);
    }
    if (decoder.finish().hash() !== frozen.hash()) throw new Error("decoded state differs");
  });
}

function measure(what: string, count: number, run: () => void): void {
  const cpuBefore = process.cpuUsage();
  const before = performance.now();
  run();
  const ms = performance.now() - before;
  const cpu = process.cpuUsage(cpuBefore);
  const rate = formatCount((count / ms) * 1000).padStart(RATE_WIDTH);
  const cpuUs = (cpu.user + cpu.system) / count;
  console.log(
    `${what.padEnd(NAME_WIDTH)} ${rate}/s  ${((ms * 1000) / count).toFixed(2)} µs each, CPU ${cpuUs.toFixed(2)} µs`,
  );
}

function linearRandom(): () => number {
  let seed = 1;
  return () => (seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0);
}
