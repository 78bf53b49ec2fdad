/** What the state machine costs: `npx tsx scripts/bench-kv.ts --help`. */
import { readWords } from "../src/measure/experiments/flags.ts";
import { measureStateMachine } from "../src/measure/experiments/state-machine.ts";

const HELP = `Usage: npx tsx scripts/bench-kv.ts [KEYS [VALUE-BYTES]]

What the state machine costs by itself: entries as nodes make them, a clone, a snapshot.

  KEYS          that are in the store; 1000000
  VALUE-BYTES   of each value; 128`;

const { keys, valueBytes } = readWords(HELP, { keys: 1_000_000, valueBytes: 128 });
measureStateMachine(keys, valueBytes);
