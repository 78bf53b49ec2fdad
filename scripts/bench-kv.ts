/**
 * What the state machine costs: `npx tsx scripts/bench-kv.ts [keys] [value bytes]`. Applies entries as nodes do (groups
 * of sessions, answers into a frame), then clones, writes and reads a snapshot. CPU is user and system of the process.
 */
import {
  buildEntry,
  GroupWriter,
  KvState,
  NO_SESSION,
  SnapshotDecoder,
  type AnswerSink,
} from "../src/kv/index.ts";
import { AnswerWriter } from "../src/wire/client.ts";
import { SNAPSHOT_CHUNK_BYTES } from "../src/base/limits.ts";

const KEYS = Number(process.argv[2] ?? 1_000_000);
const VALUE_BYTES = Number(process.argv[3] ?? 128);
const COMMANDS_PER_GROUP = 64;
const GROUPS_PER_ENTRY = 4;
const SESSIONS = 64;
const OPERATIONS = 500_000;

const writer = new GroupWriter();
const value = new Uint8Array(VALUE_BYTES).fill(0x61);
const keyOf = (i: number): Uint8Array => Buffer.from(`user/${(i * 7919) % KEYS}/profile`);
const state = new KvState();
const floors = new Map<number, number>();
const sessions: number[] = [];

const sink: AnswerSink & { frames: number } = {
  frames: 0,
  beginGroup: () => {},
  answer: (...fields) => answers.write(...fields),
  opened: (_sequence, _nonce, session) => {
    sessions.push(session);
    floors.set(session, 1);
  },
};
const answers = new AnswerWriter();

function openSessions(): void {
  for (let i = 0; i < SESSIONS; i++)
    writer.add(i, { kind: "openSession", nonce: new Uint8Array(16).fill(i) });
  const group = writer.take(NO_SESSION, 0);
  state.apply(buildEntry({ node: 1, nonce: 1, batch: 0 }, [group]), state.appliedIdx, sink);
}

/** Entries of `count` writes; made before the clock starts. */
function entries(count: number, key: (i: number) => Uint8Array): Uint8Array[] {
  const made: Uint8Array[] = [];
  let group = 0;
  for (let i = 0; i < count;) {
    const groups: Uint8Array[] = [];
    for (let g = 0; g < GROUPS_PER_ENTRY && i < count; g++) {
      const session = sessions[group++ % SESSIONS] ?? 0;
      const first = floors.get(session) ?? 1;
      let c = 0;
      for (; c < COMMANDS_PER_GROUP && i < count; c++, i++) {
        writer.add(first + c, { kind: "write", key: key(i), value });
      }
      floors.set(session, first + c);
      groups.push(writer.take(session, first));
    }
    made.push(buildEntry({ node: 1, nonce: 1, batch: made.length }, groups));
  }
  return made;
}

function measure(what: string, count: number, run: () => void): void {
  const cpuBefore = process.cpuUsage();
  const before = performance.now();
  run();
  const ms = performance.now() - before;
  const cpu = process.cpuUsage(cpuBefore);
  const cpuUs = cpu.user + cpu.system;
  console.log(
    `${what.padEnd(44)} ${Math.round((count / ms) * 1000)
      .toLocaleString("en")
      .padStart(11)}/s` +
      `  ${((ms * 1000) / count).toFixed(2)} µs each, CPU ${(cpuUs / count).toFixed(2)} µs`,
  );
}

function apply(what: string, made: readonly Uint8Array[], count: number, to: AnswerSink): void {
  measure(what, count, () => {
    for (const entry of made) {
      state.apply(entry, state.appliedIdx, to);
      answers.drain(state.appliedIdx, () => {});
    }
  });
}

const silent: AnswerSink = { beginGroup: () => {}, answer: () => {}, opened: () => {} };
const random = (() => {
  let seed = 1;
  return (): number => (seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0);
})();

openSessions();
apply(`insert ${KEYS.toLocaleString("en")} new keys`, entries(KEYS, keyOf), KEYS, silent);
for (const [what, to] of [
  ["overwrite random keys, no answers", silent],
  ["overwrite random keys, answers encoded", sink],
] as const) {
  apply(
    what,
    entries(OPERATIONS, () => keyOf(random() % KEYS)),
    OPERATIONS,
    to,
  );
}
const hot = entries(OPERATIONS, () => keyOf(random() % 10_000));
apply("overwrite 10,000 hot keys, answers encoded", hot, OPERATIONS, sink);

const before = performance.now();
const frozen = state.clone();
console.log(`clone: ${(performance.now() - before).toFixed(2)} ms`);
const afterClone = entries(OPERATIONS, () => keyOf(random() % KEYS));
apply("overwrite random keys after a clone", afterClone, OPERATIONS, sink);

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
const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
console.log(`snapshot: ${(bytes / 1e6).toFixed(1)} MB; longest piece ${longestMs.toFixed(1)} ms`);
measure("snapshot, decode", frozen.size, () => {
  const decoder = new SnapshotDecoder();
  for (const chunk of chunks) {
    decoder.push(chunk);
    decoder.step(Infinity);
  }
  if (decoder.finish().hash() !== frozen.hash()) throw new Error("decoded state differs");
});
const memory = process.memoryUsage();
console.log(`heap ${Math.round(memory.heapUsed / 1e6)} MB, rss ${Math.round(memory.rss / 1e6)} MB`);
